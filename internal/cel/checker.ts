// The type checker: gives every node its type, every call the overloads its arguments allow, every name what it stands for. It goes on
// after an issue, so that all are told at once, each once: what could not be checked has the type ERROR, which agrees with everything.
import type { Report } from './cel-error.ts';
import { findFunction } from './library/libraries.ts';
import { Scope } from './scope.ts';
import { qualifiedName, type Call, type Comprehension, type Expr, type ListExpr, type MapExpr, type Select, type StructExpr } from './syntax.ts';
import { BOOL, DYN, ERROR, formatType, INT, listOf, mapOf, optionalOf, sameType, STRING, UINT, DOUBLE, BYTES, NULL, type CelType } from './type.ts';
import { assign, isDynOrError, mostGeneral, substitute, type Bindings } from './unify.ts';
import type { Value } from './value.ts';
import type { Overload } from './function.ts';
import type { Environment } from './program.ts';
import { Double, Uint } from './scalar.ts';

/** Types the tree in place and gives the names of the variables it reads. */
export function check(expr: Expr, environment: Environment, report: Report): Set<string> {
  const checker = new Checker(environment, report);
  checker.check(expr);
  checker.settle();
  return checker.references;
}

class Checker {
  readonly references = new Set<string>();
  private readonly environment: Environment;
  private readonly report: Report;
  private scope: Scope;
  private bindings: Bindings = new Map();
  private variables = 0;
  private readonly typed = new Set<Expr>();

  constructor(environment: Environment, report: Report) {
    this.environment = environment;
    this.report = report;
    this.scope = new Scope(environment);
  }

  check(expr: Expr): CelType {
    const type = this.typeOf(expr);
    expr.type = type;
    this.typed.add(expr);
    return type;
  }

  /** Puts what was found out of type parameters into the whole tree. */
  settle(): void {
    for (const expr of this.typed) expr.type = substitute(this.bindings, expr.type ?? DYN, true);
  }

