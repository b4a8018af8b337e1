// Resource quantities ("100m", "1.5Gi", "2e3"), exact: an integer times a power of ten, as upstream's resource.Quantity.
// Canonical form: no fraction, the largest suffix that keeps it whole, the suffix family (decimal, binary, exponent) as given, but
// decimal for what binary suffixes cannot say exactly.
// Values finer than 1n are rounded up to 1n. Canonical strings are what the API stores and answers.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';
export interface Quantity {
  /** The value in units of 10^-9. */
  nanos: bigint;
  format: QuantityFormat;
}

/** Upstream's words for text that is no quantity. */
const QUANTITY_PATTERN_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_ERROR = 'unable to parse quantity\'s suffix';

const NANO = 1_000_000_000n;
const BINARY_MAX = (2n ** 63n - 1n) * NANO;
const DECIMAL: readonly [suffix: string, exponent: number][] = [['n', -9], ['u', -6], ['m', -3], ['', 0], ['k', 3], ['M', 6], ['G', 9], ['T', 12], ['P', 15], ['E', 18]];
const BINARY: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?([^\d.+-].*)?$/;

/** Throws an Error with upstream's words when the text is no quantity. Numbers, as YAML may give them, are read as their text. */
export function parseQuantity(text: string | number | bigint): Quantity {
  const source = String(text);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = SHAPE.exec(source) ?? [];
  if (source === '' || !SHAPE.test(source)) throw new Error(QUANTITY_PATTERN_ERROR);
  const scale = parseSuffix(suffix);
  const digits = BigInt(`0${whole}${fraction}`); // no digits are zero
  const numerator = digits * scale.factor * NANO * power(scale.exponent - fraction.length);
  const denominator = power(fraction.length - scale.exponent);
  const rounded = (numerator + denominator - 1n) / denominator;
  const nanos = scale.format === 'BinarySI' && rounded > BINARY_MAX ? BINARY_MAX : rounded;
  return { nanos: sign === '-' ? -nanos : nanos, format: scale.format };
}

/** The canonical text. */
function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const magnitude = nanos < 0n ? -nanos : nanos;
  const sign = nanos < 0n ? '-' : '';
  if (format === 'BinarySI' && magnitude >= 1024n * NANO && magnitude % NANO === 0n) return sign + formatBinary(magnitude / NANO);
  return sign + formatDecimal(magnitude, format === 'DecimalExponent');
}

export function canonicalQuantity(text: string | number | bigint): string {
  return formatQuantity(parseQuantity(text));
}

export function compareQuantities(a: string | number, b: string | number): -1 | 0 | 1 {
  const left = parseQuantity(a).nanos;
  const right = parseQuantity(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The sum in the format of the first, unless the first is zero. */
export function addQuantities(a: string | number, b: string | number): string {
  return combine(a, b, 1n);
}

export function subtractQuantities(a: string | number, b: string | number): string {
  return combine(a, b, -1n);
}

/** The value in units, rounded up (away from zero), as upstream's Value(). */
export function quantityValue(quantity: string | number): number {
  return scaled(quantity, NANO);
}

/** The value in thousandths, rounded up, as upstream's MilliValue(). */
export function quantityMilliValue(quantity: string | number): number {
  return scaled(quantity, 1_000_000n);
}

export function isQuantity(text: unknown): text is string | number | bigint {
  if (typeof text !== 'string' && typeof text !== 'number' && typeof text !== 'bigint') return false;
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

function combine(a: string | number, b: string | number, sign: bigint): string {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  return formatQuantity({ nanos: left.nanos + sign * right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

function scaled(quantity: string | number, unit: bigint): number {
  const { nanos } = parseQuantity(quantity);
  const magnitude = ((nanos < 0n ? -nanos : nanos) + unit - 1n) / unit;
  return Number(nanos < 0n ? -magnitude : magnitude);
}

function parseSuffix(suffix: string): { factor: bigint; exponent: number; format: QuantityFormat } {
  const decimal = DECIMAL.find(([name]) => name === suffix);
  if (decimal !== undefined) return { factor: 1n, exponent: decimal[1], format: 'DecimalSI' };
  const binary = BINARY.indexOf(suffix);
  if (binary > 0) return { factor: 1024n ** BigInt(binary), exponent: 0, format: 'BinarySI' };
  const [, exponent] = /^[eE]([+-]?\d+)$/.exec(suffix) ?? [];
  if (exponent !== undefined && Math.abs(Number(exponent)) < 1000) return { factor: 1n, exponent: Number(exponent), format: 'DecimalExponent' };
  throw new Error(/^[eEinumkKMGTP]*[-+]?\d*$/.test(suffix) ? SUFFIX_ERROR : QUANTITY_PATTERN_ERROR);
}

function formatBinary(units: bigint): string {
  let index = 0;
  while (index < BINARY.length - 1 && units % 1024n === 0n) {
    units /= 1024n;
    index++;
  }
  return `${String(units)}${BINARY[index] ?? ''}`;
}

function formatDecimal(nanos: bigint, exponential: boolean): string {
  let exponent = -9;
  while (nanos % 1000n === 0n && (exponential || exponent < 18)) {
    nanos /= 1000n;
    exponent += 3;
  }
  if (exponential) return exponent === 0 ? String(nanos) : `${String(nanos)}e${String(exponent)}`;
  return `${String(nanos)}${DECIMAL.find(([, power]) => power === exponent)?.[0] ?? ''}`;
}

function power(exponent: number): bigint {
  return exponent > 0 ? 10n ** BigInt(exponent) : 1n;
}
