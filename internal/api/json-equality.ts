// Whether two JSON trees say the same. The order of members never counts, and a member that is undefined is absent.

/** The same values. */
export function sameJson(a: unknown, b: unknown): boolean {
  return same(a, b, Object.is);
}

/** The same to Go, which cannot tell an empty list or text from none: what upstream's semantic equality asks of immutable fields. */
export function sameSemantically(a: unknown, b: unknown): boolean {
  return same(a, b, (left, right) => isEmptyToGo(left) && isEmptyToGo(right));
}

/** The same once written: the API drops empty fields, so a plan that spells out empty lists and objects must not look like a change. */
export function sameWhenWritten(a: unknown, b: unknown): boolean {
  return same(a, b, (left, right) => isDropped(left) && isDropped(right));
}

type Equivalence = (a: unknown, b: unknown) => boolean;

function same(a: unknown, b: unknown, equivalent: Equivalence): boolean {
  if (a === b || equivalent(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return sameNumber(a, b);
  if (!Array.isArray(a) && !Array.isArray(b)) return sameMembers(a as Record<string, unknown>, b as Record<string, unknown>, equivalent);
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => same(item, b[index], equivalent));
}

/** A float that was written and read again has come back as a whole number. */
function sameNumber(a: unknown, b: unknown): boolean {
  if (typeof a === 'bigint') return typeof b === 'number' && Number.isInteger(b) && BigInt(b) === a;
  return typeof b === 'bigint' && typeof a === 'number' && Number.isInteger(a) && BigInt(a) === b;
}

function sameMembers(a: Record<string, unknown>, b: Record<string, unknown>, equivalent: Equivalence): boolean {
  for (const key in a) if (!same(a[key], memberOf(b, key), equivalent)) return false;
  for (const key in b) if (memberOf(a, key) === undefined && !same(undefined, b[key], equivalent)) return false;
  return true;
}

// Not what every object inherits: JSON may have members named `constructor`.
function memberOf(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isEmptyToGo(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function isDropped(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
