// Go durations ("1h15m30.5s", "300ms") as time.ParseDuration reads and Duration.String writes them, in milliseconds.

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SHAPE = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))*$/;

/** Milliseconds, with fractions. Throws an Error with Go's words. */
export function parseDuration(text: string): number {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!SHAPE.test(text)) throw new Error(durationProblem(text));
  let total = 0;
  for (const [, amount = '0', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g)) total += Number(amount) * (UNIT_MS[unit] ?? 0);
  return text.startsWith('-') ? -total : total;
}

/** `1h0m0s`, `1m30s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(durationMs: number): string {
  const sign = durationMs < 0 ? '-' : '';
  const nanos = Math.round(Math.abs(durationMs) * 1e6);
  if (nanos === 0) return '0s';
  if (nanos < 1e3) return `${sign}${String(nanos)}ns`;
  if (nanos < 1e6) return `${sign}${String(nanos / 1e3)}µs`;
  if (nanos < 1e9) return `${sign}${String(nanos / 1e6)}ms`;
  const totalSeconds = nanos / 1e9;
  const hours = Math.floor(totalSeconds / 3600);
  const minutes = Math.floor((totalSeconds % 3600) / 60);
  const seconds = String(Number((totalSeconds % 60).toFixed(9)));
  if (hours > 0) return `${sign}${String(hours)}h${String(minutes)}m${seconds}s`;
  return minutes > 0 ? `${sign}${String(minutes)}m${seconds}s` : `${sign}${seconds}s`;
}

function durationProblem(text: string): string {
  const quoted = JSON.stringify(text);
  if (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) return `time: missing unit in duration ${quoted}`;
  const [, unit] = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))*(?:\d+\.?\d*|\.\d+)([^\d.]+)/.exec(text) ?? [];
  return unit === undefined ? `time: invalid duration ${quoted}` : `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
}
