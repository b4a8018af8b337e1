// Expression → program: parse, check, and plan at the first evaluation. Issues of one stage end the next.
import { PER_CALL_LIMIT } from './call-cost.ts';
import { CelError, EvaluationError, ProgramError, type Issue, type Report } from './cel-error.ts';
import { check } from './checker.ts';
import { estimateCost } from './cost-estimate.ts';
import type { Frame, Plan } from './frame.ts';
import { checkLiterals, programProblem } from './literal-check.ts';
import { parse } from './parser.ts';
import { ProgramPlanner } from './plan.ts';
import type { Environment, EvaluateOptions, Evaluation, Program, Variables } from './program.ts';
import type { Expr } from './syntax.ts';
import { DYN } from './type.ts';
import { isError, type Value } from './value.ts';

const ISSUES_MAX = 100;

export function compileProgram(expression: string, environment: Environment): Program {
  const found: { at: number; message: string }[] = [];
  const report: Report = (at, message) => found.push({ at, message });
  const stop = (): void => { if (found.length > 0) throw new CelError(found.map(({ at, message }) => locate(expression, at, message)).toSorted(byPlace).slice(0, ISSUES_MAX), expression); };
  const expr = parse(expression, report, environment.bindings);
  stop();
  const root = expr as Expr;
  const references = check(root, environment, report);
  stop();
  checkLiterals(root, environment, report);
  stop();
  const problem = programProblem(root, environment);
  if (problem !== undefined) throw new ProgramError(problem);
  const run = runner(root, environment);
  return { expression, outputType: root.type ?? DYN, references, evaluate: run, estimateCost: () => estimateCost(root, environment) };
}

function runner(root: Expr, environment: Environment): (variables: Variables, options?: EvaluateOptions) => Evaluation {
  let plan: Plan | undefined;
  let slots = 0;
  return (variables, { costLimit = PER_CALL_LIMIT } = {}) => {
    if (plan === undefined) {
      const planner = new ProgramPlanner(environment);
      plan = planner.plan(root);
      slots = planner.slotCount;
    }
    const frame: Frame = { variables, slots: new Array<undefined>(slots).fill(undefined), cost: 0, limit: costLimit };
    const value = evaluate(plan, frame);
    if (isError(value)) {
      value.cost = frame.cost;
      throw value;
    }
    return { value, cost: frame.cost };
  };
}

function evaluate(plan: Plan, frame: Frame): Value {
  try {
    return plan.evaluate(frame);
  } catch (error) {
    if (error instanceof EvaluationError) error.cost = frame.cost;
    throw error;
  }
}

function locate(source: string, at: number, message: string): Issue {
  if (at < 0) return { line: -1, column: -1, message };
  const before = source.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: Array.from(before.slice(start)).length, message };
}

function byPlace(a: Issue, b: Issue): number {
  return a.line - b.line || a.column - b.column;
}
