// What the API server counts, in Prometheus' text and by upstream's names, labels and buckets (apiserver/pkg/endpoints/metrics), so that dashboards and
// rules written for Kubernetes read it. Only requests for what is served are counted: their labels are few, whoever asks.
import type { Clock } from '../base/clock.ts';
import type { Store } from '../store/store.ts';
import type { Kind } from '../kinds/kind.ts';
import { placeOf } from '../registry/place.ts';
import type { RequestInfo } from './route.ts';

/** One that has been answered. */
export interface CountedRequest {
  info: RequestInfo;
  code: number;
  startedMs: number;
  /** A patch that applies. */
  applies: boolean;
  dryRun: boolean;
}

export interface Metrics {
  count(request: CountedRequest): void;
  /** A request that lasts has begun; call the result when it has ended. */
  lasts(info: RequestInfo): () => void;
  text(): string;
}

export interface MetricsOptions {
  clock: Clock;
  kinds: { all(): readonly Kind[]; byResource(group: string, version: string, resource: string): Kind | undefined };
  store: Pick<Store, 'count'>;
  /** By name and labels. */
  gauges(): Readonly<Record<string, number>>;
}

const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
/** Of the service level: the first two are not among them. */
const SLI_FROM = 2;
const SERIES_MAX = 2000;
const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const CONNECTED: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);
const PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/metrics', '/openapi/v2', '/openapi/v3']);

interface Series {
  /** With those of a service level left out: dry_run is none of them. */
  labels: { all: string; sli: string };
  verb: string;
  /** How many took at most so long, not summed up; the last are those that took longer. */
  counts: Uint32Array;
  sum: number;
}

export function createMetrics({ clock, kinds, store, gauges }: MetricsOptions): Metrics {
  const requests = new Map<string, number>();
  const latencies = new Map<string, Series>();
  const running = new Map<string, number>();
  const known = (info: RequestInfo): boolean => (info.isResource ? kinds.byResource(info.group, info.version, info.resource) !== undefined : PATHS.has(info.path));
  return {
    count({ info, code, startedMs, applies, dryRun }) {
      if (!known(info)) return;
      const verb = verbOf(info, applies);
      const all = labelsOf(info, { verb, dryRun });
      const key = `code="${String(code)}",${all}`;
      if (requests.has(key) || requests.size < SERIES_MAX) requests.set(key, (requests.get(key) ?? 0) + 1);
      const series = latencies.get(all) ?? { labels: { all, sli: labelsOf(info, { verb }) }, verb, counts: new Uint32Array(BUCKETS.length + 1), sum: 0 };
      if (latencies.size < SERIES_MAX) latencies.set(all, series);
      observe(series, (clock.monotonicMs() - startedMs) / 1000);
    },
    lasts(info) {
      if (!known(info)) return () => {};
      const key = labelsOf(info, { verb: verbOf(info, false) });
      running.set(key, (running.get(key) ?? 0) + 1);
      return () => void running.set(key, (running.get(key) ?? 1) - 1);
    },
    text: () => [
      ...family('apiserver_request_total', 'counter', 'Requests by verb, resource, scope and code.', requests),
      ...histogram('apiserver_request_duration_seconds', 'Seconds to answer.', [...latencies.values()].map((series) => ({ ...series, labels: series.labels.all, from: 0 }))),
      ...histogram('apiserver_request_sli_duration_seconds', 'Seconds to answer, of what has an end.', [...serviceLevels(latencies.values()).values()]),
      ...family('apiserver_longrunning_requests', 'gauge', 'Requests that last, such as watches.', running),
      ...storedLines(kinds.all(), store),
      ...gaugeLines(gauges()),
    ].join('\n').concat('\n'),
  };
}

function verbOf({ isResource, verb, subresource }: RequestInfo, applies: boolean): string {
  if (isResource && CONNECTED.has(subresource)) return 'CONNECT';
  return applies ? 'APPLY' : (VERBS[verb] ?? verb.toUpperCase());
}

function labelsOf(info: RequestInfo, { verb, dryRun }: { verb: string; dryRun?: boolean }): string {
  const { isResource, group, version, resource, path } = info;
  const subresource = isResource ? info.subresource : path;
  const all = { component: isResource ? 'apiserver' : '', ...(dryRun !== undefined && { dry_run: dryRun ? 'All' : '' }), group, resource, scope: scopeOf(info), subresource, verb, version };
  return Object.entries(all).map(([name, value]) => `${name}=${quoted(value)}`).join(',');
}

function scopeOf({ isResource, name, namespace, verb }: RequestInfo): string {
  if (!isResource) return '';
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function observe(series: Series, seconds: number): void {
  const at = BUCKETS.findIndex((bound) => seconds <= bound);
  const index = at < 0 ? BUCKETS.length : at;
  series.counts[index] = (series.counts[index] ?? 0) + 1;
  series.sum += seconds;
}

interface Shown { labels: string; counts: Uint32Array; sum: number; from: number }

/** Dry runs and others together; without what lasts. */
function serviceLevels(all: Iterable<Series>): Map<string, Shown> {
  const found = new Map<string, Shown>();
  for (const { labels: { sli }, verb, counts, sum } of all) {
    if (verb === 'WATCH' || verb === 'CONNECT') continue;
    const before = found.get(sli);
    found.set(sli, { labels: sli, counts: before === undefined ? counts : counts.map((count, index) => count + (before.counts[index] ?? 0)), sum: sum + (before?.sum ?? 0), from: SLI_FROM });
  }
  return found;
}

function histogram(name: string, help: string, all: readonly Shown[]): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels, counts, sum, from } of all) {
    let total = 0;
    counts.forEach((count, index) => {
      total += count;
      if (index >= from) lines.push(`${name}_bucket{${labels},le="${index < BUCKETS.length ? String(BUCKETS[index]) : '+Inf'}"} ${String(total)}`);
    });
    lines.push(`${name}_sum{${labels}} ${String(sum)}`, `${name}_count{${labels}} ${String(total)}`);
  }
  return lines;
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...[...values].map(([labels, value]) => `${name}{${labels}} ${String(value)}`)];
}

/** Each stored resource once, whatever versions show it; the older name is what dashboards ask for. */
function storedLines(kinds: readonly Kind[], store: Pick<Store, 'count'>): string[] {
  const counts = new Map<string, { group: string; resource: string; count: number }>();
  for (const kind of kinds) {
    if (!kind.verbs.includes('list') || kind.made !== undefined) continue;
    const { resource: { group, resource } } = placeOf(kind);
    counts.set(`${resource}.${group}`, { group, resource, count: store.count({ group, resource }) });
  }
  const all = [...counts.values()];
  return [
    ...family('apiserver_storage_objects', 'gauge', 'Stored objects by resource.', new Map(all.map(({ group, resource, count }) => [`resource="${group === '' ? resource : `${resource}.${group}`}"`, count]))),
    ...family('apiserver_resource_objects', 'gauge', 'Stored objects by group and resource.', new Map(all.map(({ group, resource, count }) => [`group="${group}",resource="${resource}"`, count]))),
  ];
}

function gaugeLines(gauges: Readonly<Record<string, number>>): string[] {
  const named = new Set<string>();
  return Object.entries(gauges).flatMap(([name, value]) => {
    const family = name.replace(/\{.*/, '');
    const first = !named.has(family);
    named.add(family);
    return [...(first ? [`# TYPE ${family} gauge`] : []), `${name} ${String(value)}`];
  });
}
