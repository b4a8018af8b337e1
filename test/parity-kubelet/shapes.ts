// What an answer consists of, without how much of it there is at the moment.

/** Scalars become the names of their types; elements that have a name are told by it, others are one. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const named = value.map((element) => [nameOf(element), shapeOf(element)] as const);
    return named.some(([name]) => name === undefined) ? named.map(([, shape]) => JSON.stringify(shape)).filter((shape, at, all) => all.indexOf(shape) === at).map((shape) => JSON.parse(shape) as unknown) : Object.fromEntries(named.filter(([name]) => isOurs(name ?? '')));
  }
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, shapeOf(part)]));
  return value === null ? 'null' : typeof value;
}

/** Pods of others are there as well. */
function isOurs(name: string): boolean {
  return !name.includes('/') || name.startsWith('parity/');
}

function nameOf(value: unknown): string | undefined {
  const { podRef, metadata, name } = (value ?? {}) as { podRef?: { name: string; namespace: string }; metadata?: { name: string; namespace: string }; name?: string };
  const reference = podRef ?? metadata;
  if (reference !== undefined) return `${reference.namespace}/${reference.name}`;
  return typeof name === 'string' ? name : undefined;
}

/** Each family: its type, its stability, the labels of its samples, and whether they have a time of their own. */
export function metricsShape(text: string): unknown {
  const families: Record<string, { type: string; help: string; labels: string[]; timed: boolean }> = {};
  for (const line of text.split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (word !== undefined) {
      const family = (families[name] ??= { type: '', help: '', labels: [], timed: false });
      if (word === 'TYPE') family.type = rest;
      else family.help = rest;
      continue;
    }
    const [, sample = '', , labels = '', time] = /^([a-zA-Z_:][\w:]*)(\{(.*)\})? \S+( \d+)?$/.exec(line) ?? [];
    const family = families[sample] ?? families[sample.replace(/_(bucket|sum|count)$/, '')];
    if (family === undefined) continue;
    const keys = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, key]) => key).filter((key) => key !== 'le').sort().join(',');
    if (!family.labels.includes(keys)) family.labels.push(keys);
    family.timed ||= time !== undefined;
  }
  return Object.fromEntries(Object.entries(families).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { labels, ...family }]) => [name, { ...family, labels: labels.sort() }]));
}
