// The kubelet: this node in the API, and the node's pods brought to what the API says of them.
//
//   views(pods of this node) ─┐
//   runtime events ───────────┼─► worker of the pod (pod-worker.ts) ─► steps/, runtime ─► status ─► API
//   probes, timers ───────────┘
//
// Containers are not children of the kubelet: it may stop and start again at any time and finds all as it stands.
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock } from '../../internal/base/clock.ts';
import { command } from '../../internal/base/command.ts';
import type { Component } from '../../internal/base/component.ts';
import { NO_LEDGER, type Ledger } from '../../internal/base/ledger.ts';
import { createLimit, type Limit } from '../../internal/base/limit.ts';
import type { Log } from '../../internal/base/log.ts';
import type { Random } from '../../internal/base/random.ts';
import { parseDuration } from '../../internal/api/duration.ts';
import { quantityValue } from '../../internal/api/quantity.ts';
import type { Client } from '../../internal/client/client.ts';
import { createEventRecorder } from '../../internal/informer/event-recorder.ts';
import type { Views } from '../../internal/informer/view.ts';
import type { Node, Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS, SERVICEACCOUNTS } from '../../internal/kinds/generated/resources.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { nodeCgroups } from './cgroups/own-cgroups.ts';
import { driverOf, openNodeCgroups } from './cgroups/node-cgroups.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from './configuration/configuration.ts';
import { openLastKnown, type LastKnown } from './last-known/files.ts';
import { createNodeCsi } from './csi/loader.ts';
import { createClaims } from './claims/index.ts';
import { createDevices } from './devices/index.ts';
import { createPodResourcesServer } from './devices/pod-resources-server.ts';
import { LABEL } from './labels.ts';
import { createLogRotation } from './logs/log-rotation.ts';
import { lowestOomScoreAdj, readCapacity } from './node/capacity.ts';
import { createRegistration, type Registration } from './node/registration.ts';
import { systemInfo } from './node/system-info.ts';
import type { NodeFacts } from './node/node-status.ts';
import type { NodeContext } from './node-context.ts';
import { createFetchedObjects, createLocalObjects } from './objects.ts';
import { createPluginWatcher } from './plugins/registration.ts';
import { createPods, type Pods } from './pods.ts';
import { findContainer } from './pod-spec.ts';
import { openPullRecords } from './pulling/pull-records.ts';
import { createImageCollection } from './pressure/image-collection.ts';
import { createPressureKeeper, type PressureKeeper } from './pressure/pressure.ts';
import { createProcessLimitWatch, type ProcessLimitWatch } from './pressure/process-limit.ts';
import { createObserver } from './pressure/signals.ts';
import { createKubeletServer, type KubeletServer, type KubeletTls } from './server/server.ts';
import { endForShutdown, SHUTTING_DOWN, shutdownGroupsOf } from './shutdown.ts';
import { createLocalVolumes } from './volumes/local-volumes.ts';
import { createStartCounts } from './start-counts.ts';
import { createCounts } from './stats/counts.ts';
import { measuredCgroups, measuredRuntime } from './stats/measured.ts';
import { createFileSource, createUrlSource, type StaticSource } from './static-sources.ts';
import { mountPointsUnder } from './volumes/mount-table.ts';
import { createTokenSource } from './volumes/token-source.ts';

export interface KubeletOptions {
  nodeName: string;
  /** As they are now; IPv4 first. */
  nodeIps(): readonly string[];
  externalIps?: readonly string[];
  /** Default: the host's own. */
  hostname?: string;
  /** `v1.36.x+skiff1`. */
  version: string;
  /** Default `/var/lib/kubelet`. */
  kubeletDir?: string;
  /** Default `/var/log/pods`. */
  logsDir?: string;
  client: Client;
  views: Views;
  /** The views read the store itself (a server): objects are read there rather than fetched. */
  viewsAreLocal: boolean;
  runtime: Runtime;
  images: ImageStore;
  clock: Clock;
  random: Random;
  log: Log;
  ledger?: Ledger;
  /** Absent: no API on the kubelet's port. */
  tls?: KubeletTls;
  /** Default 10250. */
  port?: number;
  clusterDns: readonly string[];
  clusterDomain: string;
  /** Path below the process's own cgroup that stands for the root; the runtime must be told the same. Default: that cgroup itself. */
  cgroupRoot?: string;
  /** Default `/etc/resolv.conf`. */
  resolvConf?: string;
  /** Where an agent keeps the ConfigMaps, Secrets and tokens of its pods for a start without the server. Default: it does not. */
  lastKnownDir?: string;
  /** Folder of static pods, unless the settings name another. Default: there is none. */
  manifestsDir?: string;
  /** Where folders of local volumes are made when the server asks. Default: they are not. */
  localVolumesDir?: string;
  /** Where images are kept: the disk that image collection watches. Default: the kubelet's own. */
  imagesDir?: string;
  labels?: Readonly<Record<string, string>>;
  /** Default: upstream's defaults. */
  settings?: KubeletConfiguration;
  taints?: NonNullable<NonNullable<Node['spec']>['taints']>;
}

