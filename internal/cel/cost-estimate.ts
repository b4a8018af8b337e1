// The worst case of an expression's cost, from the sizes that the types of its variables declare (maxLength, maxItems, maxProperties): what
// decides whether a CRD's rule is allowed. Follows cel-go's checker/cost.go, its quirks included, for the numbers are API: sizes are
// looked up by the path from the root variable, and every path is taken from `self`.
import { estimateCall, estimateStandard, type Operands } from './call-estimate.ts';
import { fixed, MAX, plus, times, union, UNKNOWN, type CallEstimate, type Operand, type Range } from './estimate.ts';
import { escapeIdentifier } from './escape.ts';
import type { CostEstimate, Environment } from './program.ts';
import type { Call, Comprehension, Expr } from './syntax.ts';
import { DYN, formatType, sameType, type CelType } from './type.ts';
import { sizeOf } from './value.ts';

type Path = readonly string[];
/** Of a list or map: what its keys and values may measure. */
interface Entries { list: boolean; key: Range; value: Range }
interface Local { path: Path | undefined; size: Range | undefined; entries: Entries | undefined }

const NOTHING = fixed(0);
const ONE = fixed(1);
const LIST = fixed(10);
const MAP = fixed(30);
const STRUCT = fixed(40);
const NONE_YET: Range = { min: MAX, max: 0 };
const SCALARS = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

export function estimateCost(root: Expr, environment: Environment): CostEstimate {
  return new Coster(environment).cost(root);
}

class Coster {
  private readonly environment: Environment;
  private readonly paths = new Map<Expr, Path>();
  private readonly sizes = new Map<Expr, Range>();
  private readonly entries = new Map<Expr, Entries>();
  private readonly locals: [name: string, local: Local][] = [];

