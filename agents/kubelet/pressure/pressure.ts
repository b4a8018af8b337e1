// Keeps the node from running dry. Looked at with each heartbeat (there is no timer of its own): what runs short becomes a condition of the
// node for at least 5 minutes; images nobody uses go first; then one pod at a look is evicted, in upstream's order. Pods that fill
// more disk than their limits allow are evicted as well, looked for once a minute and only where there are such limits.
import { messageOf } from '../../../internal/base/errors.ts';
import { compareQuantities, quantityValue } from '../../../internal/api/quantity.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from '../node-context.ts';
import { isTerminalPhase } from '../pod-spec.ts';
import type { Pods } from '../pods.ts';
import type { PodWorker } from '../pod-worker.ts';
import { podDiskUsage, usageOfPods, type PodUsage } from '../stats/usage.ts';
import { bytesToCollect, type ImageCollection } from './image-collection.ts';
import { evictionMessage, isCritical, rank, type Candidate } from './ranking.ts';
import { MEANING, shortagesOf, type Observation, type Shortage } from './signals.ts';

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
  /** The conditions are others now. */
  onChange(): void;
}

const STAYS_MS = 300_000;
const COLLECT_EVERY_MS = 300_000;
const DISK_LIMITS_EVERY_MS = 60_000;
const EVICTION_GRACE_MS = 1_000;

export function createPressureKeeper({ node, pods, observe, collection, onChange }: PressureOptions): PressureKeeper {
  const seenAt = new Map<Pressure, number>();
  let [collectedAt, limitsAt, looking] = [-Infinity, -Infinity, false];
  let shown = '';

  const current = (): Pressure[] => [...seenAt].filter(([, at]) => node.clock.monotonicMs() - at < STAYS_MS).map(([condition]) => condition).sort();

  function note(shortages: readonly Shortage[]): void {
    for (const { signal } of shortages) seenAt.set(MEANING[signal].condition, node.clock.monotonicMs());
    const now = current().join();
    if (now === shown) return;
    shown = now;
    onChange();
  }

  async function collectImages(observations: readonly Observation[]): Promise<void> {
    const disk = observations.find(({ signal }) => signal === 'imagefs.available');
    const bytes = disk === undefined ? 0 : bytesToCollect(disk);
    if (bytes <= 0 || node.clock.monotonicMs() - collectedAt < COLLECT_EVERY_MS) return;
    collectedAt = node.clock.monotonicMs();
    await collection.collect(bytes);
  }

  async function relieve(shortage: Shortage): Promise<void> {
    if (MEANING[shortage.signal].condition === 'DiskPressure' && (await collection.collect(Infinity)) > 0 && shortagesOf(observe()).every(({ signal }) => signal !== shortage.signal)) return;
    const [first] = rank(await candidates(MEANING[shortage.signal].condition === 'DiskPressure'), shortage);
    if (first !== undefined) evict(first.pod, evictionMessage(first, shortage));
  }

  async function candidates(withDisk: boolean): Promise<Candidate[]> {
    const usage = await usageOfPods(node);
    return evictable().map(({ pod }) => {
      const own = usage.find(({ uid }) => uid === pod.metadata.uid);
      return { pod, usage: own, diskBytes: withDisk ? diskBytesOf(pod, own, node) : 0 };
    });
  }

  function evictable(): PodWorker[] {
    return pods.workers().filter(({ pod, memory }) => memory.ending === undefined && !memory.gone && !isTerminalPhase(memory.status.phase) && !isCritical(pod));
  }

  function evict(pod: Pod, message: string): void {
    node.event(pod, 'Warning', 'Evicted', message);
    node.log.warn('pod evicted', { pod: pod.metadata.name, namespace: pod.metadata.namespace, message });
    pods.workers().find((worker) => worker.pod.metadata.uid === pod.metadata.uid)?.end('Evicted', message, EVICTION_GRACE_MS);
  }

  async function enforceDiskLimits(): Promise<boolean> {
    const limited = evictable().filter(({ pod }) => hasDiskLimit(pod));
    if (limited.length === 0 || node.clock.monotonicMs() - limitsAt < DISK_LIMITS_EVERY_MS) return false;
    limitsAt = node.clock.monotonicMs();
    const usage = await usageOfPods(node);
    const found = limited.flatMap(({ pod }) => {
      const message = diskExcess(pod, usage.find(({ uid }) => uid === pod.metadata.uid), node);
      return message === undefined ? [] : [{ pod, message }];
    });
    for (const { pod, message } of found) evict(pod, message);
    return found.length > 0;
  }

  return {
    conditions: current,
    async look() {
      if (looking) return;
      looking = true;
      try {
        const observations = observe();
        const shortages = shortagesOf(observations);
        note(shortages);
        await collectImages(observations);
        if (await enforceDiskLimits()) return;
        const worst = shortages[0];
        if (worst !== undefined) await relieve(worst);
      } catch (error) {
        node.log.warn('pressure on the node could not be looked at', { error: messageOf(error) });
      } finally {
        looking = false;
      }
    },
  };
}

type DiskContext = Pick<NodeContext, 'kubeletDir' | 'logsDir'>;

function diskBytesOf(pod: Pod, usage: PodUsage | undefined, node: DiskContext): number {
  const { volumes, logs } = podDiskUsage(pod, node);
  return [...volumes.values()].reduce((sum, { bytes }) => sum + bytes, logs.bytes) + (usage?.containers ?? []).reduce((sum, { stats }) => sum + stats.rootfsUsedBytes, 0);
}

function hasDiskLimit({ spec }: Pod): boolean {
  const limited = [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined);
  return limited || (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory' && compareQuantities(emptyDir.sizeLimit, '0') > 0);
}

/** Why the pod has more on disk than its limits allow. */
function diskExcess(pod: Pod, usage: PodUsage | undefined, node: DiskContext): string | undefined {
  const { volumes } = podDiskUsage(pod, node);
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit !== undefined && compareQuantities(limit, '0') > 0 && (volumes.get(name)?.bytes ?? 0) > quantityValue(limit)) return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `;
  }
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.['ephemeral-storage']);
  for (const { status, stats } of usage?.containers ?? []) {
    const limit = pod.spec.containers.find(({ name }) => name === status.config.name)?.resources?.limits?.['ephemeral-storage'];
    if (limit !== undefined && stats.rootfsUsedBytes > quantityValue(limit)) return `Container ${status.config.name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
  }
  const total = limits.reduce((sum, limit) => sum + (limit === undefined ? 0 : quantityValue(limit)), 0);
  if (limits.every((limit) => limit !== undefined) && total > 0 && diskBytesOf(pod, usage, node) > total) return `Pod ephemeral local storage usage exceeds the total limit of containers ${String(total)}. `;
  return undefined;
}
