// How upstream's internal types look where a message shows a value of them: Go's field names in Go's order, with what is not set.
export type GoField = readonly [field: string, told: string, unset: unknown, of?: GoForm];
export type GoForm = readonly GoField[];

/** A part that is there always, empty or not. */
export const ALWAYS: unique symbol = Symbol('always');

export function goForm(form: GoForm, value: unknown): Record<string, unknown> {
  const given = (value ?? {}) as Record<string, unknown>;
  return Object.fromEntries(form.map(([field, told, unset, of]) => {
    const part = given[field];
    if (part === undefined || part === null) return [told, unset === ALWAYS ? goForm(of ?? [], {}) : unset];
    if (of === undefined) return [told, part];
    return [told, Array.isArray(part) ? part.map((item) => goForm(of, item)) : goForm(of, part)];
  }));
}

/** Maps are written by their keys' order. */
export function sortedKeys<T>(map: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined {
  return map === undefined ? undefined : Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
