// The checked tree → closures that evaluate it. Costs are counted as cel-go's tracker counts them: a unit for a name and one for each
// step from it, what `callCost` says for a call, a fixed price for building a list, map or object, nothing for constants, && || and ?:.
// Lists and maps of constants, conversions of constants and `in` with a constant list are done once, and are then free.
import { planQualified } from './attribute.ts';
import { planCall } from './call-plan.ts';
import { EvaluationError } from './cel-error.ts';
import { charge, constantPlan, NO_FRAME, variablePlan, type Frame, type Plan, type Planner } from './frame.ts';
import { planLoop } from './loop-plan.ts';
import type { Environment } from './program.ts';
import type { Entry, Expr, ListExpr, MapExpr, StructExpr } from './syntax.ts';
import { DYN, type ObjectType } from './type.ts';
import { adapt, EntryMap, isError, ListValue, Optional, StructValue, typeNameOf, type Value } from './value.ts';

const LIST_COST = 10;
const MAP_COST = 30;
const STRUCT_COST = 40;

export class ProgramPlanner implements Planner {
  private readonly environment: Environment;
  private readonly roots = new Map<string, Plan>();
  /** Loop variables in scope; the innermost last. */
  private readonly locals: (readonly [name: string, plan: Plan])[] = [];
  private slots = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  get slotCount(): number {
    return this.slots;
  }

  plan(expr: Expr): Plan {
    switch (expr.kind) {
      case 'literal': return constantPlan(expr.value);
      case 'ident': return expr.constant === undefined ? this.name(expr.name) : constantPlan(expr.constant);
      case 'select':
        if (expr.constant !== undefined) return constantPlan(expr.constant);
        if (expr.variable !== undefined) return this.name(expr.variable);
        return planQualified(this.plan(expr.operand), { key: constantPlan(expr.field), optional: false, test: expr.test });
      case 'call': return planCall(expr, this);
      case 'list': return this.list(expr);
      case 'map': return this.map(expr);
      case 'struct': return this.struct(expr);
      case 'comprehension': return planLoop(expr, this);
    }
  }

  newSlot(): number {
    return this.slots++;
  }

  within<T>(locals: readonly (readonly [string, Plan])[], plan: () => T): T {
    this.locals.push(...locals);
    const result = plan();
    this.locals.length -= locals.length;
    return result;
  }

  private name(name: string): Plan {
    const local = name.startsWith('.') ? undefined : this.locals.findLast(([candidate]) => candidate === name)?.[1];
    if (local !== undefined) return local;
    const plain = name.replace(/^\./, '');
    let root = this.roots.get(plain);
    if (root === undefined) this.roots.set(plain, (root = this.root(plain)));
    return root;
  }

  private root(name: string): Plan {
    const slot = this.newSlot();
    const type = this.environment.variables[name] ?? DYN;
    return variablePlan((frame) => {
      let value = frame.slots[slot];
      if (value === undefined) {
        value = name in frame.variables ? adapt(frame.variables[name], type) : new EvaluationError(`no such attribute(s): ${name}`);
        frame.slots[slot] = value;
      }
      return value;
    });
  }

  private list({ elements, optionals }: ListExpr): Plan {
    const plans = elements.map((element) => this.plan(element));
    const build = (frame: Frame): Value => {
      const values: Value[] = [];
      for (const [index, plan] of plans.entries()) {
        const value = plan.evaluate(frame);
        if (isError(value)) return value;
        if (!optionals.has(index)) values.push(value);
        else if (!(value instanceof Optional)) return new EvaluationError(`cannot initialize optional list element from non-optional value ${typeNameOf(value)}`);
        else if (value.value !== undefined) values.push(value.value);
      }
      return ListValue.of(values);
    };
    return plans.every(({ constant }) => constant !== undefined) ? constantPlan(build(NO_FRAME)) : built(build, LIST_COST);
  }

  private map({ entries }: MapExpr): Plan {
    const plans = entries.map((entry) => ({ key: this.plan(entry.key), value: this.plan(entry.value), entry }));
    const build = (frame: Frame): Value => {
      const map = new EntryMap();
      for (const { key, value, entry } of plans) {
        const name = key.evaluate(frame);
        if (isError(name)) return name;
        const problem = addEntry(map, name, { value: value.evaluate(frame), entry });
        if (problem !== undefined) return problem;
      }
      return map;
    };
    const constant = plans.every(({ key, value }) => key.constant !== undefined && value.constant !== undefined);
    return constant ? constantPlan(build(NO_FRAME)) : built(build, MAP_COST);
  }

  private struct({ fields, objectType }: StructExpr): Plan {
    const plans = fields.map((field) => ({ ...field, plan: this.plan(field.value) }));
    return built((frame) => {
      const values = new Map<string, Value>();
      for (const { name, plan, optional } of plans) {
        const value = plan.evaluate(frame);
        if (isError(value)) return value;
        if (!optional) values.set(name, value);
        else if (!(value instanceof Optional)) return new EvaluationError(`cannot initialize optional entry '${name}' from non-optional value ${typeNameOf(value)}`);
        else if (value.value !== undefined) values.set(name, value.value);
      }
      return new StructValue(objectType as ObjectType, values);
    }, STRUCT_COST);
  }
}

function built(build: (frame: Frame) => Value, cost: number): Plan {
  return {
    evaluate: (frame) => {
      const value = build(frame);
      charge(frame, cost);
      return value;
    },
  };
}

function addEntry(map: EntryMap, key: Value, { value, entry }: { value: Value; entry: Entry }): EvaluationError | undefined {
  if (isError(value)) return value;
  if (!entry.optional) map.set(key, value);
  else if (!(value instanceof Optional)) return new EvaluationError(`cannot initialize optional entry '${typeNameOf(key)}' from non-optional value ${typeNameOf(value)}`);
  else if (value.value === undefined) map.delete(key);
  else map.set(key, value.value);
  return undefined;
}
