// Prometheus' text format: a family of samples with its help and type.

export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
  /** Epoch ms, where the reading is not of this moment. */
  at?: number;
}

export interface HistogramSample {
  labels: Readonly<Record<string, string>>;
  /** How many were at most each bound. */
  buckets: readonly number[];
  sum: number;
  count: number;
}

export function histogram(name: string, help: string, bounds: readonly number[], series: readonly HistogramSample[]): string {
  const lines = series.flatMap(({ labels, buckets, sum, count }) => [
    ...bounds.map((bound, index) => line(`${name}_bucket`, { ...labels, le: String(bound) }, buckets[index] ?? 0)),
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count), line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count),
  ]);
  return series.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${lines.join('')}`;
}

/** Without samples: nothing at all, as with upstream's. */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(({ labels = {}, value, at }) => line(name, labels, value, at)).join('')}`;
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number, at?: number): string {
  const inner = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',');
  return `${name}${inner === '' ? '' : `{${inner}}`} ${String(value)}${at === undefined ? '' : ` ${String(at)}`}\n`;
}
