// What Kubernetes checks of literals after types: durations, times and regular expressions that cannot be read, lists and maps whose
// elements differ in type; and the conversions cel-go does when it makes the program.
import { foldConversion } from './call-plan.ts';
import { EvaluationError } from './cel-error.ts';
import { compileRegex } from './library/regex.ts';
import type { Report } from './parser.ts';
import { childrenOf, type Expr } from './syntax.ts';
import { parseDurationNanos, parseTimestamp } from './time.ts';
import { DYN, formatType, type CelType } from './type.ts';
import { isError } from './value.ts';

const READABLE: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseDurationNanos(text) !== undefined,
  timestamp: (text) => parseTimestamp(text) !== undefined,
  matches: isRegex,
};

export function checkLiterals(expr: Expr, report: Report): void {
  if (expr.kind === 'call') checkArgument(expr, report);
  if (expr.kind === 'list') {
    const types = expr.elements.map((element, index) => ({ at: element.at, type: expr.optionals.has(index) ? inner(element.type) : (element.type ?? DYN) }));
    checkAlike(types, report);
  }
  if (expr.kind === 'map') {
    checkAlike(expr.entries.map(({ key }) => ({ at: key.at, type: key.type ?? DYN })), report);
    checkAlike(expr.entries.map(({ value, optional }) => ({ at: value.at, type: optional ? inner(value.type) : (value.type ?? DYN) })), report);
  }
  for (const child of childrenOf(expr)) checkLiterals(child, report);
}

/** What makes cel-go refuse the program of a correct expression: a conversion of a literal that fails. */
export function programProblem(expr: Expr): string | undefined {
  const folded = foldConversion(expr);
  if (folded !== undefined && isError(folded)) return folded.message;
  const pattern = expr.kind === 'call' && (expr.name === 'find' || expr.name === 'findAll') ? expr.args[0] : undefined;
  if (pattern?.kind === 'literal' && typeof pattern.value === 'string') {
    const problem = regexProblem(pattern.value);
    if (problem !== undefined) return problem;
  }
  for (const child of childrenOf(expr)) {
    const problem = programProblem(child);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkArgument(expr: Expr & { kind: 'call' }, report: Report): void {
  const [argument] = expr.args;
  if (argument?.kind !== 'literal' || typeof argument.value !== 'string' || !Object.hasOwn(READABLE, expr.name)) return;
  if (READABLE[expr.name]?.(argument.value) === false) report(argument.at, `invalid ${expr.name} argument`);
}

function isRegex(pattern: string): boolean {
  return regexProblem(pattern) === undefined;
}

function regexProblem(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof EvaluationError) return error.message;
    throw error;
  }
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
