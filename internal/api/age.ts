// Durations and timestamps as the Table's cells show them (upstream: apimachinery/pkg/util/duration HumanDuration).

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** `5s`, `3m20s`, `4h`, `2d3h`, `3y`: two units where the larger one is small, one otherwise. */
export function formatAge(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE) return `${String(seconds)}s`;
  if (seconds < 10 * MINUTE) return twoUnits(seconds, [MINUTE, 'm'], [1, 's']);
  if (seconds < 3 * HOUR) return `${String(Math.floor(seconds / MINUTE))}m`;
  if (seconds < 8 * HOUR) return twoUnits(seconds, [HOUR, 'h'], [MINUTE, 'm']);
  if (seconds < 2 * DAY) return `${String(Math.floor(seconds / HOUR))}h`;
  if (seconds < 8 * DAY) return twoUnits(seconds, [DAY, 'd'], [HOUR, 'h']);
  if (seconds < 2 * YEAR) return `${String(Math.floor(seconds / DAY))}d`;
  if (seconds < 8 * YEAR) return twoUnits(seconds, [YEAR, 'y'], [DAY, 'd']);
  return `${String(Math.floor(seconds / YEAR))}y`;
}

function twoUnits(seconds: number, [large, largeName]: [number, string], [small, smallName]: [number, string]): string {
  const rest = Math.floor((seconds % large) / small);
  return `${String(Math.floor(seconds / large))}${largeName}${rest === 0 ? '' : `${String(rest)}${smallName}`}`;
}

let parsed = { time: '', atMs: Number.NaN };

/** Objects that stand together were often made together: one time is remembered. */
function parseTime(time: string): number {
  if (parsed.time !== time) parsed = { time, atMs: Date.parse(time) };
  return parsed.atMs;
}

/** How long ago an RFC 3339 time was. */
export function ageOf(time: string | undefined, now: number): string {
  if (time === undefined || time === '') return '<unknown>';
  return formatAge(now - parseTime(time));
}

export function objectAge({ metadata }: { metadata: { creationTimestamp: string } }, now: number): string {
  return ageOf(metadata.creationTimestamp, now);
}
