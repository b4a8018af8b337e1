// What the kubelet's API answers to plain requests, by their place. Upgraded ones are in streams.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatTime } from '../../../internal/api/meta.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { runInContainer } from '../probes/exec.ts';
import { isStatic, findContainer } from '../pod-spec.ts';
import { createSummaries } from '../stats/summary.ts';
import { configz } from './configz.ts';
import { serveLogs } from './container-logs.ts';
import { createHealth } from './health.ts';
import type { FoundPlace } from './places.ts';
import { answer, answerJson } from './answers.ts';
import { runningContainer, targetOf } from './streams.ts';
import { serveSystemLogs } from './system-logs.ts';

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  parts: readonly string[];
}
type Route = (call: Call) => Promise<void> | void;

export function createRoutes({ node, pods, port }: { node: NodeContext; pods: Pods; port: number }): (request: IncomingMessage, response: ServerResponse, place: FoundPlace & { url: URL }) => Promise<void> {
  const summaries = createSummaries({ node, pods });
  const health = createHealth();
  const zpage = (name: 'statusz' | 'flagz'): Route => async ({ request, response }) => answer(response, (await import('./zpages.ts')).zpage(name, request.headers.accept ?? '', node));
  const stream: Route = ({ response, url, parts }) => {
    const target = targetOf({ node, pods, url, kind: url.pathname.split('/')[1] ?? '', parts, offered: undefined });
    answer(response, 'problem' in target ? target.problem : { code: 500, text: 'Upgrade request required\n' });
  };
  const routes: Readonly<Record<string, Route>> = {
    pods: ({ response }) => answerJson(response, listOf(pods.workers().map(({ pod, memory }) => shown(pod, memory.status)))),
    runningpods: ({ response }) => answerJson(response, listOf(runningPods(node))),
    configz: ({ response }) => answerJson(response, { kubeletconfig: configz(node, port) }),
    statusz: zpage('statusz'), flagz: zpage('flagz'),
    stats: async ({ request, response, url }) => answerJson(response, await summaries.read(await isOnly(request, url))),
    containerLogs: ({ response, url, parts: [namespace = '', pod = '', container = ''] }) => serveLogs({ node, worker: pods.find(namespace, pod), pod, container, query: url.searchParams }, response),
    localVolumes: (call) => localVolumes(call, node),
    logs: ({ response, url, parts }) => serveSystemLogs(response, { path: parts, isFolder: url.pathname.endsWith('/'), roots: ['/var/log', node.logsDir] }),
    checkpoint: (call) => checkpoint(call, pods),
    run: (call) => run(call, { node, pods }),
    exec: stream, attach: stream, portForward: stream,
  };
  return async (request, response, { name, parts, url }) => {
    const [head = '', which] = name.split('/');
    if (head === 'healthz') return answer(response, health.answer(which, url.searchParams));
    if (head === 'metrics') {
      const text = which === 'slis' ? health.metrics() + (await import('../stats/process.ts')).processStart('[ALPHA] ') : await metricsText(which, node, pods);
      return void response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores' }).end(text);
    }
    await routes[name]?.({ request, response, url, parts });
  };
}

function listOf(items: readonly object[]): object {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

/** With what upstream's kubelet notes on its own copy. */
function shown({ kind: _kind, apiVersion: _version, ...pod }: Pod, status: Pod['status']): object {
  const { annotations, creationTimestamp } = pod.metadata;
  const own = isStatic(pod) ? {} : { 'kubernetes.io/config.seen': status?.startTime ?? creationTimestamp ?? formatTime(0), 'kubernetes.io/config.source': 'api' };
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations, ...own } }, status };
}

/** What the runtime has, whatever was asked for. */
function runningPods({ runtime }: NodeContext): object[] {
  return runtime.listSandboxes().filter(({ state }) => state === 'ready').map(({ id, config: { name, namespace, uid } }) => {
    const containers = runtime.listContainers(id).filter(({ state }) => state === 'running').map(({ config }) => ({ name: config.name, image: config.imageId, resources: {} }));
    return { metadata: { name, namespace, uid }, spec: { containers: containers.length === 0 ? null : containers }, status: {} };
  });
}

const FORM_BYTES_MAX = 64 << 10;

/** A form may say it as well as the query. */
async function isOnly(request: IncomingMessage, url: URL): Promise<boolean> {
  const said = url.searchParams.getAll('only_cpu_and_memory');
  if (request.method === 'POST' && request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true) {
    let text = '';
    for await (const chunk of request) if ((text += String(chunk)).length > FORM_BYTES_MAX) break;
    said.push(...new URLSearchParams(text).getAll('only_cpu_and_memory'));
  }
  return said.length === 1 && said[0] === 'true';
}

/** Loaded when first asked for: most nodes are never scraped. */
async function metricsText(which: string | undefined, node: NodeContext, pods: Pods): Promise<string | undefined> {
  if (which === 'cadvisor') return (await import('../stats/cadvisor.ts')).cadvisorMetrics(node);
  const { kubeletMetrics, probeMetrics, resourceMetrics } = await import('../stats/metrics.ts');
  return which === undefined ? kubeletMetrics({ node, pods }) : which === 'resource' ? resourceMetrics(node) : which === 'probes' ? probeMetrics(pods) : undefined;
}

/** No runtime here writes a container's state down: answered as upstream's does over such a runtime. */
function checkpoint({ response, url, parts: [namespace = '', name = '', container = ''] }: Call, pods: Pods): void {
  const worker = pods.find(namespace, name);
  if (worker === undefined) return answer(response, { code: 404, text: 'pod does not exist' });
  if (findContainer(worker.pod, container) === undefined) return answer(response, { code: 404, text: `container ${container} does not exist` });
  const timeout = url.searchParams.getAll('timeout').at(-1);
  if (timeout !== undefined && !/^[+-]?\d+$/.test(timeout)) return answer(response, { code: 404, text: 'cannot parse value of timeout parameter' });
  answer(response, { code: 500, text: `checkpointing of ${namespace}/${name}/${container} failed (the container runtime does not support it)` });
}

/** POST /run/<namespace>/<pod>[/<uid>]/<container>?cmd=…: runs to the end and gives what was printed. */
async function run({ response, url, parts }: Call, { node, pods }: { node: NodeContext; pods: Pods }): Promise<void> {
  const [namespace = '', name = ''] = parts;
  const container = parts.at(-1) ?? '';
  const worker = pods.find(namespace, name);
  if (worker === undefined) return answer(response, { code: 404, text: 'pod does not exist' });
  const id = runningContainer(node, worker, container)?.id;
  if (id === undefined) return answer(response, { code: 500, text: `container not found (${JSON.stringify(container)})` });
  const command = (url.searchParams.get('cmd') ?? '').split(' ');
  const { exitCode, output, errors } = await runInContainer(node.runtime, id, { command, mustStart: true });
  if (exitCode !== 0) return answer(response, { code: 500, text: `command '${command.join(' ')}' exited with ${String(exitCode)}: ${errors}` });
  response.writeHead(200, output === '' ? {} : { 'content-type': 'application/json' }).end(output);
}

/** PUT /localVolumes/<name> makes a volume's folder and answers with its path; DELETE /localVolumes?path=… removes it. */
async function localVolumes({ request, response, url, parts: [name = ''] }: Call, { localVolumes: folders }: NodeContext): Promise<void> {
  if (folders === undefined) return answer(response, { code: 404, text: 'this node keeps no local volumes' });
  if (request.method === 'PUT') return answer(response, { code: 200, text: folders.make(name) });
  await folders.remove(url.searchParams.get('path') ?? '');
  answer(response, { code: 200, text: '' });
}
