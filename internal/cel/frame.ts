// One evaluation under way (the variables, what loops hold, what it has cost so far), and the plan that it walks.
import { CostLimitError } from './cel-error.ts';
import type { Variables } from './program.ts';
import type { Expr } from './syntax.ts';
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

/** Makes plans of expressions; each kind of expression that has a file of its own makes those of its parts by it. */
export interface Planner {
  plan(expr: Expr): Plan;
  /** A place in `Frame.slots`. */
  newSlot(): number;
  /** Plans with loop variables in scope. */
  within<T>(locals: readonly (readonly [string, Plan])[], plan: () => T): T;
}

export function charge(frame: Frame, units: number): void {
  frame.cost += units;
  if (frame.cost > frame.limit) throw new CostLimitError();
}

export function constantPlan(value: Value): Plan {
  return { evaluate: () => value, constant: value };
}

/** A variable: naming it costs one unit. */
export function variablePlan(resolve: (frame: Frame) => Value): Plan {
  return {
    resolve,
    evaluate: (frame) => {
      const value = resolve(frame);
      charge(frame, 1);
      return value;
    },
  };
}

/** For what is evaluated once, while planning. */
export const NO_FRAME: Frame = { variables: {}, slots: [], cost: 0, limit: Number.POSITIVE_INFINITY };
