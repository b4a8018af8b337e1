// Kubernetes' functions that read text: find and findAll, jsonpatch.escapeKey, quantities, semantic versions, named formats.
import { subdomainName, dnsLabelName, labelKeyProblems, labelValueProblems, regexpWords } from '../../api/names.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { Double, INT_MAX, INT_MIN, normalInt, type Int } from '../scalar.ts';
import { parseTimestamp } from '../time.ts';
import { ListValue, NONE, OpaqueValue, Optional, type Value } from '../value.ts';
import { compareSemver, parseSemver, SemverValue } from './semver.ts';
import { compileRegex } from './regex.ts';
import { urlProblem } from './url.ts';

const UNIT = 1_000_000_000n;
const Q = 'kubernetes.Quantity';
const V = 'kubernetes.Semver';

class QuantityValue extends OpaqueValue {
  readonly typeName = Q;
  readonly nanos: bigint;
  /** Written without a fraction, not even of zeros or thousandths. */
  readonly whole: boolean;

  constructor(nanos: bigint, whole: boolean) {
    super();
    this.nanos = nanos;
    this.whole = whole;
  }

  equals(other: Value): boolean {
    return other instanceof QuantityValue && other.nanos === this.nanos;
  }
}

/** A named format: checks a text and says what is wrong with it. */
class FormatValue extends OpaqueValue {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  /** Of the regular expression upstream uses: the cost goes by it. */
  readonly regexSize: number;
  readonly problems: (text: string) => string[];

  constructor([name, regexSize, problems]: FormatRow) {
    super();
    this.name = name;
    this.regexSize = regexSize;
    this.problems = problems;
  }

  equals(other: Value): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

type FormatRow = readonly [name: string, regexSize: number, problems: (text: string) => string[]];

const DNS_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const DNS_1035_WORDS = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const matching = (pattern: RegExp, words: string) => (text: string): string[] => (pattern.test(text) ? [] : [words]);

const FORMATS: readonly FormatRow[] = [
  ['dns1123Label', 30, (text) => dnsLabelName(text, false)], ['dns1123Subdomain', 60, (text) => subdomainName(text, false)], ['dns1035Label', 30, (text) => dns1035Problems(text)],
  ['qualifiedName', 60, labelKeyProblems],
  ['dns1123LabelPrefix', 30, (text) => dnsLabelName(text, true)], ['dns1123SubdomainPrefix', 60, (text) => subdomainName(text, true)],
  ['dns1035LabelPrefix', 30, (text) => dns1035Problems(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)], ['labelValue', 40, labelValueProblems],
  ['uri', 1103, (text) => { const problem = urlProblem(text); return problem === undefined ? [] : [problem]; }],
  ['uuid', 70, matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i, 'does not match the UUID format')],
  ['byte', 84, matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/, 'invalid base64')],
  ['date', 71, (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined ? [] : ['invalid date'])],
  ['datetime', 71, (text) => (parseTimestamp(text) === undefined ? ['invalid datetime'] : [])],
];

export function textLibrary(): Definition[] {
  return [
    ['find', 'string_find_string', 'string.(string) string', find],
    ['findAll', 'string_find_all_string', 'string.(string) list(string)', (text: string, pattern: string) => findAll(text, pattern, -1)],
    ['findAll', 'string_find_all_string_int', 'string.(string, int) list(string)', findAll],
    ['jsonpatch.escapeKey', 'string_jsonpatch_escapeKey_string', '(string) string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')],
    ...quantityFunctions(), ...semverFunctions(),
    ['validate', 'format-validate', 'kubernetes.NamedFormat.(string) optional(list(string))', validate],
    ['format.named', 'format-named', '(string) optional(kubernetes.NamedFormat)', named],
    ...FORMATS.map((row): Definition => [`format.${row[0]}`, `format.${row[0]}`, '() kubernetes.NamedFormat', () => new FormatValue(row)]),
  ];
}

function find(text: string, pattern: string): string {
  const found = illegal(pattern).find(text, 0);
  return found === undefined ? '' : text.slice(found.start, found.end);
}

function findAll(text: string, pattern: string, limit: Int): ListValue {
  const regex = illegal(pattern);
  const parts: string[] = [];
  let previous = -1;
  for (let at = 0; at <= text.length && (limit < 0 || parts.length < limit); ) {
    const found = regex.find(text, at);
    if (found === undefined) break;
    // An empty match right after the last match is none.
    if (found.end > found.start || found.start !== previous) parts.push(text.slice(found.start, found.end));
    previous = found.end;
    at = found.end > found.start ? found.end : found.end + ((text.codePointAt(found.end) ?? 0) > 0xffff ? 2 : 1);
  }
  return ListValue.of(parts);
}

function illegal(pattern: string): ReturnType<typeof compileRegex> {
  try {
    return compileRegex(pattern);
  } catch (error) {
    if (error instanceof EvaluationError) throw new EvaluationError(`Illegal regex: ${error.message}`, { cause: error });
    throw error;
  }
}

