// What Kubernetes checks of literals after types: durations, times and regular expressions that cannot be read, lists and maps whose
// elements differ in type; and the conversions cel-go does when it makes the program.
import { foldConversion } from './call-plan.ts';
import type { Report } from './cel-error.ts';
import type { Planner } from './frame.ts';
import { patternProblem } from './library/regex.ts';
import { formatProblem } from './library/string-format.ts';
import { ProgramPlanner } from './plan.ts';
import type { Environment } from './program.ts';
import { childrenOf, type Expr } from './syntax.ts';
import { DYN, formatType, type CelType } from './type.ts';
import { isError } from './value.ts';

export function checkLiterals(expr: Expr, environment: Environment, report: Report): void {
  checkLiteral(expr, { planner: new ProgramPlanner(environment), report }, false);
}

interface Context { planner: Planner; report: Report }

function checkLiteral(expr: Expr, context: Context, mixed: boolean): void {
  const { report } = context;
  if (expr.kind === 'call') checkArgument(expr, context);
  if (expr.kind === 'list' && !mixed) {
    const types = expr.elements.map((element, index) => ({ at: element.at, type: expr.optionals.has(index) ? inner(element.type) : (element.type ?? DYN) }));
    checkAlike(types, report);
  }
  if (expr.kind === 'map' && !mixed) {
    checkAlike(expr.entries.map(({ key }) => ({ at: key.at, type: key.type ?? DYN })), report);
    checkAlike(expr.entries.map(({ value, optional }) => ({ at: value.at, type: optional ? inner(value.type) : (value.type ?? DYN) })), report);
  }
  const format = expr.kind === 'call' && expr.name === 'format';
  for (const child of childrenOf(expr)) checkLiteral(child, context, mixed || format);
}

/** What makes cel-go refuse the program of a correct expression: a conversion of a literal that fails. */
export function programProblem(expr: Expr, environment: Environment): string | undefined {
  return problemOf(expr, new ProgramPlanner(environment));
}

function problemOf(expr: Expr, planner: Planner): string | undefined {
  const folded = expr.kind === 'call' ? foldConversion(expr, planner) : undefined;
  if (folded !== undefined && isError(folded)) return folded.message;
  const pattern = expr.kind === 'call' && (expr.name === 'find' || expr.name === 'findAll') ? expr.args[0] : undefined;
  if (pattern?.kind === 'literal' && typeof pattern.value === 'string') {
    const problem = patternProblem(pattern.value);
    if (problem !== undefined) return problem;
  }
  for (const child of childrenOf(expr)) {
    const problem = problemOf(child, planner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkArgument(expr: Expr & { kind: 'call' }, { planner, report }: Context): void {
  const [argument] = expr.args;
  if (expr.name === 'format') checkFormat(expr, report);
  if (argument?.kind !== 'literal') return;
  const converted = expr.name === 'duration' || expr.name === 'timestamp' ? foldConversion(expr, planner) : undefined;
  const unreadable = expr.name === 'matches' && typeof argument.value === 'string' && patternProblem(argument.value) !== undefined;
  if (unreadable || (converted !== undefined && isError(converted))) report(argument.at, `invalid ${expr.name} argument`);
}

// A template and its list that are both written out are checked together.
function checkFormat({ at, target, args: [list] }: Expr & { kind: 'call' }, report: Report): void {
  if (target?.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list') return;
  const problem = formatProblem(target.value, list.elements.map(({ type }) => type ?? DYN));
  if (problem !== undefined) report((problem.argument === undefined ? undefined : list.elements[problem.argument])?.at ?? at, problem.message);
}

function checkAlike(items: readonly { at: number; type: CelType }[], report: Report): void {
  const [first] = items;
  if (first === undefined) return;
  const wrong = items.find(({ type }) => formatType(type) !== formatType(first.type));
  if (wrong !== undefined) report(wrong.at, `expected type '${formatType(first.type)}' but found '${formatType(wrong.type)}'`);
}

function inner(type: CelType | undefined): CelType {
  return type?.kind === 'opaque' ? (type.parameters[0] ?? DYN) : DYN;
}
