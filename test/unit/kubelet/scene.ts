// A node's pods over the real road (store, registry, admission, patches) on a fake clock, with containers that live in memory.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_LEDGER } from '../../../internal/base/ledger.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { createAdmission } from '../../../internal/admission/index.ts';
import { createAuthorizer } from '../../../internal/authz/authorizer.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createPipeline } from '../../../internal/http/pipeline.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { Pod, PodSpec } from '../../../internal/kinds/generated/api-types.ts';
import { NAMESPACES, PODS, SERVICEACCOUNTS } from '../../../internal/kinds/generated/resources.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import { DEFAULT_CONFIGURATION } from '../../../agents/kubelet/configuration/configuration.ts';
import { createClaims } from '../../../agents/kubelet/claims/index.ts';
import { createDevices } from '../../../agents/kubelet/devices/index.ts';
import { createLocalObjects } from '../../../agents/kubelet/objects.ts';
import type { NodeContext } from '../../../agents/kubelet/node-context.ts';
import { createStartCounts } from '../../../agents/kubelet/start-counts.ts';
import { createCounts } from '../../../agents/kubelet/stats/counts.ts';
import { createPods, type Pods } from '../../../agents/kubelet/pods.ts';
import { openPullRecords } from '../../../agents/kubelet/pulling/pull-records.ts';
import { createTokenSource } from '../../../agents/kubelet/volumes/token-source.ts';
import { createFakeClock, settle, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryImages, createMemoryRuntime, type MemoryRuntime } from './memory-runtime.ts';

export interface Scene {
  client: Client;
  clock: FakeClock;
  runtime: MemoryRuntime;
  images: ReturnType<typeof createMemoryImages>;
  events: string[];
  node: NodeContext;
  folder: string;
  pods(): Pods;
  restart(): void;
  create(name: string, spec: Omit<PodSpec, 'containers'> & { containers: PodSpec['containers'] }, metadata?: Partial<Pod['metadata']>): Promise<Pod>;
  pod(name: string): Promise<Pod>;
  /** Lets everything that is under way come to rest. */
  rest(): Promise<void>;
  stop(): void;
}

const nothing = (): Promise<void> => Promise.resolve();
const NO_CGROUPS: Omit<NodeContext['cgroups'], 'directory'> = {
  driver: 'cgroupfs', top: '/kubepods', version: 1, hugepageSizes: [], hasSwapLimits: () => false, children: () => [], pathOf: ({ metadata }) => `/kubepods/pod${metadata.uid}`,
  start: nothing, make: nothing, widen: nothing, remove: nothing, removeOthers: nothing,
};

const schemas = loadSchemas();
const kinds = loadKinds(schemas);

export async function createScene(): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), `skiff-kubelet-${String(process.pid)}-`));
  mkdirSync(join(folder, 'memory'));
  const clock = createFakeClock();
  const random = systemRandom;
  const store = createMemoryStore({ clock });
  const registry = createRegistry({ store, schemas, clock, random });
  const authorizer = createAuthorizer(store);
  const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission: createAdmission({ store, kinds, schemas, authorizer, clock, random }), clock });
  const client = createClient(pipeline.as({ username: 'admin', groups: ['system:masters'] }));
  const views = createLocalViews(store);
  const runtime = createMemoryRuntime(clock);
  const images = createMemoryImages();
  images.present.add('app:1');
  const events: string[] = [];
  const node: NodeContext = {
    nodeName: 'n1', nodeIps: ['192.0.2.1'], kubeletDir: join(folder, 'kubelet'), logsDir: join(folder, 'logs'), memoryDir: join(folder, 'memory'),
    dns: { clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', resolvConf: '/dev/null' }, client, views, runtime, images, objects: createLocalObjects(views),
    tokens: createTokenSource({ client, clock, random }), clock, random, log: silentLog, ledger: NO_LEDGER, allocatable: () => ({ cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '10Gi' }), pressures: () => [], imageUsed() {}, pullRecords: openPullRecords(join(folder, 'kubelet'), { clock, settings: DEFAULT_CONFIGURATION }), pullTurn: (work) => work(), settings: DEFAULT_CONFIGURATION,
    claims: createClaims({ directory: folder, nodeName: 'n1', client, clock, log: silentLog, activePods: () => undefined }),
    devices: createDevices({ directory: join(folder, 'device-plugins'), clock, log: silentLog, activePods: () => undefined, changed() {}, wakePod() {} }),
    cgroups: { ...NO_CGROUPS, directory: (path, controller) => join(folder, 'cgroups', controller, path) }, memoryCapacityBytes: 8 * 2 ** 30, oomScoreAdjMin: 0,
    starts: createStartCounts(), counts: createCounts(clock),
    csi: { load: () => Promise.reject(new Error('no CSI here')), loaded: () => undefined }, eventAbout: () => {}, event: (pod, type, reason, message, container) => void events.push(`${type} ${reason} ${pod.metadata.name}${container === undefined ? '' : `/${container}`}: ${message}`),
  };
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {} });
  await client.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } });
  let pods = createPods(node);
  pods.start();
  const idle = running();
  const rest = async (): Promise<void> => {
    do {
      for (let round = 0; round < 10; round++) await settle();
    } while (running() > idle);
  };
  return {
    client, clock, runtime, images, events, node, folder, pods: () => pods, rest,
    restart() {
      pods.stop();
      pods = createPods(node);
      pods.start();
    },
    create: (name, spec, metadata = {}) => client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...metadata }, spec: { nodeName: 'n1', automountServiceAccountToken: false, ...spec } }),
    pod: (name) => client.get(PODS, { namespace: 'default', name }),
    stop() {
      pods.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Programs that run, with their pipes: mounts of volumes are real. */
function running(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap' || name === 'PipeWrap').length;
}