function quantityFunctions(): Definition[] {
  return [
    ['quantity', 'string_to_quantity', `(string) ${Q}`, quantity],
    ['isQuantity', 'is_quantity_string', '(string) bool', (text: string) => succeeds(() => quantity(text))],
    ['sign', 'quantity_sign', `(${Q}) int`, ({ nanos }: QuantityValue) => signOf(nanos)],
    ['isGreaterThan', 'quantity_is_greater_than', `${Q}.(${Q}) bool`, (a: QuantityValue, b: QuantityValue) => a.nanos > b.nanos],
    ['isLessThan', 'quantity_is_less_than', `${Q}.(${Q}) bool`, (a: QuantityValue, b: QuantityValue) => a.nanos < b.nanos],
    ['compareTo', 'quantity_compare_to', `${Q}.(${Q}) int`, (a: QuantityValue, b: QuantityValue) => signOf(a.nanos - b.nanos)],
    ['asApproximateFloat', 'quantity_get_float', `${Q}.() double`, ({ nanos }: QuantityValue) => new Double(nanos % UNIT === 0n ? Number(nanos / UNIT) : Number(nanos) / 1e9)],
    ['asInteger', 'quantity_get_int', `${Q}.() int`, asInteger],
    ['isInteger', 'quantity_is_integer', `${Q}.() bool`, isInteger],
    ['add', 'quantity_add', `${Q}.(${Q}) ${Q}`, (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.nanos + b.nanos, a.whole && b.whole)],
    ['add', 'quantity_add_int', `${Q}.(int) ${Q}`, (a: QuantityValue, b: Int) => new QuantityValue(a.nanos + BigInt(b) * UNIT, a.whole)],
    ['sub', 'quantity_sub', `${Q}.(${Q}) ${Q}`, (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.nanos - b.nanos, a.whole && b.whole)],
    ['sub', 'quantity_sub_int', `${Q}.(int) ${Q}`, (a: QuantityValue, b: Int) => new QuantityValue(a.nanos - BigInt(b) * UNIT, a.whole)],
  ];
}

function quantity(text: string): QuantityValue {
  try {
    // Upstream reads a suffix alone as none of it.
    const digits = /^[+-]$/.test(text) ? '0' : text.replace(/^([+-]?)(?=\.?(?![\d+-]))(?!$)/s, '$10');
    return new QuantityValue(parseQuantity(digits).nanos, /^[+-]?\d+(?:[kMGTPE]i?|[eE]\+?\d+)?$/.test(digits));
  } catch (error) {
    throw new EvaluationError((error as Error).message, { cause: error });
  }
}

function isInteger({ nanos, whole }: QuantityValue): boolean {
  return whole && nanos / UNIT <= INT_MAX && nanos / UNIT >= INT_MIN;
}

function asInteger(value: QuantityValue): Int {
  if (!isInteger(value)) throw new EvaluationError('cannot convert value to integer');
  return normalInt(value.nanos / UNIT);
}

function signOf(value: bigint): number {
  return value > 0n ? 1 : value < 0n ? -1 : 0;
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

function semverFunctions(): Definition[] {
  return [
    ['semver', 'string_to_semver', `(string) ${V}`, (text: string) => parseSemver(text, false)], ['semver', 'string_bool_to_semver', `(string, bool) ${V}`, parseSemver],
    ['isSemver', 'is_semver_string', '(string) bool', (text: string) => succeeds(() => parseSemver(text, false))],
    ['isSemver', 'is_semver_string_bool', '(string, bool) bool', (text: string, normalize: boolean) => succeeds(() => parseSemver(text, normalize))],
    ['isGreaterThan', 'semver_is_greater_than', `${V}.(${V}) bool`, (a: SemverValue, b: SemverValue) => compareSemver(a, b) > 0],
    ['isLessThan', 'semver_is_less_than', `${V}.(${V}) bool`, (a: SemverValue, b: SemverValue) => compareSemver(a, b) < 0],
    ['compareTo', 'semver_compare_to', `${V}.(${V}) int`, compareSemver],
    ['major', 'semver_major', `${V}.() int`, ({ numbers: [major] }: SemverValue) => normalInt(major)],
    ['minor', 'semver_minor', `${V}.() int`, ({ numbers: [, minor] }: SemverValue) => normalInt(minor)],
    ['patch', 'semver_patch', `${V}.() int`, ({ numbers: [, , patch] }: SemverValue) => normalInt(patch)],
  ];
}

function validate(format: FormatValue, text: string): Optional {
  const problems = format.problems(text);
  return problems.length === 0 ? NONE : new Optional(ListValue.of(problems));
}

function named(name: string): Optional {
  const row = FORMATS.find(([known]) => known === name);
  return row === undefined ? NONE : new Optional(new FormatValue(row));
}

function dns1035Problems(text: string): string[] {
  const problems = text.length > 63 ? ['must be no more than 63 characters'] : [];
  return new RegExp(`^${DNS_1035}$`).test(text) ? problems : [...problems, regexpWords(DNS_1035_WORDS, DNS_1035, ['my-name', 'abc-123'])];
}
