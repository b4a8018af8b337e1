// Whether two JSON trees say the same. Absent, undefined, null and empty members are one: the API drops empty fields, so a plan that
// spells them out must not look like a change.

export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isAbsent(left) && isAbsent(right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  if (Array.isArray(left) && left.length !== (right as unknown[]).length) return false;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => sameJson((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]));
}

function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
