// Comprehensions: the loops that macros become. The accumulator starts when it is first read, which is how bound names (optMap, sortBy)
// wait until they are wanted.
import { EvaluationError } from './cel-error.ts';
import { variablePlan, type Frame, type Plan, type Planner } from './frame.ts';
import type { Comprehension } from './syntax.ts';
import { EntryMap, isError, ListValue, MapValue, typeNameOf, type Value } from './value.ts';

const GO_TYPES: Readonly<Record<string, string>> = {
  int: 'types.Int', uint: 'types.Uint', double: 'types.Double', string: 'types.String', bytes: 'types.Bytes', bool: 'types.Bool', null_type: 'types.Null',
  'google.protobuf.Timestamp': 'types.Timestamp', 'google.protobuf.Duration': 'types.Duration', optional_type: '*types.Optional',
};

interface Loop {
  range: Plan;
  condition: Plan;
  step: Plan;
  result: Plan;
  accumulator: number;
  first: number;
  second: number;
}

export function planLoop(expr: Comprehension, planner: Planner): Plan {
  const [accumulator, first, second] = [planner.newSlot(), planner.newSlot(), planner.newSlot()];
  const range = planner.plan(expr.range);
  const init = planner.plan(expr.init);
  const inner: [string, Plan][] = [[expr.accumulator, variablePlan((frame) => accumulated(frame, accumulator, init))]];
  const outer: [string, Plan][] = [...inner, [expr.variable, slotPlan(first)]];
  if (expr.variable2 !== '') outer.push([expr.variable2, slotPlan(second)]);
  const [condition, step] = planner.within(outer, () => [planner.plan(expr.condition), planner.plan(expr.step)] as const);
  const loop: Loop = { range, condition, step, result: planner.within(inner, () => planner.plan(expr.result)), accumulator, first, second };
  const two = expr.variable2 !== '';
  return { evaluate: (frame) => run(loop, two, frame) };
}

function run(loop: Loop, two: boolean, frame: Frame): Value {
  const range = loop.range.evaluate(frame);
  if (isError(range)) return range;
  const { slots } = frame;
  slots[loop.accumulator] = undefined;
  if (range instanceof ListValue) {
    for (let index = 0; index < range.size; index++) {
      slots[loop.first] = two ? index : range.at(index);
      if (two) slots[loop.second] = range.at(index);
      if (!turn(loop, frame)) break;
    }
  } else if (range instanceof MapValue) {
    for (const key of range.keys()) {
      slots[loop.first] = key;
      if (two) slots[loop.second] = range.find(key) ?? null;
      if (!turn(loop, frame)) break;
    }
  } else return new EvaluationError(two ? `unsupported comprehension range type: ${goType(range)}` : `got '${goType(range)}', expected iterable type`);
  const result = loop.result.evaluate(frame);
  if (result instanceof ListValue || result instanceof MapValue) result.growing = false;
  slots[loop.accumulator] = undefined;
  return result;
}

function turn(loop: Loop, frame: Frame): boolean {
  if (loop.condition.evaluate(frame) === false) return false;
  frame.slots[loop.accumulator] = loop.step.evaluate(frame);
  return true;
}

// Nobody else holds an empty accumulator: it may grow in place.
function growing(init: Value): Value {
  if (init instanceof ListValue && init.size === 0) {
    const list = ListValue.of([]);
    list.growing = true;
    return list;
  }
  if (!(init instanceof MapValue) || init.size > 0) return init;
  const map = new EntryMap();
  map.growing = true;
  return map;
}

function accumulated(frame: Frame, slot: number, init: Plan): Value {
  let value = frame.slots[slot];
  if (value === undefined) {
    value = growing(init.evaluate(frame));
    frame.slots[slot] = value;
  }
  return value;
}

function slotPlan(slot: number): Plan {
  return variablePlan((frame) => frame.slots[slot] ?? null);
}

function goType(value: Value): string {
  const name = typeNameOf(value);
  return GO_TYPES[name] ?? name;
}
