// Timestamps and durations: reading (Go's duration grammar, RFC 3339), writing, arithmetic with cel-go's bounds, calendar parts by zone.
import { EvaluationError } from './cel-error.ts';
import { Duration, INT_MAX, INT_MIN, Timestamp } from './scalar.ts';
import type { CelType } from './type.ts';

const SECONDS_MIN = -62135596800;
const SECONDS_MAX = 253402300799;
const BILLION = 1_000_000_000n;
const UNIT_NANOS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, 'µs': 1000n, 'μs': 1000n, ms: 1_000_000n, s: BILLION, m: 60n * BILLION, h: 3600n * BILLION };
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** A JSON string of a formatted field as its CEL type has it. */
export function parseFormattedString(text: string, type: CelType): string | Uint8Array | Timestamp | Duration | EvaluationError {
  switch (type.kind) {
    case 'bytes': return Uint8Array.from(Buffer.from(text, 'base64'));
    case 'timestamp': return parseTimestamp(text) ?? parseTimestamp(`${text}T00:00:00Z`) ?? new EvaluationError(`Invalid date-time formatted string ${text}: parsing time ${JSON.stringify(text)}`);
    case 'duration': {
      const nanos = parseDurationNanos(text) ?? parseDurationNanos(text.replaceAll(' ', '').replace(/^(\d+)(?:d|days?)$/, (_, days: string) => `${String(Number(days) * 24)}h`));
      return nanos === undefined ? new EvaluationError(`Invalid duration ${text}: unable to parse ${text} as duration`) : new Duration(nanos);
    }
    default: return text;
  }
}

/** undefined for what is no RFC 3339 time. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = match[8] ?? 'Z';
  const offset = /^[Zz]$/.test(zone) ? 0 : (zone.startsWith('-') ? -60 : 60) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  return new Timestamp(date.getTime() / 1000 - offset, Number((match[7] ?? '').slice(0, 9).padEnd(9, '0')), offset);
}

/** As Go's time.ParseDuration; undefined for what is none, or too large. */
export function parseDurationNanos(text: string): bigint | undefined {
  const [, sign, body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g)) {
    const nanos = UNIT_NANOS[unit] ?? 0n;
    total += BigInt(whole || '0') * nanos;
    if (fraction !== '') total += (BigInt(fraction) * nanos) / 10n ** BigInt(fraction.length);
  }
  const value = sign === '-' ? -total : total;
  return value > INT_MAX || value < INT_MIN ? undefined : value;
}

/** `string(duration)`: seconds, shortest. */
export function formatDurationSeconds({ nanos }: Duration): string {
  const magnitude = nanos < 0n ? -nanos : nanos;
  const fraction = String(magnitude % BILLION).padStart(9, '0').replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${String(magnitude / BILLION)}${fraction === '' ? '' : `.${fraction}`}s`;
}

export function formatTimestamp({ seconds, nanos, offsetSeconds }: Timestamp): string {
  const whole = new Date((seconds + offsetSeconds) * 1000).toISOString().replace(/\.000Z$/, '').replace(/^\+00/, '');
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
  const minutes = Math.abs(offsetSeconds) / 60;
  const zone = offsetSeconds === 0 ? 'Z' : `${offsetSeconds < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${whole}${fraction}${zone}`;
}

export function checkedTimestamp(seconds: number, nanos: number, offsetSeconds = 0): Timestamp {
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) throw new EvaluationError('timestamp overflow');
  return new Timestamp(seconds, nanos, offsetSeconds);
}

export function checkedDuration(nanos: bigint): Duration {
  if (nanos > INT_MAX || nanos < INT_MIN) throw new EvaluationError('integer overflow');
  return new Duration(nanos);
}

export function addDuration(timestamp: Timestamp, { nanos }: Duration): Timestamp {
  const total = BigInt(timestamp.nanos) + nanos;
  const rest = ((total % BILLION) + BILLION) % BILLION;
  return checkedTimestamp(timestamp.seconds + Number((total - rest) / BILLION), Number(rest), timestamp.offsetSeconds);
}

export function timeBetween(later: Timestamp, earlier: Timestamp): Duration {
  return checkedDuration(BigInt(later.seconds - earlier.seconds) * BILLION + BigInt(later.nanos - earlier.nanos));
}

export interface CalendarParts { year: number; month: number; day: number; weekday: number; yearDay: number; hour: number; minute: number; second: number; milli: number }

/** Throws EvaluationError for a zone that is none: an IANA name or `+02:00`. */
export function calendarParts({ seconds, nanos }: Timestamp, zone: string): CalendarParts {
  const local = new Date((seconds + zoneOffset(seconds, zone)) * 1000);
  const newYear = Date.UTC(local.getUTCFullYear(), 0, 1);
  return {
    year: local.getUTCFullYear(), month: local.getUTCMonth(), day: local.getUTCDate(), weekday: local.getUTCDay(), yearDay: Math.floor((local.getTime() - newYear) / 86_400_000),
    hour: local.getUTCHours(), minute: local.getUTCMinutes(), second: local.getUTCSeconds(), milli: Math.floor(nanos / 1e6),
  };
}

function zoneOffset(seconds: number, zone: string): number {
  if (zone === '' || zone === 'UTC') return 0;
  const numeric = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (numeric !== null) return (numeric[1] === '-' ? -60 : 60) * (Number(numeric[2]) * 60 + Number(numeric[3]));
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset', hour: 'numeric' });
    const name = format.formatToParts(seconds * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours = '0', minutes = '0', rest = '0'] = /GMT([+-])(\d+):?(\d*):?(\d*)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(rest));
  } catch (cause) {
    throw new EvaluationError(`unknown time zone ${zone}`, { cause });
  }
}