  private typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal': return literalType(expr.value);
      case 'ident': return this.ident(expr, expr.name) ?? this.undeclared(expr.at, expr.name);
      case 'select': return this.select(expr);
      case 'call': return this.call(expr);
      case 'list': return this.list(expr);
      case 'map': return this.map(expr);
      case 'struct': return this.struct(expr);
      case 'comprehension': return this.comprehension(expr);
    }
  }

  private undeclared(at: number, name: string): CelType {
    this.report(at, `undeclared reference to '${name}' (in container '')`);
    return ERROR;
  }

  private ident(expr: { constant?: Value }, name: string): CelType | undefined {
    const found = this.scope.find(name);
    if (found?.constant !== undefined) expr.constant = found.constant;
    else if (found !== undefined && found.local !== true) this.references.add(name.replace(/^\./, ''));
    return found?.type;
  }

  private select(expr: Select): CelType {
    const name = expr.test ? undefined : qualifiedName(expr);
    const type = name === undefined ? undefined : this.ident(expr, name);
    if (type !== undefined && name !== undefined) {
      expr.variable = name;
      return type;
    }
    const field = this.field(expr, expr.operand, { name: expr.field, optional: false });
    return expr.test ? BOOL : substitute(this.bindings, field, false);
  }

  private field(expr: Expr, operand: Expr, { name, optional }: { name: string; optional: boolean }): CelType {
    const operandType = substitute(this.bindings, this.check(operand), false);
    const [target, wrapped] = unwrapOptional(operandType);
    const result = this.fieldOf(expr, target, name);
    return wrapped || optional ? optionalOf(result) : result;
  }

  private fieldOf(expr: Expr, target: CelType, name: string): CelType {
    if (target.kind === 'map') return target.value;
    if (target.kind === 'object') {
      const field = target.field(name);
      if (field === undefined) this.report(expr.at, `undefined field '${name}'`);
      return field ?? ERROR;
    }
    if (target.kind === 'parameter') this.agree(DYN, target);
    else if (!isDynOrError(target)) this.report(expr.at, `type '${formatType(target)}' does not support field selection`);
    return DYN;
  }

  private call(expr: Call): CelType {
    if (expr.name === '_?._') return this.optionalField(expr);
    for (const arg of expr.args) this.check(arg);
    if (expr.target === undefined) {
      const overloads = this.functionNamed(expr.name.replace(/^\./, ''));
      if (overloads === undefined) return this.undeclared(expr.at, expr.name);
      expr.name = expr.name.replace(/^\./, '');
      return this.resolve(expr, overloads);
    }
    const prefix = qualifiedName(expr.target);
    const qualified = prefix === undefined ? undefined : this.functionNamed(`${prefix}.${expr.name}`);
    if (qualified !== undefined) {
      expr.name = `${prefix ?? ''}.${expr.name}`;
      delete expr.target;
      return this.resolve(expr, qualified);
    }
    this.check(expr.target);
    const overloads = findFunction(expr.name);
    return overloads === undefined ? this.undeclared(expr.at, expr.name) : this.resolve(expr, overloads);
  }

  // Of patches only the expressions that build them may speak.
  private functionNamed(name: string): readonly Overload[] | undefined {
    return name.startsWith('jsonpatch.') && this.environment.types === undefined ? undefined : findFunction(name);
  }

  private optionalField(expr: Call): CelType {
    const [operand, field] = expr.args as [Expr, Expr];
    const name = field.kind === 'literal' && typeof field.value === 'string' ? field.value : '';
    this.check(field);
    expr.overloads = findFunction('_?._') ?? [];
    return substitute(this.bindings, this.field(expr, operand, { name, optional: true }), false);
  }

  private resolve(expr: Call, candidates: readonly Overload[]): CelType {
    const types = [...(expr.target === undefined ? [] : [expr.target]), ...expr.args].map((arg) => arg.type ?? DYN);
    if (expr.name === '_&&_' || expr.name === '_||_') return this.logical(expr, candidates, types);
    const matching: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of candidates) {
      if (overload.method !== (expr.target !== undefined)) continue;
      const fresh = this.instantiate(overload);
      if (!this.agreeAll(types, fresh.parameters)) continue;
      matching.push(overload);
      const type = substitute(this.bindings, fresh.result, false);
      if (result === undefined) result = type;
      else if (result.kind !== 'dyn' && !sameType(type, result)) result = DYN;
    }
    if (result === undefined) return this.noOverload(expr, types);
    expr.overloads = matching;
    return result;
  }

  private noOverload(expr: Call, types: readonly CelType[]): CelType {
    const names = types.map((type) => formatType(substitute(this.bindings, type, true)));
    const signature = expr.target === undefined ? `(${names.join(', ')})` : `${names[0] ?? ''}.(${names.slice(1).join(', ')})`;
    this.report(expr.at, `found no matching overload for '${expr.name}' applied to '${signature}'`);
    return ERROR;
  }

  private logical(expr: Call, candidates: readonly Overload[], types: readonly CelType[]): CelType {
    expr.overloads = candidates;
    let result: CelType = BOOL;
    for (const [index, type] of types.entries()) {
      if (this.agree(type, BOOL)) continue;
      this.mismatch(expr.args[index]?.at ?? expr.at, BOOL, type);
      result = ERROR;
    }
    return result;
  }

  private instantiate(overload: Overload): { parameters: readonly CelType[]; result: CelType } {
    if (!overload.generic) return overload;
    const fresh = new Map<string, CelType>();
    const name = (type: CelType): void => {
      if (type.kind === 'parameter' && !fresh.has(type.name)) fresh.set(type.name, this.newVariable());
      else if (type.kind === 'list') name(type.of);
      else if (type.kind === 'map') [type.key, type.value].forEach(name);
      else if (type.kind === 'opaque') type.parameters.forEach(name);
      else if (type.kind === 'type') name(type.of);
    };
    [...overload.parameters, overload.result].forEach(name);
    return { parameters: overload.parameters.map((type) => substitute(fresh, type, false)), result: substitute(fresh, overload.result, false) };
  }

  private list(expr: ListExpr): CelType {
    let of: CelType | undefined;
    for (const [index, element] of expr.elements.entries()) {
      let type = this.check(element);
      if (expr.optionals.has(index)) type = this.unwrapped(element.at, type);
      of = this.join(of, type);
    }
    return listOf(of ?? this.newVariable());
  }

  private map(expr: MapExpr): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      key = this.join(key, this.check(entry.key));
      let type = this.check(entry.value);
      if (entry.optional) type = this.unwrapped(entry.value.at, type);
      value = this.join(value, type);
    }
    return mapOf(key ?? this.newVariable(), value ?? this.newVariable());
  }

  private struct(expr: StructExpr): CelType {
    const type = this.scope.find(expr.name)?.type;
    if (type === undefined) return this.undeclared(expr.at, expr.name);
    const object = type.kind === 'type' ? type.of : undefined;
    if (object === undefined) this.report(expr.at, `'${formatType(type)}' is not a type`);
    else if (object.kind !== 'object') this.report(expr.at, `'${formatType(object)}' is not a message type`);
    else expr.objectType = object;
    for (const { at, name, value, optional } of expr.fields) {
      let given = this.check(value);
      const field = object?.kind === 'object' ? object.field(name) : undefined;
      if (object?.kind === 'object' && field === undefined) this.report(at, `undefined field '${name}'`);
      if (optional) given = this.unwrapped(value.at, given);
      if (!this.agree(field ?? ERROR, given)) this.report(at, `expected type of field '${name}' is '${formatType(field ?? ERROR)}' but provided type is '${formatType(given)}'`);
    }
    return expr.objectType ?? ERROR;
  }

  private comprehension(expr: Comprehension): CelType {
    const range = substitute(this.bindings, this.check(expr.range), false);
    const accumulated = this.check(expr.init);
    const outside = this.scope;
    this.scope = outside.enter();
    this.scope.declare(expr.accumulator, accumulated);
    const inside = this.scope;
    const [first, second] = this.loopTypes(expr, range);
    this.scope = inside.enter();
    this.scope.declare(expr.variable, first);
    if (expr.variable2 !== '') this.scope.declare(expr.variable2, second);
    this.expect(expr.condition, BOOL);
    this.expect(expr.step, accumulated);
    this.scope = inside;
    const result = this.check(expr.result);
    this.scope = outside;
    return substitute(this.bindings, result, false);
  }

  private loopTypes(expr: Comprehension, range: CelType): [CelType, CelType] {
    switch (range.kind) {
      case 'list': return expr.variable2 === '' ? [range.of, DYN] : [INT, range.of];
      case 'map': return [range.key, range.value];
      case 'dyn': case 'error': case 'parameter':
        this.agree(DYN, range);
        return [DYN, DYN];
      default:
        this.report(expr.range.at, `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
        return [ERROR, ERROR];
    }
  }

  private expect(expr: Expr, type: CelType): void {
    const found = this.check(expr);
    if (!this.agree(type, found)) this.mismatch(expr.at, type, found);
  }

  private join(previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current;
    // Literals of mixed types are told of later, but in what is given to format().
    return this.agree(previous, current) ? mostGeneral(previous, current) : DYN;
  }

  private unwrapped(at: number, type: CelType): CelType {
    const [inner, wrapped] = unwrapOptional(type);
    if (!wrapped && inner.kind !== 'dyn') this.mismatch(at, optionalOf(inner), inner);
    return inner;
  }

  private mismatch(at: number, expected: CelType, found: CelType): void {
    this.report(at, `expected type '${formatType(expected)}' but found '${formatType(found)}'`);
  }

  private newVariable(): CelType {
    return { kind: 'parameter', name: `_var${String(this.variables++)}` };
  }

  private agree(a: CelType, b: CelType): boolean {
    return this.agreeAll([a], [b]);
  }

  private agreeAll(a: readonly CelType[], b: readonly CelType[]): boolean {
    const bindings = assign(this.bindings, a, b);
    if (bindings !== undefined) this.bindings = bindings;
    return bindings !== undefined;
  }
}

function unwrapOptional(type: CelType): [CelType, boolean] {
  return type.kind === 'opaque' && type.name === 'optional_type' ? [type.parameters[0] ?? DYN, true] : [type, false];
}

function literalType(value: Value): CelType {
  switch (typeof value) {
    case 'string': return STRING;
    case 'boolean': return BOOL;
    case 'number': case 'bigint': return INT;
    default: return value === null ? NULL : value instanceof Double ? DOUBLE : value instanceof Uint ? UINT : BYTES;
  }
}
