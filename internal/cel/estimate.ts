// Ranges of sizes and costs for the worst-case estimate. Whole numbers; sums and products stop at 2^64-1 and are approximate beyond 2^53.

export interface Range {
  min: number;
  max: number;
}

export const MAX = 2 ** 64;
export const UNKNOWN: Range = { min: 0, max: MAX };

export const fixed = (value: number): Range => ({ min: value, max: value });
export const plus = (a: Range, b: Range): Range => ({ min: Math.min(MAX, a.min + b.min), max: Math.min(MAX, a.max + b.max) });
export const times = (a: Range, b: Range): Range => ({ min: Math.min(MAX, a.min * b.min), max: Math.min(MAX, a.max * b.max) });
export const scaled = (range: Range, factor: number): Range => ({ min: Math.min(MAX, Math.ceil(range.min * factor)), max: Math.min(MAX, Math.ceil(range.max * factor)) });
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** What is known of an expression when it is an operand. */
export interface Operand {
  size: Range;
  /** As `size`, undefined where nothing is known. */
  known: Range | undefined;
  /** Of a list: what its elements are. */
  elements: { textual: boolean; size: Range } | undefined;
  literal: unknown;
  sameTypeAs(other: Operand): boolean;
  typeName: string;
}

export interface CallEstimate {
  cost: Range;
  /** Of what the call gives. */
  size?: Range;
}
