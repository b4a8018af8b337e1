// The kubelet: this node in the API, and the node's pods brought to what the API says of them.
//
//   views(pods of this node) ─┐
//   runtime events ───────────┼─► worker of the pod (pod-worker.ts) ─► steps/, runtime ─► status ─► API
//   probes, timers ───────────┘
//
// Containers are not children of the kubelet: it may stop and start again at any time and finds all as it stands.
import { mkdirSync } from 'node:fs';
import { command } from '../../internal/base/command.ts';
import type { Component } from '../../internal/base/component.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { NO_LEDGER } from '../../internal/base/ledger.ts';
import { parseDuration } from '../../internal/api/duration.ts';
import { quantityValue } from '../../internal/api/quantity.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS } from '../../internal/kinds/generated/resources.ts';
import { nodeCgroups } from './cgroups/own-cgroups.ts';
import { driverOf, openNodeCgroups } from './cgroups/node-cgroups.ts';
import { createClaims } from './claims/index.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from './configuration/configuration.ts';
import { createNodeCsi } from './csi/loader.ts';
import { createDevices } from './devices/index.ts';
import { createPodResourcesServer } from './devices/pod-resources-server.ts';
import { createNodeContext } from './kubelet-context.ts';
import { KUBELET_DIR, KUBELET_PORT, LOGS_DIR, type KubeletOptions } from './kubelet-options.ts';
import { LABEL } from './labels.ts';
import { openLastKnown } from './last-known/files.ts';
import { createLogRotation } from './logs/log-rotation.ts';
import { readCapacity } from './node/capacity.ts';
import { nodeFacts, untoldOf } from './node/node-facts.ts';
import { createRegistration, type Registration } from './node/registration.ts';
import { systemInfo } from './node/system-info.ts';
import type { NodeContext } from './node-context.ts';
import { createPluginWatcher } from './plugins/registration.ts';
import { createPods, type Pods } from './pods.ts';
import { createImageCollection } from './pressure/image-collection.ts';
import { createPressureKeeper, type PressureKeeper } from './pressure/pressure.ts';
import { createProcessLimitWatch, type ProcessLimitWatch } from './pressure/process-limit.ts';
import { createObserver } from './pressure/signals.ts';
import { openPullRecords } from './pulling/pull-records.ts';
import { createKubeletServer, type KubeletServer } from './server/server.ts';
import { endForShutdown, shutdownGroupsOf } from './shutdown.ts';
import { createFileSource, createUrlSource, type StaticSource } from './static-sources.ts';
import { mountPointsUnder } from './volumes/mount-table.ts';

export interface Kubelet extends Component {
  /** The machine goes down: ends the pods in the time they are given. Resolves at once where none is. */
  endPods(): Promise<void>;
}

