// Whole numbers beyond 2^53, which JavaScript's numbers would round: Go keeps 64 bits, and so do we. Where such a number stands in a
// document it is a bigint; every other number is a number, and a document without one is read and written by JSON.parse and
// JSON.stringify alone. What does not fit 64 bits is a float, as in Go.

// A number that could be one: a fraction or a text that looks so costs the slow way, nothing else.
const LONG = /[\s:,[]-?\d{16}/;
const WHOLE = /^-?\d+$/;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** JSON.parse that loses no digits, and takes half a character (`\\ud800`) for U+FFFD as Go does. Throws what JSON.parse throws. */
export function readJson(text: string): unknown {
  return LONG.test(text) || text.includes('\\ud') || text.includes('\\uD') || (text.charCodeAt(0) <= 57 && WHOLE.test(text)) ? JSON.parse(text, exact as (key: string, value: unknown) => unknown) as unknown : (JSON.parse(text) as unknown);
}

const exact: Reviver = (_key, value, { source }) => (typeof value === 'string' ? value.toWellFormed() : typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source) ? integerOf(source) : value);

/** The number that its digits (`-9223372036854775808`) mean. */
function integerOf(digits: string): number | bigint {
  return settled(BigInt(digits));
}

/** A number where that is exact, or where Go has a float. */
export function settled(value: bigint): number | bigint {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) || value < INT64_MIN || value > INT64_MAX ? rounded : value;
}

/** Says how JSON.stringify writes them; it refuses without. Called where this file is loaded: whoever can read them can write them. */
function teachJson(): void {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  Object.defineProperty(BigInt.prototype, 'toJSON', { value(this: bigint) { return rawJSON(this.toString()); }, configurable: true });
}
teachJson();
