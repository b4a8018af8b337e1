// '…'.format([…]): %s %d %f %e %b %o %x %X and %%, by cel-go's rules and words.
import { EvaluationError } from '../cel-error.ts';
import { Double, Duration, Timestamp, Uint, type Int } from '../scalar.ts';
import { ListValue, MapValue, typeNameOf, TypeValue, type Value } from '../value.ts';
import { formatType, type CelType } from '../type.ts';
import { textOf } from './conversions.ts';

const VERB = /%(?:(%)|(?:\.(\d+))?([^]?))/gu;

export function formatText(template: string, args: ListValue): string {
  let next = 0;
  return template.replaceAll(VERB, (_whole, percent: string | undefined, precision: string | undefined, verb: string) => {
    if (percent !== undefined) return '%';
    if (verb === '') throw new EvaluationError('unexpected end of string');
    if (!'sdfebxXo'.includes(verb)) throw new EvaluationError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    if (next >= args.size) throw new EvaluationError(`index ${String(next)} out of range`);
    return formatOne(verb, args.at(next++), precision === undefined ? undefined : Number(precision));
  });
}

const ACCEPTED: Readonly<Record<string, readonly [rule: string, types: readonly CelType['kind'][]]>> = {
  d: ['decimal clause can only be used on integers', ['int', 'uint']],
  f: ['fixed-point clause can only be used on doubles', ['double', 'int', 'string']],
  e: ['scientific clause can only be used on doubles', ['double', 'int', 'string']],
  s: ['string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', ['string', 'bool', 'bytes', 'int', 'uint', 'double', 'map', 'list', 'type', 'duration', 'timestamp', 'null', 'parameter']],
  b: ['only integers and bools can be formatted as binary', ['int', 'uint', 'bool']],
  o: ['octal clause can only be used on integers', ['int', 'uint']],
  x: ['only integers, byte buffers, and strings can be formatted as hex', ['int', 'uint', 'string', 'bytes']],
};

const WELL_KNOWN: Readonly<Record<string, string>> = { duration: 'google.protobuf.Duration', timestamp: 'google.protobuf.Timestamp' };

/** What is wrong with a template for arguments of these types; of which argument, or of the whole. */
export function formatProblem(template: string, types: readonly CelType[]): { message: string; argument?: number } | undefined {
  let next = 0;
  for (const [, percent, , verb = ''] of template.matchAll(VERB)) {
    if (percent !== undefined) continue;
    if (verb === '') return { message: 'unexpected end of string' };
    if (!'sdfebxXo'.includes(verb)) return { message: `could not parse formatting clause: unrecognized formatting clause "${verb}"` };
    const type = types[next];
    if (type === undefined) return { message: `index ${String(next)} out of range` };
    const [rule, kinds] = ACCEPTED[verb.toLowerCase()] ?? ['', undefined];
    if (kinds !== undefined && type.kind !== 'dyn' && !kinds.includes(type.kind)) return { message: `error during formatting: ${rule}, was given ${WELL_KNOWN[type.kind] ?? formatType(type).replace(/\(.*/, '')}`, argument: next };
    next++;
  }
  return next < types.length ? { message: `too many arguments supplied to string.format (expected ${String(next)}, got ${String(types.length)})` } : undefined;
}

function formatOne(verb: string, value: Value, precision: number | undefined): string {
  switch (verb) {
    case 's': return formatAny(value);
    case 'd': return formatDecimal(value);
    case 'f': return formatFixed(value, precision ?? 6);
    case 'e': return formatScientific(value);
    case 'b': return typeof value === 'boolean' ? (value ? '1' : '0') : integerOf(value, 'only integers and bools can be formatted as binary').toString(2);
    case 'o': return integerOf(value, 'octal clause can only be used on integers').toString(8);
    default: return verb === 'X' ? formatHex(value).toUpperCase() : formatHex(value);
  }
}

function problem(rule: string, value: Value): EvaluationError {
  return new EvaluationError(`error during formatting: ${rule}, was given ${typeNameOf(value)}`);
}

function formatAny(value: Value): string {
  if (value === null) return 'null';
  if (value instanceof ListValue) return `[${value.toArray().map(formatNested).join(', ')}]`;
  if (value instanceof MapValue) return formatMap(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Double) return formatDoubleText(value.value);
  if (typeof value !== 'object' || value instanceof Uint || value instanceof Uint8Array || value instanceof Timestamp || value instanceof Duration) return textOf(value);
  throw problem('string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value);
}

function formatDoubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return textOf(new Double(value));
}

// Inside lists and maps strings are quoted and times named.
function formatNested(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Timestamp) return `timestamp("${textOf(value)}")`;
  if (value instanceof Duration) return `duration("${textOf(value)}")`;
  if (value instanceof Uint8Array) return `b"${textOf(value)}"`;
  if (value instanceof Double) return Number.isFinite(value.value) ? value.value.toFixed(6) : JSON.stringify(formatDoubleText(value.value));
  return formatAny(value);
}

function formatMap(map: MapValue): string {
  const parts = Array.from(map.keys(), (key) => `${formatNested(key)}:${formatNested(map.find(key) ?? null)}`);
  return `{${parts.toSorted().join(', ')}}`;
}

function formatDecimal(value: Value): string {
  if (value instanceof Double && !Number.isFinite(value.value)) return formatDoubleText(value.value);
  return integerOf(value, 'decimal clause can only be used on integers').toString();
}

function integerOf(value: Value, rule: string): Int {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Uint) return value.value;
  throw problem(rule, value);
}

function doubleOf(value: Value, rule: string): number {
  if (value instanceof Double) return value.value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  throw problem(rule, value);
}

function formatFixed(value: Value, precision: number): string {
  const number = doubleOf(value, 'fixed-point clause can only be used on doubles');
  return Number.isFinite(number) ? number.toFixed(Math.min(precision, 100)) : formatInfinite(number);
}

// en-US writes 1.5e3 as 1.500000×10⁰³ with the power's digits raised; a precision is not heard.
function formatScientific(value: Value): string {
  const number = doubleOf(value, 'scientific clause can only be used on doubles');
  if (!Number.isFinite(number)) return formatInfinite(number);
  const [mantissa = '', exponent = '+0'] = number.toExponential(6).split('e');
  const digits = exponent.replace('+', '').replace(/^-?/, '').padStart(2, '0');
  const raised = Array.from(digits, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '').join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function formatInfinite(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
}

function formatHex(value: Value): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return integerOf(value, 'only integers, byte buffers, and strings can be formatted as hex').toString(16);
}
