// Keeps the node from running dry. Looked at with each heartbeat (there is no timer of its own): what runs short becomes a condition of the
// node for at least 5 minutes (by default); of disk, what is left of pods that have ended and images nobody uses go first; then one pod at a look
// is evicted, in upstream's order. Pods that fill more disk than their limits allow are evicted as well, looked for once a minute and only where
// there are such limits.
import { messageOf } from '../../../internal/base/errors.ts';
import { parseDuration } from '../../../internal/api/duration.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';
import type { NodeContext } from '../node-context.ts';
import { gracePeriodMs, isCritical, isTerminalPhase } from '../pod-spec.ts';
import type { Pods } from '../pods.ts';
import { hasEnded, type PodWorker } from '../pod-worker.ts';
import { usageOfPods } from '../stats/usage.ts';
import { diskExcess, diskOf, hasDiskLimit, logBytesOf, type EvictionCause } from './disk-limits.ts';
import { bytesToCollect, type ImageCollection } from './image-collection.ts';
import { evictionMessage, rank, type Candidate } from './ranking.ts';
import { MEANING, shortagesOf, thresholdKey, thresholdsOf, type Observation, type Shortage } from './signals.ts';

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

export interface PressureKeeper {
  /** Looks and acts; resolves when it has. */
  look(): Promise<void>;
  conditions(): readonly Pressure[];
}

export interface PressureOptions {
  node: Pick<NodeContext, 'runtime' | 'clock' | 'log' | 'kubeletDir' | 'logsDir' | 'event'>;
  pods: Pick<Pods, 'workers'>;
  observe(): Observation[];
  collection: ImageCollection;
  settings?: KubeletConfiguration;
  /** The conditions are others now. */
  onChange(): void;
  /** Something of this is to be won back: for an event of the node. */
  onReclaim?(resource: string): void;
  /** A pod goes for this signal. */
  onEvict?(signal: string): void;
}

const COLLECT_EVERY_MS = 300_000;
const DISK_LIMITS_EVERY_MS = 60_000;
/** For so long no other is evicted while the last one is still being cleared away: what it held may be enough. */
const CLEANUP_MS = 30_000;
/** Of a hard eviction. */
const EVICTION_GRACE_MS = 1_000;