export interface Kubelet extends Component {
  /** The machine goes down: ends the pods in the time they are given. Resolves at once where none is. */
  endPods(): Promise<void>;
}

/** The runtime and the image store must be started before it and stopped after it. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { nodeName, client, views, clock, log } = options;
  const kubeletDir = options.kubeletDir ?? '/var/lib/kubelet';
  let pods: Pods | undefined;
  let registration: Registration | undefined;
  let server: KubeletServer | undefined;
  let node: NodeContext | undefined;
  let keeper: PressureKeeper | undefined;
  let processes: ProcessLimitWatch | undefined;
  let ending = false;
  const settings = options.settings ?? DEFAULT_CONFIGURATION;
  const devices = createDevices({ directory: `${kubeletDir}/device-plugins`, clock, log, activePods: () => pods?.active(), changed: () => registration?.changed(), wakePod: (uid) => pods?.worker(uid)?.wake() });
  const claims = createClaims({ directory: kubeletDir, nodeName, client, clock, log, activePods: () => pods?.active() });
  const podResources = createPodResourcesServer({ directory: `${kubeletDir}/pod-resources`, pods: () => pods?.workers().map(({ pod }) => pod).filter(({ metadata }) => pods?.active()?.has(metadata.uid) !== false) ?? [], devices, claims, clock });
  const csi = createNodeCsi({ node: () => node as NodeContext, changed: () => registration?.changed(), looks: !options.viewsAreLocal });
  const plugins = createPluginWatcher({ directory: `${kubeletDir}/plugins_registry`, handlers: new Map([['CSIPlugin', csi.handler], ['DevicePlugin', devices.handler], ['DRAPlugin', claims.handler]]), clock, log });
  const rotation = createLogRotation({ ...options, sizeMaxBytes: quantityValue(settings.containerLogMaxSize), filesMax: settings.containerLogMaxFiles, onCut: (id, sizeBytes) => tellCut(id, sizeBytes) });

  const tellCut = (id: string, sizeBytes: number): void => {
    const config = options.runtime.status(id)?.config;
    const pod = pods?.workers().find(({ pod: { metadata } }) => metadata.uid === config?.labels[LABEL.podUid])?.pod;
    if (pod !== undefined) node?.event(pod, 'Warning', 'ContainerLogCut', `The log grew to ${String(sizeBytes)} bytes before it could be rotated: only its last ${settings.containerLogMaxSize} are kept`, config?.name);
  };

  return {
    name: 'kubelet',
    async start() {
      writeDown(options, kubeletDir);
      mkdirSync(`${kubeletDir}/pods`, { recursive: true, mode: 0o750 });
      const memoryDir = await mountMemory(kubeletDir);
      const capacity = readCapacity(kubeletDir, settings);
      const system = systemInfo(options.version, options.runtime.info);
      const facts = (): NodeFacts => ({
        name: nodeName, hostname: options.hostname ?? hostname(), ips: options.nodeIps(), ...(options.externalIps !== undefined && { externalIps: options.externalIps }), port: options.port ?? 10250,
        capacity, devices: devices.amounts(), system, images: imagesOf(options.images, settings.nodeStatusMaxImages), labels: options.labels ?? {}, taints: options.taints ?? [], handlers: options.runtime.handlers(), pressures: keeper?.conditions() ?? [], volumesInUse: csi.volumesInUse(), problem: ending ? SHUTTING_DOWN : options.runtime.problem?.() ?? '', now: clock.now(),
      });
      const shown = (): string => [options.runtime.problem?.() ?? '', ...options.nodeIps(), ...options.images.list().flatMap(({ id, tags }) => [id, ...tags])].join(' ');
      let before = shown();
      const beat = (): void => {
        void keeper?.look();
        processes?.look();
        csi.beat();
        const now = shown();
        if (now !== before) registration?.changed();
        before = now;
      };
      registration = createRegistration({ client, views, clock, log, nodeName, facts, isNew: () => devices.isNew, beat });
      const pullRecords = openPullRecords(kubeletDir, { clock, settings });
      pullRecords.start(options.images);
      const collection = createImageCollection({ ...options, settings, removed: (id) => pullRecords.forget(id) });
      const lastKnown = options.lastKnownDir === undefined || options.viewsAreLocal ? undefined : openLastKnown(options.lastKnownDir);
      const cgroups = await openNodeCgroups({ ...options, ...capacity, settings });
      node = contextOf(options, lastKnown, { devices, claims, kubeletDir, memoryDir, settings: { ...settings, cgroupDriver: driverOf({ ...options, settings }) }, memoryCapacityBytes: capacity.memoryBytes, cgroups, self: () => registration?.node(), allocatable: () => registration?.node()?.status?.allocatable ?? capacity.allocatable, pressures: () => keeper?.conditions() ?? [], imageUsed: collection.used, pullRecords, csi });
      await loadCredentialPlugins(node);
      void node.localVolumes?.finish().catch((error: unknown) => log.warn('a removed volume is still in part there', { error: messageOf(error) }));
      pods = createPods(node, { sources: staticSources(options, settings), nodeUid: () => registration?.node()?.metadata.uid });
      const onReclaim = (resource: string): void => {
        const self = registration?.node();
        if (self !== undefined) node?.eventAbout(self, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
      };
      keeper = createPressureKeeper({ node, pods, collection, settings, observe: createObserver({ nodeDir: kubeletDir, imagesDir: options.imagesDir ?? kubeletDir, pods: { version: cgroups.version, directory: cgroups.directory(cgroups.top, 'memory') } }), onChange: () => registration?.changed(), onReclaim, onEvict: (signal) => node?.counts.count('kubelet_evictions', { eviction_signal: signal }) });
      processes = createProcessLimitWatch({ node, pods, podPidsLimit: settings.podPidsLimit });
      if (options.tls !== undefined) server = createKubeletServer({ node, pods, tls: options.tls, port: options.port ?? 10250 });
      await server?.start();
      await devices.start();
      await podResources.start();
      await registration.start();
      csi.start();
      await plugins.start();
      pods.start();
      const own = views.of(PODS, { fieldSelector: `spec.nodeName=${nodeName}` });
      void own.synced.then(() => lastKnown?.keepOnly(groupsOf(own.list())));
      rotation.start();
    },
    async endPods() {
      const groups = shutdownGroupsOf(settings);
      if (groups.length === 0 || pods === undefined) return;
      ending = true;
      registration?.changed();
      await endForShutdown(pods, groups, clock);
    },
    async stop() {
      rotation.stop();
      await plugins.stop();
      pods?.stop();
      csi.stop();
      registration?.stop();
      await podResources.stop();
      await devices.stop();
      claims.stop();
      node?.objects.stop();
      await server?.stop();
    },
  };
}

/** Of what pods need when the server is away: their namespaces, and none for volumes and RuntimeClasses. */
function groupsOf(pods: readonly Pod[]): Set<string> {
  const unspaced = pods.some(({ spec }) => spec.runtimeClassName !== undefined || spec.volumes?.some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined) === true);
  return new Set([...pods.map(({ metadata }) => metadata.namespace ?? ''), ...(unspaced ? [''] : [])]);
}

