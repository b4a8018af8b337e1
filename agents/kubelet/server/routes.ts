// What the kubelet's API answers to plain requests, by the first part of the path. Upgraded ones are in streams.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { runInContainer } from '../probes/exec.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';
import { createSummaries } from '../stats/summary.ts';
import { sandboxesOf } from '../steps/sandbox.ts';
import { findContainer } from '../pod-spec.ts';
import { serveSystemLogs } from './system-logs.ts';
import { serveLogs } from './container-logs.ts';
import { answer, answerJson } from './server.ts';

type Route = (call: { request: IncomingMessage; response: ServerResponse; url: URL; rest: string[] }) => Promise<void> | void;

export function createRoutes({ node, pods, port }: { node: NodeContext; pods: Pods; port: number }): (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> {
  const summaries = createSummaries({ node, pods });
  const listPods: Route = ({ response }) => {
    const items = pods.workers().map(({ pod, memory }) => ({ ...pod, status: memory.status }));
    answerJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
  };
  const routes: Readonly<Record<string, Route>> = {
    healthz: ({ response }) => answer(response, 200, 'ok'),
    pods: listPods,
    runningpods: listPods,
    configz: ({ response }) => answerJson(response, { kubeletconfig: configuration(node, port) }),
    stats: async ({ response, url, rest }) => (rest.join('/') === 'summary' ? answerJson(response, await summaries.read(url.searchParams.get('only_cpu_and_memory') === 'true')) : answer(response, 404, '404 page not found')),
    metrics: async ({ response, rest }) => {
      const text = await metricsText(rest[0], node, pods);
      if (text === undefined) return answer(response, 404, '404 page not found');
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    },
    containerLogs({ response, url, rest: [namespace = '', pod = '', container = ''] }) {
      return serveLogs({ node, worker: pods.find(namespace, pod), pod, container, query: url.searchParams }, response);
    },
    localVolumes: (call) => localVolumes(call, node),
    logs: ({ request, response, url, rest }) => {
      if (!node.settings.enableSystemLogHandler) return answer(response, 405, 'logs endpoint is disabled.');
      return request.method === 'GET' ? serveSystemLogs(response, { path: rest, isFolder: url.pathname.endsWith('/'), roots: ['/var/log', node.logsDir] }) : answer(response, 405, '405: Method Not Allowed');
    },
    checkpoint: (call) => checkpoint(call, pods),
    run: (call) => run(call, { node, pods }),
  };
  return async (request, response, url) => {
    const [, head = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const route = Object.hasOwn(routes, head) ? routes[head] : undefined;
    if (route === undefined) return answer(response, 404, '404 page not found');
    await route({ request, response, url, rest: rest.filter((part) => part !== '') });
  };
}

/** Loaded when first asked for: most nodes are never scraped. */
async function metricsText(which: string | undefined, node: NodeContext, pods: Pods): Promise<string | undefined> {
  if (which === 'cadvisor') return (await import('../stats/cadvisor.ts')).cadvisorMetrics(node);
  const { kubeletMetrics, probeMetrics, resourceMetrics } = await import('../stats/metrics.ts');
  return which === undefined ? kubeletMetrics({ node, pods }) : which === 'resource' ? resourceMetrics(node) : which === 'probes' ? probeMetrics(pods) : undefined;
}

/** No runtime here writes a container's state down: answered as upstream's does over such a runtime. */
function checkpoint({ request, response, rest: [namespace = '', name = '', container = ''] }: Parameters<Route>[0], pods: Pods): void {
  if (request.method !== 'POST') return answer(response, 405, '405: Method Not Allowed');
  const worker = pods.find(namespace, name);
  if (worker === undefined) return answer(response, 404, 'pod does not exist');
  if (findContainer(worker.pod, container) === undefined) return answer(response, 404, `container ${container} does not exist`);
  answer(response, 500, `checkpointing of ${namespace}/${name}/${container} failed (the container runtime does not support it)`);
}

/** POST /run/<namespace>/<pod>/<container>?cmd=…: runs to the end and gives what was printed. */
async function run({ request, response, url, rest: [namespace = '', name = '', container = ''] }: Parameters<Route>[0], { node, pods }: { node: NodeContext; pods: Pods }): Promise<void> {
  if (request.method !== 'POST') return answer(response, 405, '405: Method Not Allowed');
  const worker = pods.find(namespace, name);
  if (worker === undefined) return answer(response, 404, `pod "${name}" does not exist`);
  const id = sandboxesOf(node, worker.pod.metadata.uid).flatMap((sandbox) => node.runtime.listContainers(sandbox.id)).find(({ config, state }) => config.name === container && state === 'running')?.id;
  if (id === undefined) return answer(response, 404, `container not found ("${container}")`);
  const { exitCode, output } = await runInContainer(node.runtime, id, { command: (url.searchParams.get('cmd') ?? '').split(' ') });
  answer(response, exitCode === 0 ? 200 : 500, exitCode === 0 ? output : `${output}command terminated with exit code ${String(exitCode)}`);
}

/** PUT /localVolumes/<name> makes a volume's folder and answers with its path; DELETE /localVolumes?path=… removes it. */
async function localVolumes({ request, response, url, rest: [name = ''] }: Parameters<Route>[0], { localVolumes: folders }: NodeContext): Promise<void> {
  if (folders === undefined) return answer(response, 404, 'this node keeps no local volumes');
  if (request.method === 'PUT') return answer(response, 200, folders.make(name));
  if (request.method !== 'DELETE') return answer(response, 405, '405: Method Not Allowed');
  await folders.remove(url.searchParams.get('path') ?? '');
  answer(response, 200, '');
}

/** KubeletConfiguration, with what is always so here. */
function configuration({ dns, logsDir, settings }: NodeContext, port: number): object {
  const { maxContainerRestartPeriod, memorySwapBehavior, idsPerPod, ...fields } = settings satisfies KubeletConfiguration;
  return {
    kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', port, authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '1m0s' }, anonymous: { enabled: false } }, authorization: { mode: 'Webhook' },
    clusterDomain: dns.clusterDomain, clusterDNS: dns.clusterDns, resolvConf: dns.resolvConf, podLogsDir: logsDir, nodeStatusUpdateFrequency: '10s', nodeStatusReportFrequency: '5m0s', nodeLeaseDurationSeconds: 40,
    cgroupsPerQOS: true, cpuManagerPolicy: 'none', memoryManagerPolicy: 'None', topologyManagerPolicy: 'none', cpuCFSQuotaPeriod: '100ms', failSwapOn: false, enableServer: true,
    ...(idsPerPod !== DEFAULT_CONFIGURATION.idsPerPod && { userNamespaces: { idsPerPod } }), crashLoopBackOff: { maxContainerRestartPeriod }, memorySwap: memorySwapBehavior === '' ? {} : { swapBehavior: memorySwapBehavior }, ...fields,
  };
}
