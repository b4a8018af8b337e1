// Type inference: whether one type can stand for another, with the parameters of generic functions bound on the way, as cel-go does it:
// dyn and errors agree with all, null with times and opaque types, and a parameter takes the more general of what it meets.
import { DYN, listOf, mapOf, opaque, sameType, typeOf, type CelType } from './type.ts';

export type Bindings = ReadonlyMap<string, CelType>;

/** The bindings after, or undefined where the types do not agree. */
export function assign(bindings: Bindings, from: readonly CelType[], to: readonly CelType[]): Bindings | undefined {
  const draft = new Map(bindings);
  return assignAll(draft, from, to) ? draft : undefined;
}

/** The type with its bound parameters put in; with `final`, free ones become dyn. */
export function substitute(bindings: Bindings, type: CelType, final: boolean): CelType {
  switch (type.kind) {
    case 'parameter': {
      const bound = bindings.get(type.name);
      return bound === undefined ? (final ? DYN : type) : substitute(bindings, bound, final);
    }
    case 'list': {
      const of = substitute(bindings, type.of, final);
      return of === type.of ? type : listOf(of);
    }
    case 'map': {
      const [key, value] = [substitute(bindings, type.key, final), substitute(bindings, type.value, final)];
      return key === type.key && value === type.value ? type : mapOf(key, value);
    }
    case 'opaque': return type.parameters.length === 0 ? type : opaque(type.name, ...type.parameters.map((parameter) => substitute(bindings, parameter, final)));
    case 'type': return typeOf(substitute(bindings, type.of, final));
    default: return type;
  }
}

export function isDynOrError({ kind }: CelType): boolean {
  return kind === 'dyn' || kind === 'error';
}

/** Of two types that agree, the one that says less. */
export function mostGeneral(a: CelType, b: CelType): CelType {
  return isLessSpecific(a, b) ? a : b;
}

function assignAll(draft: Map<string, CelType>, from: readonly CelType[], to: readonly CelType[]): boolean {
  return from.length === to.length && from.every((type, index) => assignOne(draft, type, to[index] ?? DYN));
}

function assignOne(draft: Map<string, CelType>, a: CelType, b: CelType): boolean {
  if (b.kind === 'parameter') {
    const [valid, bound] = bind(draft, a, b);
    if (valid) return true;
    if (bound) return false;
  }
  if (a.kind === 'parameter') return bind(draft, b, a)[0];
  if (isDynOrError(a) || isDynOrError(b)) return true;
  if (a.kind === 'null') return isNullable(b);
  if (b.kind === 'null') return isNullable(a);
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'list': return b.kind === 'list' && assignOne(draft, a.of, b.of);
    case 'map': return b.kind === 'map' && assignAll(draft, [a.key, a.value], [b.key, b.value]);
    case 'opaque': return b.kind === 'opaque' && a.name === b.name && assignAll(draft, a.parameters, b.parameters);
    case 'object': return b.kind === 'object' && a.name === b.name;
    default: return true;
  }
}

function isNullable({ kind }: CelType): boolean {
  return ['null', 'opaque', 'object', 'duration', 'timestamp'].includes(kind);
}

// Whether the parameter may stand for the type, and whether it stood for one before.
function bind(draft: Map<string, CelType>, type: CelType, parameter: CelType & { kind: 'parameter' }): [valid: boolean, bound: boolean] {
  if (sameType(type, parameter)) return [true, true];
  const bound = draft.get(parameter.name);
  if (bound === undefined) {
    if (occurs(draft, parameter, type)) return [false, false];
    draft.set(parameter.name, type);
    return [true, false];
  }
  if (sameType(type, bound)) return [true, true];
  if (!assignOne(draft, type, bound)) return [false, true];
  const general = mostGeneral(type, bound);
  if (!occurs(draft, parameter, general)) draft.set(parameter.name, general);
  return [true, true];
}

function occurs(draft: Bindings, parameter: CelType & { kind: 'parameter' }, within: CelType): boolean {
  switch (within.kind) {
    case 'parameter': {
      if (within.name === parameter.name) return true;
      const bound = draft.get(within.name);
      return bound !== undefined && occurs(draft, parameter, bound);
    }
    case 'list': return occurs(draft, parameter, within.of);
    case 'map': return occurs(draft, parameter, within.key) || occurs(draft, parameter, within.value);
    case 'opaque': return within.parameters.some((inner) => occurs(draft, parameter, inner));
    case 'type': return occurs(draft, parameter, within.of);
    default: return false;
  }
}

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn' || a.kind === 'parameter') return true;
  if (b.kind === 'dyn' || b.kind === 'parameter' || a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'list': return b.kind === 'list' && isLessSpecific(a.of, b.of);
    case 'map': return b.kind === 'map' && isLessSpecific(a.key, b.key) && isLessSpecific(a.value, b.value);
    case 'opaque': return b.kind === 'opaque' && a.name === b.name && a.parameters.length === b.parameters.length && a.parameters.every((type, index) => isLessSpecific(type, b.parameters[index] ?? DYN));
    case 'type': return true;
    default: return sameType(a, b);
  }
}