  constructor(environment: Environment) {
    this.environment = environment;
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal': return NOTHING;
      case 'ident': return this.name(expr, expr.name);
      case 'select': return this.select(expr);
      case 'call': return this.call(expr);
      case 'list': return this.list(expr);
      case 'map': return this.map(expr);
      case 'struct': return expr.fields.reduce((sum, { value }) => plus(sum, this.cost(value)), STRUCT);
      case 'comprehension': return isBinding(expr) ? this.binding(expr) : this.loop(expr);
    }
  }

  private name(expr: Expr, name: string): Range {
    const local = this.local(name);
    this.setPath(expr, local === undefined ? [name] : local.path);
    return ONE;
  }

  private select(expr: Expr & { kind: 'select' }): Range {
    if (expr.variable !== undefined) return this.name(expr, expr.variable);
    const operand = this.cost(expr.operand);
    if (expr.test) return operand;
    this.setPath(expr, [...(this.path(expr.operand) ?? []), expr.field]);
    const { kind } = expr.operand.type ?? DYN;
    return kind === 'map' || kind === 'object' || kind === 'parameter' ? plus(operand, ONE) : operand;
  }

  private list(expr: Expr & { kind: 'list' }): Range {
    let sum = LIST;
    let value = expr.elements.length === 0 ? NOTHING : NONE_YET;
    for (const element of expr.elements) {
      sum = plus(sum, this.cost(element));
      value = union(value, this.sizeOrUnknown(element));
    }
    this.entries.set(expr, { list: true, key: ONE, value });
    return sum;
  }

  private map(expr: Expr & { kind: 'map' }): Range {
    let sum = MAP;
    let [key, value] = expr.entries.length === 0 ? [NOTHING, NOTHING] : [NONE_YET, NONE_YET];
    for (const entry of expr.entries) {
      sum = plus(plus(sum, this.cost(entry.key)), this.cost(entry.value));
      key = union(key, this.sizeOrUnknown(entry.key));
      value = union(value, this.sizeOrUnknown(entry.value));
    }
    this.entries.set(expr, { list: false, key, value });
    return sum;
  }

  private call(expr: Call): Range {
    const [first] = expr.args;
    if (expr.name === 'dyn' && first !== undefined) {
      const cost = plus(ONE, this.cost(first));
      this.copySizes(expr, first);
      return cost;
    }
    const costs = expr.args.map((arg) => this.cost(arg));
    const { overloads = [] } = expr;
    if (overloads.length === 0) return NOTHING;
    const own = expr.target === undefined ? NOTHING : this.cost(expr.target);
    const operands: Operands = { args: expr.args.map((arg) => this.operand(arg)), target: expr.target === undefined ? undefined : this.operand(expr.target) };
    let cost = NONE_YET;
    let size: Range | undefined;
    for (const { id } of overloads) {
      const estimate = this.overload(expr, id, { operands, costs });
      cost = union(cost, estimate.cost);
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size);
      if ((id === 'index_list' || id === 'index_map') && first !== undefined) {
        size = this.entriesOf(first)?.value;
        this.setPath(expr, [...(this.path(first) ?? []), id === 'index_list' ? '@items' : '@values']);
      }
      size ??= this.size(expr);
    }
    if (size !== undefined) this.sizes.set(expr, size);
    return plus(own, cost);
  }

  private overload(expr: Call, id: string, { operands, costs }: { operands: Operands; costs: readonly Range[] }): CallEstimate {
    const sum = costs.reduce(plus, NOTHING);
    const [first = NOTHING, second = NOTHING, third = NOTHING] = costs;
    if (id === 'logical_and' || id === 'logical_or') return { cost: { min: first.min, max: plus(first, second).max } };
    if (id === 'conditional') {
      this.uniteEntries(expr, expr.args[1], expr.args[2]);
      return { cost: plus(first, union(second, third)), size: union(operands.args[1]?.size ?? UNKNOWN, operands.args[2]?.size ?? UNKNOWN) };
    }
    const special = estimateCall(expr.name, id, operands);
    if (special === undefined && ['add_string', 'add_bytes', 'add_list'].includes(id)) this.uniteEntries(expr, expr.args[0], expr.args[1]);
    const estimate = special ?? estimateStandard(id, operands);
    return { ...estimate, cost: plus(estimate.cost, sum) };
  }

  private loop(expr: Comprehension): Range {
    let sum = plus(this.cost(expr.range), this.cost(expr.init));
    const depth = this.locals.length;
    this.locals.push([expr.accumulator, this.localOf(expr.init)]);
    this.pushLoopVariables(expr);
    const turn = plus(this.cost(expr.condition), this.cost(expr.step));
    this.locals.length = depth + 1;
    sum = plus(sum, this.cost(expr.result));
    this.locals.length = depth;
    const count = this.sizeOrUnknown(expr.range);
    if (expr.init.kind === 'literal') this.copySize(expr, expr.init);
    else if (expr.init.kind === 'list' || expr.init.kind === 'map') {
      this.sizes.set(expr, count);
      const entries = this.entriesOf(expr.step);
      if (entries !== undefined) this.entries.set(expr, entries);
    }
    return plus(sum, times(count, turn));
  }

  private pushLoopVariables(expr: Comprehension): void {
    const entries = this.entriesOf(expr.range);
    const list = entries === undefined ? expr.range.type?.kind === 'list' : entries.list;
    const base = this.path(expr.range) ?? [];
    const local = (step: string, size: Range | undefined): Local => ({ path: [...base, step], size, entries: undefined });
    const value = local(list ? '@items' : '@values', entries?.value);
    const key = local(list ? '@indices' : '@keys', entries?.key);
    if (expr.variable2 === '') this.locals.push([expr.variable, list ? value : key]);
    else this.locals.push([expr.variable, key], [expr.variable2, value]);
  }

  private binding(expr: Comprehension): Range {
    const sum = plus(this.cost(expr.range), this.cost(expr.init));
    this.locals.push([expr.accumulator, this.localOf(expr.init)]);
    const result = this.cost(expr.result);
    this.locals.pop();
    this.copySizes(expr, expr.result);
    return plus(sum, result);
  }

  private localOf(expr: Expr): Local {
    return { path: this.path(expr), size: this.size(expr), entries: this.entriesOf(expr) };
  }

  private local(name: string): Local | undefined {
    return this.locals.findLast(([candidate]) => candidate === name)?.[1];
  }

  private path(expr: Expr): Path | undefined {
    const local = expr.kind === 'ident' ? this.local(expr.name) : undefined;
    return local === undefined ? this.paths.get(expr) : local.path;
  }

  private setPath(expr: Expr, path: Path | undefined): void {
    if (path === undefined) this.paths.delete(expr);
    else this.paths.set(expr, path);
  }

  private sizeOrUnknown(expr: Expr): Range {
    return this.size(expr) ?? UNKNOWN;
  }

  private size(expr: Expr): Range | undefined {
    const known = this.sizes.get(expr) ?? literalSize(expr);
    if (known !== undefined) return known;
    const declared = this.declaredSize(this.path(expr));
    if (declared !== undefined) {
      this.sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(expr.type ?? DYN)) return ONE;
    return expr.kind === 'ident' ? this.local(expr.name)?.size : undefined;
  }

  /** What the schema says of a place; nothing where the path leads nowhere. */
  private declaredSize(path: Path | undefined): Range | undefined {
    const [head, ...steps] = path ?? [];
    if (head === undefined) return undefined;
    let type: CelType | undefined = this.environment.variables['self'] ?? this.environment.variables[head];
    for (const step of steps) {
      if (type === undefined) return undefined;
      if (step === '@items' || step === '@values') type = type.kind === 'list' ? type.of : type.kind === 'map' ? type.value : undefined;
      else if (step === '@keys') type = type.kind === 'map' ? type.key : undefined;
      else if (type.kind === 'map' && type.sizedFields === true) type = type.value;
      // Upstream looks only escaped names up.
      else type = type.kind === 'object' && escapeIdentifier(step) !== `__${step}__` ? type.field(step) : undefined;
    }
    return type === undefined ? undefined : { min: 0, max: 'maxElements' in type ? (type.maxElements ?? 0) : 0 };
  }

  private entriesOf(expr: Expr): Entries | undefined {
    return this.entries.get(expr) ?? (expr.kind === 'ident' ? this.local(expr.name)?.entries : undefined);
  }

  private uniteEntries(expr: Expr, a: Expr | undefined, b: Expr | undefined): void {
    const [left, right] = [a && this.entriesOf(a), b && this.entriesOf(b)];
    if (left !== undefined && right !== undefined) this.entries.set(expr, { list: left.list, key: union(left.key, right.key), value: union(left.value, right.value) });
  }

  private copySize(to: Expr, from: Expr): void {
    const size = this.size(from);
    if (size !== undefined) this.sizes.set(to, size);
  }

  private copySizes(to: Expr, from: Expr): void {
    this.copySize(to, from);
    const entries = this.entriesOf(from);
    if (entries !== undefined) this.entries.set(to, entries);
  }

  private operand(expr: Expr): Operand {
    const known = this.size(expr);
    const type = expr.type ?? DYN;
    return {
      known, size: known ?? UNKNOWN, elements: this.elements(type, this.path(expr)), literal: expr.kind === 'literal' ? expr.value : undefined,
      typeName: formatType(type), sameTypeAs: (other) => formatType(type) === other.typeName && sameType(type, type),
    };
  }

  // A map's are its keys, as upstream has it.
  private elements(type: CelType, path: Path | undefined): Operand['elements'] {
    const element = type.kind === 'list' ? type.of : type.kind === 'map' ? type.key : type.kind === 'opaque' ? type.parameters[0] : undefined;
    if (element === undefined) return undefined;
    const size = path === undefined || path[0]?.startsWith('@result') === true ? undefined : this.declaredSize([...path, '@items']);
    return { textual: element.kind === 'string' || element.kind === 'bytes', size: size ?? UNKNOWN };
  }
}

function isBinding({ range, condition }: Comprehension): boolean {
  return range.kind === 'list' && range.elements.length === 0 && condition.kind === 'literal' && condition.value === false;
}

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === 'literal') return fixed(sizeOf(expr.value) ?? 1);
  if (expr.kind === 'list') return fixed(expr.elements.length);
  return expr.kind === 'map' ? fixed(expr.entries.length) : undefined;
}

function isScalar(type: CelType): boolean {
  return SCALARS.has(type.kind) || (type.kind === 'opaque' && type.name === 'optional_type' && isScalar(type.parameters[0] ?? DYN));
}