/** The runtime and the image store must be started before it and stopped after it. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { nodeName, client, views, clock, log, kubeletDir = KUBELET_DIR, port = KUBELET_PORT, settings = DEFAULT_CONFIGURATION } = options;
  // Made by `start`, and asked for by what is made before.
  let pods: Pods | undefined;
  let registration: Registration | undefined;
  let server: KubeletServer | undefined;
  let node: NodeContext | undefined;
  let keeper: PressureKeeper | undefined;
  let processes: ProcessLimitWatch | undefined;
  let ending = false;
  const changed = (): void => registration?.changed();
  const activePods = (): ReadonlySet<string> | undefined => pods?.active();
  const devices = createDevices({ directory: `${kubeletDir}/device-plugins`, clock, log, activePods, changed, wakePod: (uid) => pods?.worker(uid)?.wake() });
  const claims = createClaims({ directory: kubeletDir, nodeName, client, clock, log, activePods });
  const podResources = createPodResourcesServer({ directory: `${kubeletDir}/pod-resources`, pods: podsThatHold, devices, claims, clock });
  const csi = createNodeCsi({ node: () => node as NodeContext, changed, looks: !options.viewsAreLocal });
  const plugins = createPluginWatcher({ directory: `${kubeletDir}/plugins_registry`, handlers: new Map([['CSIPlugin', csi.handler], ['DevicePlugin', devices.handler], ['DRAPlugin', claims.handler]]), clock, log });
  const rotation = createLogRotation({ ...options, sizeMaxBytes: quantityValue(settings.containerLogMaxSize), filesMax: settings.containerLogMaxFiles, onCut: tellCut });

  function podsThatHold(): Pod[] {
    return (pods?.workers() ?? []).map(({ pod }) => pod).filter(({ metadata }) => activePods()?.has(metadata.uid) !== false);
  }

  function tellCut(id: string, sizeBytes: number): void {
    const config = options.runtime.status(id)?.config;
    const pod = pods?.workers().find(({ pod: { metadata } }) => metadata.uid === config?.labels[LABEL.podUid])?.pod;
    if (pod !== undefined) node?.event(pod, 'Warning', 'ContainerLogCut', `The log grew to ${String(sizeBytes)} bytes before it could be rotated: only its last ${settings.containerLogMaxSize} are kept`, config?.name);
  }

  function tellReclaim(resource: string): void {
    const self = registration?.node();
    if (self !== undefined) node?.eventAbout(self, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
  }

  /** What is looked at with each renewal of the lease. */
  function createBeat(): () => void {
    let before = untoldOf(options);
    return () => {
      void keeper?.look();
      processes?.look();
      csi.beat();
      const now = untoldOf(options);
      if (now !== before) changed();
      before = now;
    };
  }

  return {
    name: 'kubelet',
    async start() {
      writeDown(options, kubeletDir);
      mkdirSync(`${kubeletDir}/pods`, { recursive: true, mode: 0o750 });
      const memoryDir = await mountMemory(kubeletDir);
      const capacity = readCapacity(kubeletDir, settings);
      const system = systemInfo(options.version, options.runtime.info);
      const pressures = (): ReturnType<PressureKeeper['conditions']> => keeper?.conditions() ?? [];
      const self = (): ReturnType<Registration['node']> => registration?.node();
      registration = createRegistration({
        client, views, clock, log, nodeName, isNew: () => devices.isNew, beat: createBeat(),
        facts: () => nodeFacts(options, { capacity, system, devices, imagesMax: settings.nodeStatusMaxImages, pressures: pressures(), volumesInUse: csi.volumesInUse(), ending }),
      });
      const pullRecords = openPullRecords(kubeletDir, { clock, settings });
      pullRecords.start(options.images);
      const collection = createImageCollection({ ...options, settings, removed: (id) => pullRecords.forget(id) });
      const lastKnown = options.lastKnownDir === undefined || options.viewsAreLocal ? undefined : openLastKnown(options.lastKnownDir);
      const cgroups = await openNodeCgroups({ ...options, ...capacity, settings });
      node = await createNodeContext(options, {
        devices, claims, csi, cgroups, pullRecords, lastKnown, kubeletDir, memoryDir, pressures, self,
        settings: { ...settings, cgroupDriver: driverOf({ ...options, settings }) },
        memoryCapacityBytes: capacity.memoryBytes, allocatable: () => self()?.status?.allocatable ?? capacity.allocatable, imageUsed: collection.used,
      });
      void node.localVolumes?.finish().catch((error: unknown) => log.warn('a removed volume is still in part there', { error: messageOf(error) }));
      pods = createPods(node, { sources: staticSources(options, settings), nodeUid: () => self()?.metadata.uid });
      const { counts } = node;
      keeper = createPressureKeeper({
        node, pods, collection, settings, onChange: changed, onReclaim: tellReclaim, onEvict: (signal) => counts.count('kubelet_evictions', { eviction_signal: signal }),
        observe: createObserver({ nodeDir: kubeletDir, imagesDir: options.imagesDir ?? kubeletDir, pods: { version: cgroups.version, directory: cgroups.directory(cgroups.top, 'memory') } }),
      });
      processes = createProcessLimitWatch({ node, pods, podPidsLimit: settings.podPidsLimit });
      if (options.tls !== undefined) server = createKubeletServer({ node, pods, tls: options.tls, port });
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
function writeDown({ ledger = NO_LEDGER, logsDir = LOGS_DIR }: KubeletOptions, kubeletDir: string): void {
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
