// Calls: operators that decide for themselves what to evaluate, and functions chosen by their arguments' types: at once where one overload
// is left after the check, by the values where several are.
import { planQualified } from './attribute.ts';
import { actualSize, callCost } from './call-cost.ts';
import { CostLimitError, EvaluationError } from './cel-error.ts';
import { equalValues } from './equality.ts';
import { charge, constantPlan, NO_FRAME, type Frame, type Plan, type Planner } from './frame.ts';
import { acceptsValue, type Overload } from './function.ts';
import { findFunction } from './library/libraries.ts';
import { Double, Uint } from './scalar.ts';
import type { Call } from './syntax.ts';
import type { CelType } from './type.ts';
import { isError, ListValue, Optional, typeNameOf, type Value } from './value.ts';

const CONVERSIONS = new Set(['bool', 'bytes', 'double', 'duration', 'dyn', 'int', 'string', 'timestamp', 'type', 'uint']);
/** Functions that cel-go dispatches by the receiver: what they say to a receiver that has none of them. */
const RECEIVERS: Readonly<Record<string, readonly string[]>> = {
  '_+_': ['int', 'uint', 'double', 'string', 'bytes', 'list', 'google.protobuf.Timestamp', 'google.protobuf.Duration'],
  '_-_': ['int', 'uint', 'double', 'google.protobuf.Timestamp', 'google.protobuf.Duration'],
  '_*_': ['int', 'uint', 'double'], '_/_': ['int', 'uint', 'double'], '_%_': ['int', 'uint'], '-_': ['int', 'double', 'bool', 'google.protobuf.Duration'],
  ...Object.fromEntries(['_<_', '_<=_', '_>_', '_>=_'].map((name) => [name, ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'google.protobuf.Timestamp', 'google.protobuf.Duration']])),
  size: [], matches: [],
};
/** What answers any call by itself. */
const RECEIVING = new Set(['string', 'google.protobuf.Timestamp', 'google.protobuf.Duration']);
const PATTERNED = new Set(['matches', 'find', 'findAll']);
const BARE = new Set(['!_', '@in', '_==_', '_!=_', 'contains', 'startsWith', 'endsWith']);

export function planCall(expr: Call, planner: Planner): Plan {
  const plans = [...(expr.target === undefined ? [] : [expr.target]), ...expr.args].map((arg) => planner.plan(arg));
  const [first, second, third] = plans as [Plan, Plan, Plan];
  switch (expr.name) {
    case '_&&_': return planLogical(plans, false);
    case '_||_': return planLogical(plans, true);
    case '_?_:_': return planConditional(first, second, third);
    case '_==_': return planEquality(first, second, true);
    case '_!=_': return planEquality(first, second, false);
    case '_[_]': return planQualified(first, { key: second, optional: false, test: false });
    case '_[?_]': case '_?._': return planQualified(first, { key: second, optional: true, test: false });
    case '@not_strictly_false': return { evaluate: (frame) => paid(frame, 1, first.evaluate(frame) !== false) };
    case 'or': case 'orValue': return planOptionalOr(expr, first, second);
    default: return planFunction(expr, plans);
  }
}

/** What a conversion of a constant gives; undefined where the call is none. cel-go does these when it makes the program. */
export function foldConversion(expr: Call, planner: Planner): Value | undefined {
  return CONVERSIONS.has(expr.name) && expr.args.length === 1 && expr.target === undefined ? planCall(expr, planner).constant : undefined;
}

function planLogical(terms: readonly Plan[], decisive: boolean): Plan {
  return {
    evaluate: (frame) => {
      let problem: EvaluationError | undefined;
      for (const term of terms) {
        const value = term.evaluate(frame);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') problem ??= isError(value) ? value : new EvaluationError('no such overload');
      }
      return problem ?? !decisive;
    },
  };
}

function planConditional(condition: Plan, yes: Plan, no: Plan): Plan {
  const [whenTrue, whenFalse] = [yes.resolve ?? yes.evaluate, no.resolve ?? no.evaluate];
  const resolve = (frame: Frame): Value => {
    const value = condition.evaluate(frame);
    if (value === true) return whenTrue(frame);
    if (value === false) return whenFalse(frame);
    return isError(value) ? value : new EvaluationError('no such overload');
  };
  return { evaluate: resolve, resolve, free: true };
}

function planEquality(left: Plan, right: Plan, wanted: boolean): Plan {
  return {
    evaluate: (frame) => {
      const [a, b] = [left.evaluate(frame), right.evaluate(frame)];
      const result = isError(a) ? a : isError(b) ? b : equalValues(a, b) === wanted;
      return paid(frame, wanted && typeof a === 'object' && a !== null && typeNameOf(a).includes('.') ? 1 : Math.ceil(Math.min(actualSize(a), actualSize(b)) * 0.1), result);
    },
  };
}

