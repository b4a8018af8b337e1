// Prometheus' text format: a family of samples with its help and type.

export interface Sample {
  labels?: Record<string, string>;
  value: number;
  /** Epoch ms, where the reading is not of this moment. */
  at?: number;
}

/** Without samples: nothing at all, as with upstream's. */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels = {}, value, at }) => {
    const inner = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',');
    return `${name}${inner === '' ? '' : `{${inner}}`} ${String(value)}${at === undefined ? '' : ` ${String(at)}`}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