export function createPressureKeeper({ node, pods, observe, collection, settings = DEFAULT_CONFIGURATION, onChange, onReclaim = () => {}, onEvict = () => {} }: PressureOptions): PressureKeeper {
  const seenAt = new Map<Pressure, number>();
  const thresholds = thresholdsOf(settings);
  const staysMs = parseDuration(settings.evictionPressureTransitionPeriod);
  /** Since when each threshold is met. */
  const metSince = new Map<string, number>();
  const shortages = (): Shortage[] => shortagesOf(observe(), thresholds, new Set(metSince.keys()));
  let [collectedAt, limitsAt, lookedAt, looking] = [-Infinity, -Infinity, -Infinity, false];
  let shown = '';
  let last: { worker: PodWorker; at: number } | undefined;

  const current = (): Pressure[] => [...seenAt].filter(([, at]) => node.clock.monotonicMs() - at < staysMs || at === lookedAt).map(([condition]) => condition).sort();

  function note(found: readonly Shortage[]): void {
    const short = new Set(found.map(thresholdKey));
    for (const key of metSince.keys()) if (!short.has(key)) metSince.delete(key);
    for (const shortage of found) {
      seenAt.set(MEANING[shortage.signal].condition, lookedAt);
      if (!metSince.has(thresholdKey(shortage))) metSince.set(thresholdKey(shortage), lookedAt);
    }
    const now = current().join();
    if (now === shown) return;
    shown = now;
    onChange();
  }

  async function collectImages(observations: readonly Observation[]): Promise<void> {
    const disk = observations.find(({ signal }) => signal === 'imagefs.available');
    const bytes = disk === undefined ? 0 : bytesToCollect(disk, settings);
    if (node.clock.monotonicMs() - collectedAt < COLLECT_EVERY_MS) return;
    await collection.collectOld();
    if (bytes <= 0) return;
    collectedAt = node.clock.monotonicMs();
    await collection.collect(bytes);
  }

  async function relieve(shortage: Shortage): Promise<void> {
    const { condition, resource } = MEANING[shortage.signal];
    onReclaim(resource);
    if (condition === 'DiskPressure') {
      const dead = await removeDead();
      if ((await collection.collect(Infinity)) + dead > 0 && shortages().every(({ signal }) => signal !== shortage.signal)) return;
    }
    if (last !== undefined && !hasEnded(last.worker) && lookedAt - last.at < CLEANUP_MS) return;
    const [first] = rank(await candidates(condition === 'DiskPressure'), shortage);
    if (first !== undefined) evict(first.pod, { message: evictionMessage(first, shortage), signal: shortage.signal }, shortage.graceMs === 0 ? EVICTION_GRACE_MS : Math.min(settings.evictionMaxPodGracePeriod * 1000, gracePeriodMs(first.pod)));
  }

  /** Containers of pods that have come to their end: their statuses are in the API, only their logs go with them. Gives how many. */
  async function removeDead(): Promise<number> {
    const ended = new Set(pods.workers().filter(({ memory }) => memory.dismantled && !memory.writing && isTerminalPhase(memory.pod.status?.phase)).map(({ pod }) => pod.metadata.uid));
    const sandboxes = new Set(node.runtime.listSandboxes().filter(({ config }) => ended.has(config.uid)).map(({ id }) => id));
    const dead = node.runtime.listContainers().filter(({ sandboxId, state }) => sandboxes.has(sandboxId) && state === 'exited');
    for (const { id } of dead) await node.runtime.removeContainer(id).catch((error: unknown) => node.log.warn('an ended container could not be removed', { id, error: messageOf(error) }));
    return dead.length;
  }

  async function candidates(withDisk: boolean): Promise<Candidate[]> {
    const usage = await usageOfPods(node);
    return evictable().map(({ pod }) => {
      const own = usage.find(({ uid }) => uid === pod.metadata.uid);
      return { pod, usage: own, ...(withDisk ? { disk: diskOf(pod, own, node), logBytes: logBytesOf(pod, node) } : { disk: { bytes: 0, inodes: 0 } }) };
    });
  }

  function evictable(): PodWorker[] {
    return pods.workers().filter(({ pod, memory }) => memory.ending === undefined && !memory.gone && !isTerminalPhase(memory.status.phase) && !isCritical(pod));
  }

  function evict(pod: Pod, { message, signal }: EvictionCause, graceMs = EVICTION_GRACE_MS): void {
    onEvict(signal);
    node.event(pod, 'Warning', 'Evicted', message);
    node.log.warn('pod evicted', { pod: pod.metadata.name, namespace: pod.metadata.namespace, message });
    const worker = pods.workers().find((one) => one.pod.metadata.uid === pod.metadata.uid);
    if (worker !== undefined) last = { worker, at: node.clock.monotonicMs() };
    worker?.end('Evicted', message, graceMs);
  }

  async function enforceDiskLimits(): Promise<boolean> {
    const limited = evictable().filter(({ pod }) => hasDiskLimit(pod));
    if (limited.length === 0 || node.clock.monotonicMs() - limitsAt < DISK_LIMITS_EVERY_MS) return false;
    limitsAt = node.clock.monotonicMs();
    const usage = await usageOfPods(node);
    const found = limited.flatMap(({ pod }) => {
      const cause = diskExcess(pod, usage.find(({ uid }) => uid === pod.metadata.uid), node);
      return cause === undefined ? [] : [{ pod, cause }];
    });
    for (const { pod, cause } of found) evict(pod, cause);
    return found.length > 0;
  }

  return {
    conditions: current,
    async look() {
      if (looking) return;
      looking = true;
      try {
        lookedAt = node.clock.monotonicMs();
        const observations = observe();
        const found = shortagesOf(observations, thresholds, new Set(metSince.keys()));
        note(found);
        await collectImages(observations);
        if (await enforceDiskLimits()) return;
        const worst = found.find((shortage) => lookedAt - (metSince.get(thresholdKey(shortage)) ?? lookedAt) >= shortage.graceMs);
        if (worst !== undefined) await relieve(worst);
      } catch (error) {
        node.log.warn('pressure on the node could not be looked at', { error: messageOf(error) });
      } finally {
        looking = false;
      }
    },
  };
}
