// Fields, keys and indexes: a.b, a[b], a.?b, a[?b], has(a.b). An optional along the way makes the rest optional.
import { EvaluationError } from './cel-error.ts';
import { charge, type Frame, type Plan } from './frame.ts';
import { Double, Uint } from './scalar.ts';
import { isError, ListValue, MapValue, NONE, OpaqueValue, Optional, StructValue, typeNameOf, type Value } from './value.ts';

export interface Qualifier {
  key: Plan;
  optional: boolean;
  /** has(): whether it is there, not what it is. */
  test: boolean;
}

/** The operand's attribute with one more step. */
export function planQualified(operand: Plan, { key, optional, test }: Qualifier): Plan {
  const base = operand.resolve ?? operand.evaluate;
  const keyOf = key.resolve ?? key.evaluate;
  const resolve = (frame: Frame): Value => {
    let container = base(frame);
    if (isError(container)) return container;
    const wrapped = container instanceof Optional;
    if (wrapped) {
      if ((container as Optional).value === undefined) return container;
      container = (container as Optional).value as Value;
    }
    const index = keyOf(frame);
    const lenient = optional || wrapped || test;
    const found = isError(index) ? index : lookUp(container, index, lenient);
    if (!lenient || test || (found !== undefined && !isError(found))) charge(frame, 1);
    if (found !== undefined && isError(found)) return found;
    if (test) return found !== undefined;
    if (optional || wrapped) return found === undefined ? NONE : new Optional(found);
    return found as Value;
  };
  if (operand.free === true) return { resolve, evaluate: test ? (frame) => named(frame, resolve, -1) : resolve, free: true };
  return { resolve, evaluate: test ? resolve : (frame) => named(frame, resolve, 1) };
}

function named(frame: Frame, resolve: (frame: Frame) => Value, units: number): Value {
  const value = resolve(frame);
  charge(frame, units);
  return value;
}

// undefined where a lenient look finds nothing; a strict one gives an error.
function lookUp(container: Value, key: Value, lenient: boolean): Value | undefined {
  if (container instanceof MapValue) {
    const value = container.find(key);
    return value === undefined && !lenient ? noSuchKey(key) : value;
  }
  if (container instanceof ListValue) return element(container, key, lenient);
  if (container instanceof StructValue) {
    const value = typeof key === 'string' ? container.fields.get(key) : undefined;
    // Upstream's patches have all their fields, and its objects null where nothing was set.
    return value === undefined && !lenient ? (container.type.name === 'JSONPatch' && key !== 'value' ? '' : null) : value;
  }
  if (container instanceof OpaqueValue) return new EvaluationError(`no such key: ${formatKey(key)}`);
  return lenient ? undefined : noSuchKey(key);
}

function element(list: ListValue, key: Value, lenient: boolean): Value | undefined {
  const index = key instanceof Double || key instanceof Uint ? key.value : key;
  if (typeof index !== 'number' && typeof index !== 'bigint') return new EvaluationError(`unsupported index type '${typeNameOf(key)}' in list`);
  if (typeof index === 'number' && !Number.isInteger(index)) return new EvaluationError(`unsupported index value ${String(index)} in list`);
  if (index >= 0 && index < list.size) return list.at(Number(index));
  return lenient ? undefined : new EvaluationError(`index out of bounds: ${formatKey(key)}`);
}

function noSuchKey(key: Value): EvaluationError {
  return new EvaluationError(`no such key: ${formatKey(key)}`);
}

/** A value as Go's %v prints it in errors. */
export function formatKey(key: Value): string {
  if (key === null) return '';
  if (key instanceof Double || key instanceof Uint) return String(key.value);
  return typeof key === 'object' ? typeNameOf(key) : String(key);
}