function staticSources(options: KubeletOptions, { staticPodPath, staticPodURL: url, staticPodURLHeader: headers, httpCheckFrequency }: KubeletConfiguration): StaticSource[] {
  const path = staticPodPath === '' ? options.manifestsDir : staticPodPath;
  return [...(path === undefined ? [] : [createFileSource(path, options)]), ...(url === '' ? [] : [createUrlSource({ url, headers, everyMs: parseDuration(httpCheckFrequency) }, options)])];
}

/** What of a node's folders and cgroups is made by it: where they were there before, only what is put in them. */
function writeDown({ ledger = NO_LEDGER, logsDir = '/var/log/pods' }: KubeletOptions, kubeletDir: string): void {
  for (const path of [kubeletDir, `${kubeletDir}/pods`, `${kubeletDir}/plugins_registry`, `${kubeletDir}/device-plugins`, `${kubeletDir}/pod-resources`, `${kubeletDir}/memory`, `${kubeletDir}/image_manager`, logsDir]) ledger.making(path, 'tree');
  for (const directory of nodeCgroups()) ledger.cgroup(directory);
}

/** One tmpfs for all that must not reach a disk; it stays over a restart, as containers hold it. */
async function mountMemory(kubeletDir: string): Promise<string> {
  const path = `${kubeletDir}/memory`;
  mkdirSync(path, { recursive: true, mode: 0o750 });
  if (!mountPointsUnder(path).includes(path)) await command('mount', ['-t', 'tmpfs', '-o', 'mode=0750,size=50%', 'tmpfs', path]);
  return path;
}

