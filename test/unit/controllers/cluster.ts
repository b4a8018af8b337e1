// A small cluster in one process for loops' tests: store, registry, views and the loops themselves; a stand-in for the kubelet makes bound
// pods ready and lets terminating ones go.
import { startAll, type Running } from '../../../internal/base/component.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { copy, type KubeObject } from '../../../internal/api/meta.ts';
import type { ApiRequest, Patch, Resource, Transport } from '../../../internal/api/request.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { controllers } from '../../../internal/controllers/index.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import type { Loop } from '../../../internal/informer/loop.ts';
import { runLoop } from '../../../internal/informer/run-loop.ts';
import type { Views } from '../../../internal/informer/view.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { Node, Pod } from '../../../internal/kinds/generated/api-types.ts';
import * as ALL from '../../../internal/kinds/generated/resources.ts';
import type { WriteContext } from '../../../internal/registry/registry.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createScheduler } from '../../../internal/scheduler/index.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';

export interface TestCluster {
  client: Client;
  views: Views;
  events: string[];
  /** Resolves when the view of the resource satisfies the wish. */
  until<T extends KubeObject>(resource: Resource<T>, wish: (objects: T[]) => boolean): Promise<T[]>;
  stop(): Promise<void>;
}

const RESOURCES = (Object.values(ALL) as Resource[]).filter(({ resource, group, version }) => !/review|binding$|componentstatus/.test(resource) && group !== 'events.k8s.io' && !(group === 'autoscaling' && version === 'v1'));

export async function startCluster(): Promise<TestCluster> {
  // The product's timers do not keep a process alive: a test that waits for a retry must.
  const alive = setInterval(() => {}, 1_000_000);
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const store = createMemoryStore({ clock: systemClock });
  const registry = createRegistry({ store, schemas, clock: systemClock, random: systemRandom });
  const transport: Transport = { send: (request) => send(registry, kinds, request), watch: () => { throw new Error('not used'); } };
  const client = createClient(transport);
  const views = createLocalViews(store);
  const events: string[] = [];
  const recorder = { event: (_about: KubeObject, _type: string, reason: string, message: string) => void events.push(`${reason}: ${message}`), flush: () => Promise.resolve() };
  const run = (loop: Loop) => runLoop(loop, { views, client, clock: systemClock, random: systemRandom, log: silentLog, recorder });
  const loops = controllers({ rootCertificates: () => 'PEM', sign: () => { throw new Error('not used'); }, issueSecretToken: () => 'token', kubelets: { call: () => Promise.reject(new Error('not used')) }, disabled: [], aggregated: { find: () => undefined, all: () => [], open: () => { throw new Error('not used'); }, get: () => Promise.reject(new Error('not used')) }, clusterCidr: '10.42.0.0/16', apiServer: { clusterIp: '10.43.0.1', addresses: () => ['192.0.2.1'], port: 6443 }, resources: () => RESOURCES, types: { kinds, schemas } });
  const running: Running = await startAll([...loops, createScheduler(), kubelet()].map((loop) => run(loop as Loop)), silentLog);
  for (const name of ['default', 'kube-system']) await client.create(ALL.NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} });
  await client.create(ALL.NODES, testNode('n1'));
  return {
    client, views, events,
    until: (resource, wish) => new Promise((resolve) => {
      const look = (): void => {
        const objects = views.of(resource).list();
        if (!wish(objects)) return;
        queueMicrotask(() => end?.());
        resolve(objects);
      };
      const end: (() => void) | undefined = views.of(resource).subscribe(look);
      look();
    }),
    stop: async () => {
      clearInterval(alive);
      await running.stop();
      await store.close();
    },
  };
}

