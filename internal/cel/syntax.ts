// The tree of an expression after macros are expanded. The checker writes types and what names stand for into the nodes; nothing else is
// ever changed. `at` is the place in the source that cel-go gives an error of this node: an operator's sign, a call's bracket.
import type { Overload } from './function.ts';
import type { CelType, ObjectType } from './type.ts';
import type { Value } from './value.ts';

interface Node {
  at: number;
  /** Set by the checker. */
  type?: CelType;
}
export interface Literal extends Node { kind: 'literal'; value: Value }
export interface Ident extends Node {
  kind: 'ident';
  name: string;
  /** A type's name stands for the type. */
  constant?: Value;
}
export interface Select extends Node {
  kind: 'select';
  operand: Expr;
  field: string;
  /** has(operand.field) */
  test: boolean;
  /** The whole is a variable's name: `authorizer.requestResource`. */
  variable?: string;
  constant?: Value;
}
export interface Call extends Node {
  kind: 'call';
  name: string;
  target?: Expr;
  args: Expr[];
  /** What the argument types allow. */
  overloads?: readonly Overload[];
}
export interface ListExpr extends Node { kind: 'list'; elements: Expr[]; optionals: ReadonlySet<number> }
export interface Entry { at: number; key: Expr; value: Expr; optional: boolean }
export interface MapExpr extends Node { kind: 'map'; entries: Entry[] }
export interface FieldInit { at: number; name: string; value: Expr; optional: boolean }
export interface StructExpr extends Node { kind: 'struct'; name: string; fields: FieldInit[]; objectType?: ObjectType }
export interface Comprehension extends Node {
  kind: 'comprehension';
  range: Expr;
  variable: string;
  /** Of the two-variable macros: the element or the map's value. */
  variable2: string;
  accumulator: string;
  init: Expr;
  condition: Expr;
  step: Expr;
  result: Expr;
}

export type Expr = Literal | Ident | Select | Call | ListExpr | MapExpr | StructExpr | Comprehension;

/** What macros call their accumulator; no expression can say it. */
export const ACCUMULATOR = '@result';

/** `a.b.c` as a dotted name, where it is one. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.test) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}

export function childrenOf(expr: Expr): Expr[] {
  switch (expr.kind) {
    case 'select': return [expr.operand];
    case 'call': return expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    case 'list': return expr.elements;
    case 'map': return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct': return expr.fields.map(({ value }) => value);
    case 'comprehension': return [expr.range, expr.init, expr.condition, expr.step, expr.result];
    default: return [];
  }
}

/** A deep copy, so that the checker may type it apart from the original. */
export function copyExpr(expr: Expr): Expr {
  switch (expr.kind) {
    case 'literal': case 'ident': return { ...expr };
    case 'select': return { ...expr, operand: copyExpr(expr.operand) };
    case 'call': return { ...expr, args: expr.args.map(copyExpr), ...(expr.target !== undefined && { target: copyExpr(expr.target) }) };
    case 'list': return { ...expr, elements: expr.elements.map(copyExpr) };
    case 'map': return { ...expr, entries: expr.entries.map((entry) => ({ ...entry, key: copyExpr(entry.key), value: copyExpr(entry.value) })) };
    case 'struct': return { ...expr, fields: expr.fields.map((field) => ({ ...field, value: copyExpr(field.value) })) };
    case 'comprehension': return {
      ...expr, range: copyExpr(expr.range), init: copyExpr(expr.init), condition: copyExpr(expr.condition), step: copyExpr(expr.step), result: copyExpr(expr.result),
    };
  }
}
