// Conversions between the standard types, and the parts of times and durations.
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { Double, Duration, INT_MAX, INT_MIN, normalInt, Uint, UINT_MAX, type Int, type Timestamp } from '../scalar.ts';
import { calendarParts, checkedTimestamp, formatDurationSeconds, formatTimestamp, parseDurationNanos, parseTimestamp, type CalendarParts } from '../time.ts';
import type { Value } from '../value.ts';

const same = (value: Value): Value => value;
const EXPONENT_FROM = 6;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function conversionLibrary(): Definition[] {
  return [
    ['bool', 'bool_to_bool', '(bool) bool', same], ['bool', 'string_to_bool', '(string) bool', toBool],
    ['bytes', 'bytes_to_bytes', '(bytes) bytes', same], ['bytes', 'string_to_bytes', '(string) bytes', (text: string) => Uint8Array.from(Buffer.from(text))],
    ['double', 'double_to_double', '(double) double', same], ['double', 'int64_to_double', '(int) double', (value: Int) => new Double(Number(value))],
    ['double', 'string_to_double', '(string) double', toDouble], ['double', 'uint64_to_double', '(uint) double', ({ value }: Uint) => new Double(Number(value))],
    ['duration', 'duration_to_duration', '(duration) duration', same], ['duration', 'int64_to_duration', '(int) duration', noDuration],
    ['duration', 'string_to_duration', '(string) duration', toDuration],
    ['int', 'int64_to_int64', '(int) int', same], ['int', 'double_to_int64', '(double) int', doubleToInt], ['int', 'duration_to_int64', '(duration) int', ({ nanos }: Duration) => normalInt(nanos)],
    ['int', 'string_to_int64', '(string) int', stringToInt], ['int', 'timestamp_to_int64', '(timestamp) int', ({ seconds }: Timestamp) => seconds],
    ['int', 'uint64_to_int64', '(uint) int', ({ value }: Uint) => within(BigInt(value), INT_MIN, INT_MAX, 'integer overflow')],
    ['string', 'string_to_string', '(string) string', same],
    ...['bool', 'bytes', 'double', 'duration', 'int', 'timestamp', 'uint'].map((type): Definition => ['string', `${type === 'int' || type === 'uint' ? `${type}64` : type}_to_string`, `(${type}) string`, textOf]),
    ['timestamp', 'timestamp_to_timestamp', '(timestamp) timestamp', same], ['timestamp', 'int64_to_timestamp', '(int) timestamp', (value: Int) => checkedTimestamp(Number(value), 0)],
    ['timestamp', 'string_to_timestamp', '(string) timestamp', toTimestamp],
    ['uint', 'uint64_to_uint64', '(uint) uint', same], ['uint', 'double_to_uint64', '(double) uint', doubleToUint],
    ['uint', 'int64_to_uint64', '(int) uint', (value: Int) => new Uint(within(BigInt(value), 0n, UINT_MAX, 'unsigned integer overflow'))], ['uint', 'string_to_uint64', '(string) uint', stringToUint],
    ...timeParts(),
  ];
}

function within(value: bigint, low: bigint, high: bigint, problem: string): Int {
  if (value < low || value > high) throw new EvaluationError(problem);
  return normalInt(value);
}

// Declared, but cel-go has no way to do it.
function noDuration(): never {
  throw conversionError('google.protobuf.Duration', 'int');
}

function toBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw conversionError('bool');
}

function conversionError(to: string, from = 'string'): EvaluationError {
  return new EvaluationError(`type conversion error from '${from}' to '${to}'`);
}

function toDouble(text: string): Double {
  const plain = text.replaceAll(/(?<=\d)_(?=\d)/g, '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain)) return new Double(Number(plain));
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special === null) throw conversionError('double');
  const infinite = special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return new Double(special[2]?.toLowerCase() === 'nan' ? Number.NaN : infinite);
}

function toDuration(text: string): Duration {
  const nanos = parseDurationNanos(text);
  if (nanos === undefined) throw conversionError('google.protobuf.Duration');
  return new Duration(nanos);
}

function toTimestamp(text: string): Timestamp {
  const timestamp = parseTimestamp(text);
  if (timestamp === undefined) throw conversionError('google.protobuf.Timestamp');
  return checkedTimestamp(timestamp.seconds, timestamp.nanos, timestamp.offsetSeconds);
}

function doubleToInt({ value }: Double): Int {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) throw new EvaluationError('integer overflow');
  return normalInt(BigInt(Math.trunc(value)));
}

function doubleToUint({ value }: Double): Uint {
  if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) throw new EvaluationError('unsigned integer overflow');
  return new Uint(normalInt(BigInt(Math.trunc(value))));
}

function stringToInt(text: string): Int {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  if (value === undefined || value > INT_MAX || value < INT_MIN) throw conversionError('int');
  return normalInt(value);
}

function stringToUint(text: string): Uint {
  const value = /^\d+$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > UINT_MAX) throw conversionError('uint');
  return new Uint(normalInt(value));
}

/** `string(x)` */
export function textOf(value: Value): string {
  if (value instanceof Double) return formatDouble(value.value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return formatDurationSeconds(value);
  if (value instanceof Uint8Array) return decodeText(value);
  return typeof value === 'object' && value !== null ? formatTimestamp(value as Timestamp) : String(value);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EvaluationError('invalid UTF-8 in bytes, cannot convert to string', { cause });
  }
}

/** As Go's strconv writes the shortest form: an exponent below -4 or from 6 on. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (value !== 0 && (exponent < -4 || exponent >= EXPONENT_FROM)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return String(value);
}

const PARTS: readonly (readonly [name: string, word: string, part: (parts: CalendarParts) => number])[] = [
  ['getFullYear', 'year', ({ year }) => year], ['getMonth', 'month', ({ month }) => month], ['getDayOfYear', 'day_of_year', ({ yearDay }) => yearDay],
  ['getDayOfMonth', 'day_of_month', ({ day }) => day - 1], ['getDate', 'day_of_month_1_based', ({ day }) => day], ['getDayOfWeek', 'day_of_week', ({ weekday }) => weekday],
  ['getHours', 'hours', ({ hour }) => hour], ['getMinutes', 'minutes', ({ minute }) => minute], ['getSeconds', 'seconds', ({ second }) => second], ['getMilliseconds', 'milliseconds', ({ milli }) => milli],
];

function timeParts(): Definition[] {
  const ofTimestamps = PARTS.flatMap(([name, word, part]): Definition[] => [
    [name, `timestamp_to_${word}`, 'timestamp.() int', (time: Timestamp) => part(calendarParts(time, ''))],
    [name, `timestamp_to_${word}_with_tz`, 'timestamp.(string) int', (time: Timestamp, zone: string) => part(calendarParts(time, zone))],
  ]);
  const of = (name: string, word: string, unit: bigint): Definition => [name, `duration_to_${word}`, 'duration.() int', ({ nanos }: Duration) => normalInt(nanos / unit)];
  return [
    ...ofTimestamps,
    of('getHours', 'hours', 3_600_000_000_000n), of('getMinutes', 'minutes', 60_000_000_000n), of('getSeconds', 'seconds', 1_000_000_000n), of('getMilliseconds', 'milliseconds', 1_000_000n),
  ];
}