export function testNode(name: string): Node {
  const now = new Date(systemClock.now()).toISOString();
  return { apiVersion: 'v1', kind: 'Node', metadata: { name } as Node['metadata'], spec: {}, status: { allocatable: { cpu: '4', memory: '4Gi', pods: '110' }, capacity: { cpu: '4', memory: '4Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }] } };
}

function kubelet(): Loop<Pod, Pod> {
  let next = 1;
  return {
    name: 'kubelet',
    wakes: [{ resource: ALL.PODS, keys: (pod) => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`] }],
    observe(key, views) {
      const [namespace = '', name = ''] = key.split('/');
      const pod = views.of(ALL.PODS).get(namespace, name);
      return pod?.spec.nodeName === undefined ? undefined : pod;
    },
    plan: (pod) => ({ actions: pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Pending' ? [pod] : [] }),
    async act(pod, { client, clock }) {
      const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
      if (pod.metadata.deletionTimestamp !== undefined) return client.delete(ALL.PODS, key, { gracePeriodSeconds: 0 });
      const code = exitCode(pod);
      const podIP = `10.42.0.${String(++next)}`;
      const bad = pod.spec.containers[0]?.image === 'bad';
      const time = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
      if (code !== undefined) {
        const containerStatuses = [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: code, startedAt: time, finishedAt: time } } }];
        await client.updateStatus(ALL.PODS, { ...copy(pod), status: { ...pod.status, phase: code === 0 ? 'Succeeded' : 'Failed', containerStatuses } });
        return;
      }
      await client.updateStatus(ALL.PODS, { ...copy(pod), status: { ...pod.status, phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [...(pod.status?.conditions ?? []), { type: 'Ready', status: bad ? 'False' : 'True', lastTransitionTime: time }] } });
    },
  };
}

// `exit-3` ends with that code, `exit-3-at-1-5` only at these completion indexes, with 0 at others.
function exitCode({ metadata, spec }: Pod): number | undefined {
  const [, code, indexes] = /^exit-(\d+)(?:-at-(.+))?$/.exec(spec.containers[0]?.image ?? '') ?? [];
  if (code === undefined) return undefined;
  const at = metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
  return indexes === undefined || indexes.split('-').includes(at ?? '') ? Number(code) : 0;
}

async function send(registry: ReturnType<typeof createRegistry>, kinds: ReturnType<typeof loadKinds>, request: ApiRequest): Promise<unknown> {
  const { verb, resource, namespace, name, subresource, options } = request;
  const kind = kinds.byResource(resource.group, resource.version, resource.resource);
  if (kind === undefined) throw new Error(`no kind ${resource.resource}`);
  const context: WriteContext = { user: { username: 'test', groups: [] }, dryRun: false, subresource };
  const key = { namespace, name };
  const body = request.body as KubeObject;
  if (subresource === 'binding') return (await registry.update(kind, key, (old) => ({ ...copy(old as Pod), spec: { ...copy(old as Pod).spec, nodeName: (body as unknown as { target: { name: string } }).target.name } }), context)).object;
  switch (verb) {
    case 'create': return registry.create(kind, copy(body), context);
    case 'update': return (await registry.update(kind, key, () => copy(body), context)).object;
    case 'patch': return (await registry.update(kind, key, (old) => merged(copy(old) as object, request.body as unknown as Patch) as KubeObject, context)).object;
    case 'delete': return (await registry.delete(kind, key, options.delete ?? {}, context)).object;
    case 'deletecollection': return registry.deleteCollection(kind, { namespace }, options.delete ?? {}, context);
    case 'get': case 'list': case 'watch': case 'connect': throw new Error(`loops do not ${verb}`);
  }
}

// Enough of merge and strategic merge for what loops send.
function merged(target: object, { type, body }: Patch): object {
  const result = target as Record<string, unknown>;
  for (const [name, value] of Object.entries(body as object) as [string, unknown][]) {
    const old = result[name];
    if (name === '$deleteFromPrimitiveList/finalizers') result.finalizers = ((result.finalizers as string[] | undefined) ?? []).filter((each) => !(value as string[]).includes(each));
    else if (name === 'finalizers' && type === 'strategic') result[name] = [...new Set([...((old as string[] | undefined) ?? []), ...(value as string[])])];
    else if (value === null) delete result[name];
    else if (name === 'conditions') result[name] = [...((old as { type: string }[] | undefined) ?? []).filter(({ type }) => !(value as { type: string }[]).some((each) => each.type === type)), ...(value as object[])];
    else if (Array.isArray(value) && value.some((each) => (each as { $patch?: string }).$patch === 'delete')) result[name] = (old as { uid: string }[]).filter(({ uid }) => !(value as { uid: string }[]).some((each) => each.uid === uid));
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) result[name] = merged((old as object | undefined) ?? {}, { type, body: value } as Patch);
    else result[name] = value;
  }
  return result;
}