function planOptionalOr(expr: Call, left: Plan, right: Plan): Plan {
  return {
    evaluate: (frame) => {
      const optional = left.evaluate(frame);
      if (!(optional instanceof Optional)) return optional;
      if (optional.value === undefined) return right.evaluate(frame);
      return expr.name === 'or' ? optional : optional.value;
    },
  };
}

function planFunction(expr: Call, plans: readonly Plan[]): Plan {
  const id = expr.overloads?.length === 1 ? (expr.overloads[0]?.id ?? '') : '';
  const membership = id === 'in_list' ? planMembership(plans) : undefined;
  if (membership !== undefined) return membership;
  const choose = chooser(expr);
  const constant = plans.length === 1 ? plans[0]?.constant : undefined;
  if (constant !== undefined && CONVERSIONS.has(expr.name)) return constantPlan(isError(constant) ? constant : choose([constant]));
  const cost = callCost(expr.name, id);
  // cel-go's calls of many arguments stop at the first error and then cost nothing; those with a constant pattern are of that kind.
  const strictAtOnce = plans.length > 2 || (PATTERNED.has(expr.name) && plans[1]?.constant !== undefined);
  return {
    evaluate: (frame) => {
      const values = new Array<Value>(plans.length);
      let problem: EvaluationError | undefined;
      for (let index = 0; index < plans.length; index++) {
        const value = (plans[index] as Plan).evaluate(frame);
        if (isError(value)) {
          if (strictAtOnce && index < plans.length - 1) return value;
          problem ??= value;
        }
        values[index] = value;
      }
      const result = problem ?? choose(values);
      return paid(frame, cost(values, result), result);
    },
  };
}

// `x in ['a', 'b']`: a set, made once.
function planMembership([needle, haystack]: readonly Plan[]): Plan | undefined {
  const list = haystack?.constant;
  if (!(list instanceof ListValue) || needle === undefined) return undefined;
  if (list.size === 0) return constantPlan(false);
  const keys = list.toArray().map(plainKey);
  if (keys.includes(undefined)) return undefined;
  const members = new Set(keys);
  return {
    evaluate: (frame) => {
      const value = needle.evaluate(frame);
      if (isError(value)) return value;
      const key = plainKey(value);
      return key !== undefined && members.has(key);
    },
  };
}

function plainKey(value: Value): string | number | bigint | boolean | undefined {
  if (value instanceof Uint || value instanceof Double) return value.value;
  return typeof value === 'object' ? undefined : value;
}

function chooser(expr: Call): (values: Value[]) => Value {
  const { overloads = [] } = expr;
  const [only] = overloads;
  const args = expr.target === undefined ? expr.args : [expr.target, ...expr.args];
  if (overloads.length === 1 && only !== undefined && !args.some(({ type }) => type === undefined || isLoose(type))) return (values) => invokeChecked(expr.name, only, values);
  const candidates = overloads.length === 1 ? overloads : (findFunction(expr.name) ?? []).filter(({ parameters }) => parameters.length === args.length);
  return (values) => {
    const fitting = candidates.find(({ parameters }) => parameters.every((parameter, index) => acceptsValue(parameter, values[index] as Value)));
    return fitting === undefined ? noOverload(expr.name, values) : invoke(fitting, values);
  };
}

/** By its types nothing else can come, but what is bound by a macro of optionals may be of any type all the same. */
function invokeChecked(name: string, overload: Overload, values: Value[]): Value {
  try {
    return invoke(overload, values);
  } catch (error) {
    const fits = overload.parameters.every((parameter, index) => acceptsValue(parameter, values[index] as Value));
    if (!fits && (error instanceof TypeError || error instanceof SyntaxError)) return noOverload(name, values);
    throw error;
  }
}

function invoke({ run }: Overload, values: Value[]): Value {
  try {
    return run(...values);
  } catch (error) {
    if (error instanceof EvaluationError && error.constructor === EvaluationError) return error;
    // A string or a list that no memory holds.
    if (error instanceof RangeError) throw new CostLimitError();
    throw error;
  }
}

function noOverload(name: string, values: readonly Value[]): EvaluationError {
  const types = values.map(typeNameOf);
  const receivers = RECEIVERS[name];
  if (receivers !== undefined) return new EvaluationError(receivers.includes(types[0] ?? '') || RECEIVING.has(types[0] ?? '') ? 'no such overload' : `no such overload: ${name}`);
  return new EvaluationError(BARE.has(name) ? 'no such overload' : `no such overload: ${name}(${types.join(', ')})`);
}

function isLoose(type: CelType): boolean {
  switch (type.kind) {
    case 'dyn': case 'error': case 'null': case 'parameter': return true;
    case 'list': return isLoose(type.of);
    case 'map': return isLoose(type.key) || isLoose(type.value);
    case 'opaque': return type.parameters.some(isLoose);
    default: return false;
  }
}

function paid(frame: Frame, units: number, value: Value): Value {
  if (frame !== NO_FRAME) charge(frame, units);
  return value;
}
