// A program and what it is made in: the port of this folder (index.ts).
import type { CelType, ObjectType } from './type.ts';

export interface Environment {
  /** By name; a dot in it is a namespace (`authorizer.requestResource`). */
  variables: Readonly<Record<string, CelType>>;
  /** Types that expressions may name and build; `mutationTypes` gives those of MutatingAdmissionPolicy: Object, Object.x.y, JSONPatch. */
  types?: (name: string) => ObjectType | undefined;
  /** cel.bind(name, value, expression) is known; upstream has it for devices alone. */
  bindings?: boolean;
}

export type Variables = Readonly<Record<string, unknown>>;

export interface EvaluateOptions {
  /** PER_CALL_LIMIT unless given; above it a CostLimitError ends the evaluation. */
  costLimit?: number;
}

export interface Evaluation {
  value: unknown;
  cost: number;
}

/** min and max are whole numbers up to 2^64-1; beyond 2^53 they are approximate. */
export interface CostEstimate {
  min: number;
  max: number;
}

export interface Program {
  readonly expression: string;
  readonly outputType: CelType;
  /** Names of the variables it reads: `references.has('oldSelf')` makes a transition rule. */
  readonly references: ReadonlySet<string>;
  evaluate(variables: Variables, options?: EvaluateOptions): Evaluation;
  /** The worst case by the sizes that the variables' types declare. */
  estimateCost(): CostEstimate;
}