function contextOf(options: KubeletOptions, lastKnown: LastKnown | undefined, derived: Pick<NodeContext, 'devices' | 'claims' | 'kubeletDir' | 'memoryDir' | 'settings' | 'cgroups' | 'memoryCapacityBytes' | 'self' | 'allocatable' | 'pressures' | 'imageUsed' | 'pullRecords' | 'csi'>): NodeContext {
  const { client, views, clock, random, log, nodeName } = options;
  const recorder = createEventRecorder({ client, clock, random, log, component: 'kubelet', host: nodeName });
  const counts = createCounts(clock);
  return {
    ...derived, nodeName, pullTurn: pullTurnsOf(derived.settings), logsDir: options.logsDir ?? '/var/log/pods', client, views, runtime: measuredRuntime(options.runtime, counts), cgroups: measuredCgroups(derived.cgroups, counts), images: options.images, clock, random, log, ledger: options.ledger ?? NO_LEDGER,
    dns: { clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, resolvConf: options.resolvConf ?? '/etc/resolv.conf' },
    objects: options.viewsAreLocal ? createLocalObjects(views) : createFetchedObjects(client, clock, lastKnown),
    tokens: createTokenSource({ client, clock, random, lastKnown }), oomScoreAdjMin: lowestOomScoreAdj(),
    ...(options.localVolumesDir !== undefined && { localVolumes: createLocalVolumes({ root: options.localVolumesDir, ledger: options.ledger ?? NO_LEDGER }) }),
    get nodeIps() {
      return options.nodeIps();
    },
    starts: createStartCounts(), counts,
    eventAbout: (object, type, reason, message) => recorder.event(object, type, reason, message),
    event(pod, type, reason, message, container) {
      const kind = container === undefined ? undefined : findContainer(pod, container)?.kind;
      const list = kind === 'ephemeral' ? 'ephemeralContainers' : kind === 'init' || kind === 'sidecar' ? 'initContainers' : 'containers';
      recorder.event(pod, type, reason, message, container === undefined || container === '' ? {} : { fieldPath: `spec.${list}{${container}}` });
    },
  };
}

/** Most nodes have none. A configuration that cannot be meant ends the start. */
async function loadCredentialPlugins(node: NodeContext): Promise<void> {
  const { imageCredentialProviderConfig: path, imageCredentialProviderBinDir: binDir } = node.settings;
  if (path === '') return;
  const [{ readPluginConfig }, { createCredentialPlugins }] = await Promise.all([import('./pulling/plugin-config.ts'), import('./pulling/plugins.ts')]);
  node.credentialPlugins = createCredentialPlugins(readPluginConfig(path, binDir), {
    binDir, clock: node.clock, log: node.log, serviceAccount: (namespace, name) => node.client.get(SERVICEACCOUNTS, { namespace, name }),
    token: async (pod, audience) => (await node.tokens.tokenFor(pod, { audience, path: '' })).token,
  });
}

function pullTurnsOf({ serializeImagePulls, maxParallelImagePulls }: KubeletConfiguration): Limit {
  return createLimit(serializeImagePulls ? 1 : maxParallelImagePulls || Infinity);
}

/** The largest ones, as upstream lists them; -1: all. */
function imagesOf(images: ImageStore, max: number): NodeFacts['images'] {
  return images.list().sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, max < 0 ? Infinity : max).map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, 5), sizeBytes }));
}
