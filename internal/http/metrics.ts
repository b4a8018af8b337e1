// Counters and latencies of requests in Prometheus text: what scrapers and the suite look for, small.
import type { Clock } from '../base/clock.ts';

export interface Metrics {
  count(request: { verb: string; group: string; version: string; resource: string; subresource: string; code: number; startedMs: number }): void;
  text(): string;
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 5, 10, 60];
const SERIES_MAX = 2000;

interface Latency {
  buckets: number[];
  sum: number;
  count: number;
}

export function createMetrics(clock: Clock, gauges: () => Readonly<Record<string, number>>): Metrics {
  const requests = new Map<string, number>();
  const latencies = new Map<string, Latency>();
  return {
    count({ verb, group, version, resource, subresource, code, startedMs }) {
      const labels = `group="${group}",resource="${resource}",subresource="${subresource}",verb="${verb.toUpperCase()}",version="${version}"`;
      const key = `code="${String(code)}",${labels}`;
      if (requests.has(key) || requests.size < SERIES_MAX) requests.set(key, (requests.get(key) ?? 0) + 1);
      if (verb !== 'watch') observe(latencies, labels, (clock.monotonicMs() - startedMs) / 1000);
    },
    text: () => [...counterLines(requests), ...latencyLines(latencies), ...gaugeLines(gauges())].join('\n').concat('\n'),
  };
}

function observe(latencies: Map<string, Latency>, labels: string, seconds: number): void {
  let latency = latencies.get(labels);
  if (latency === undefined) {
    if (latencies.size >= SERIES_MAX) return;
    latencies.set(labels, (latency = { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 }));
  }
  latency.sum += seconds;
  latency.count++;
  BUCKETS.forEach((bound, index) => {
    if (seconds <= bound) latency.buckets[index] = (latency.buckets[index] ?? 0) + 1;
  });
}

function counterLines(requests: ReadonlyMap<string, number>): string[] {
  const lines = ['# HELP apiserver_request_total Requests by verb, resource and code.', '# TYPE apiserver_request_total counter'];
  for (const [labels, value] of requests) lines.push(`apiserver_request_total{${labels}} ${String(value)}`);
  return lines;
}

function latencyLines(latencies: ReadonlyMap<string, Latency>): string[] {
  const name = 'apiserver_request_duration_seconds';
  const lines = [`# HELP ${name} Seconds to answer.`, `# TYPE ${name} histogram`];
  for (const [labels, { buckets, sum, count }] of latencies) {
    BUCKETS.forEach((bound, index) => lines.push(`${name}_bucket{${labels},le="${String(bound)}"} ${String(buckets[index] ?? 0)}`));
    lines.push(`${name}_bucket{${labels},le="+Inf"} ${String(count)}`, `${name}_sum{${labels}} ${String(sum)}`, `${name}_count{${labels}} ${String(count)}`);
  }
  return lines;
}

function gaugeLines(gauges: Readonly<Record<string, number>>): string[] {
  return Object.entries(gauges).flatMap(([name, value]) => [`# TYPE ${name.replace(/\{.*/, '')} gauge`, `${name} ${String(value)}`]);
}
