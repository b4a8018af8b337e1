// IntOrString values (`25%`, 3, "http"): ports by name or number, counts by number or share. Rounding as upstream's intstr.

export type IntOrString = number | string;

/** The share of `total` that a percentage means, rounded as told; a plain number as it is. Throws an Error with upstream's words. */
export function scaledValue(value: IntOrString, total: number, { roundUp }: { roundUp: boolean }): number {
  if (typeof value === 'number') return value;
  const percent = parsePercent(value);
  if (percent === undefined) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage`);
  return roundUp ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}

/** 25 for `25%`; undefined where the text is no percentage. */
export function parsePercent(value: IntOrString): number | undefined {
  const [, digits] = typeof value === 'string' ? (/^([0-9]+)%$/.exec(value) ?? []) : [];
  return digits === undefined ? undefined : Number(digits);
}

export function formatIntOrString(value: IntOrString): string {
  return String(value);
}
