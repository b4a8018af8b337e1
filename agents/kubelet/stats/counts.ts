// What the kubelet counts and times of its own work, for /metrics. A family is there from its first sample on; nothing is kept before.
// Names, labels, bounds as upstream's. Left out, because it is not done here: pleg_* (nothing is listed again and again: the runtime tells), those of
// the CPU, memory and topology managers, of cadvisor as a provider, of evented PLEG.
import type { Clock } from '../../../internal/base/clock.ts';
import { family, histogram } from './exposition.ts';

export interface Counts {
  /** One more, or so many. */
  count(name: CounterName, labels?: Labels, by?: number): void;
  observe(name: HistogramName, value: number, labels?: Labels): void;
  /** Observes the seconds that work took, however it ended. */
  time<T>(name: HistogramName, labels: Labels, work: () => Promise<T>): Promise<T>;
  text(): string;
}

export type Labels = Readonly<Record<string, string>>;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const COUNTERS = {
  kubelet_admission_rejections_total: 'Cumulative number pod admission rejections by the Kubelet.',
  kubelet_evictions: 'Cumulative number of pod evictions by eviction signal',
  kubelet_http_requests_total: 'Number of the http requests received since the server started',
  kubelet_preemptions: 'Cumulative number of pod preemptions by preemption resource',
  kubelet_run_podsandbox_errors_total: 'Cumulative number of the run_podsandbox operation errors by RuntimeClass.Handler.',
  kubelet_runtime_operations_errors_total: 'Cumulative number of runtime operation errors by operation type.',
  kubelet_runtime_operations_total: 'Cumulative number of runtime operations by operation type.',
  kubelet_started_containers_errors_total: 'Cumulative number of errors when starting containers',
  kubelet_started_containers_total: 'Cumulative number of containers started',
  kubelet_terminated_containers_total: 'Cumulative number of container terminations.',
} as const;
const HISTOGRAMS = {
  kubelet_cgroup_manager_duration_seconds: { help: 'Duration in seconds for cgroup manager operations. Broken down by method.', bounds: SECONDS },
  kubelet_containers_per_pod_count: { help: 'The number of containers per pod.', bounds: [1, 2, 4, 8, 16] },
  kubelet_http_requests_duration_seconds: { help: 'Duration in seconds to serve http requests', bounds: SECONDS },
  kubelet_image_pull_duration_seconds: { help: 'Duration in seconds to pull an image.', bounds: [1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600] },
  kubelet_pod_start_duration_seconds: { help: 'Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run', bounds: [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600] },
  kubelet_pod_status_sync_duration_seconds: { help: 'Duration in seconds to sync a pod status update. Measures time from detection of a change to pod status until the API is successfully updated for that pod, even if multiple intevening changes to pod status occur.', bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60] },
  kubelet_pod_worker_duration_seconds: { help: 'Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync', bounds: SECONDS },
  kubelet_pod_worker_start_duration_seconds: { help: 'Duration in seconds from kubelet seeing a pod to starting a worker.', bounds: SECONDS },
  kubelet_run_podsandbox_duration_seconds: { help: 'Duration in seconds of the run_podsandbox operations. Broken down by RuntimeClass.Handler.', bounds: SECONDS },
  kubelet_runtime_operations_duration_seconds: { help: 'Duration in seconds of runtime operations. Broken down by operation type.', bounds: Array.from({ length: 14 }, (_, index) => Number((0.005 * 2.5 ** index).toPrecision(12))) },
} as const satisfies Record<string, { help: string; bounds: readonly number[] }>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
export const COUNTED: readonly string[] = [...Object.keys(COUNTERS), ...Object.keys(HISTOGRAMS)];

interface Observed {
  labels: Labels;
  buckets: number[];
  sum: number;
  count: number;
}

/** Of each family: labels may come from outside (reasons, exit codes). Further ones are not counted. */
const SERIES_MAX = 500;

export function createCounts(clock: Pick<Clock, 'monotonicMs'>): Counts {
  const counters = new Map<CounterName, Map<string, { labels: Labels; value: number }>>();
  const histograms = new Map<HistogramName, Map<string, Observed>>();

  function observe(name: HistogramName, value: number, labels: Labels = {}): void {
    const { bounds } = HISTOGRAMS[name];
    const one = seriesOf(histograms, name, labels, () => ({ labels, buckets: bounds.map(() => 0), sum: 0, count: 0 }));
    if (one === undefined) return;
    one.sum += value;
    one.count++;
    bounds.forEach((bound, index) => {
      if (value <= bound) one.buckets[index] = (one.buckets[index] ?? 0) + 1;
    });
  }

  return {
    count(name, labels = {}, by = 1) {
      const one = seriesOf(counters, name, labels, () => ({ labels, value: 0 }));
      if (one !== undefined) one.value += by;
    },
    observe,
    async time(name, labels, work) {
      const begun = clock.monotonicMs();
      try {
        return await work();
      } finally {
        observe(name, (clock.monotonicMs() - begun) / 1000, labels);
      }
    },
    text: () => [
      ...[...counters].map(([name, series]) => family(name, 'counter', `[ALPHA] ${COUNTERS[name]}`, [...series.values()])),
      ...[...histograms].map(([name, series]) => histogram(name, `[ALPHA] ${HISTOGRAMS[name].help}`, HISTOGRAMS[name].bounds, [...series.values()])),
    ].join(''),
  };
}

function seriesOf<Name, One>(families: Map<Name, Map<string, One>>, name: Name, labels: Labels, make: () => One): One | undefined {
  const series = families.get(name) ?? new Map<string, One>();
  families.set(name, series);
  const key = Object.values(labels).join('\0');
  const known = series.get(key);
  if (known !== undefined || series.size >= SERIES_MAX) return known;
  const one = make();
  series.set(key, one);
  return one;
}

const SIZES = [[10, '0-10MB'], [100, '10MB-100MB'], [500, '100MB-500MB'], [1024, '500MB-1GB'], [5120, '1GB-5GB'], [10240, '5GB-10GB'], [20480, '10GB-20GB'], [30720, '20GB-30GB'], [40960, '30GB-40GB'], [61440, '40GB-60GB'], [102400, '60GB-100GB']] as const;

/** How upstream's image_pull_duration_seconds tells sizes. */
export function sizeLabel(bytes: number): string {
  return SIZES.find(([megabytes]) => bytes <= megabytes * 1024 * 1024)?.[1] ?? 'GT100GB';
}
