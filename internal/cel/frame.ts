// One evaluation under way: the variables, what loops hold, and what it has cost so far.
import { CostLimitError } from './cel-error.ts';
import type { Variables } from './index.ts';
import type { Value } from './value.ts';

export interface Frame {
  readonly variables: Variables;
  /** Of variables and loops, by the planner's numbers; undefined until first read. */
  readonly slots: (Value | undefined)[];
  cost: number;
  readonly limit: number;
}

/** A step of the plan. */
export interface Plan {
  evaluate(frame: Frame): Value;
  /**
   * Of a name with its fields and indexes (an attribute): the value without the unit that naming it costs. As a branch of a condition and
   * as an index an attribute costs that unit less.
   */
  resolve?(frame: Frame): Value;
  /** Of a condition and its fields: naming it costs nothing at all. */
  free?: boolean;
  /** Known without evaluating; costs nothing. */
  constant?: Value;
}

export function charge(frame: Frame, units: number): void {
  frame.cost += units;
  if (frame.cost > frame.limit) throw new CostLimitError();
}
