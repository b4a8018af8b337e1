// The grammar's tables: words that name nothing, operators and the functions they call, what may begin a value as ANTLR lists it.
import type { Expr } from './syntax.ts';

export const RESERVED = new Set([
  'as', 'break', 'const', 'continue', 'else', 'false', 'for', 'function', 'if', 'import', 'in', 'let', 'loop', 'package', 'namespace', 'null', 'return', 'true', 'var', 'void', 'while',
]);
export const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
export const OPERATORS: Readonly<Record<string, string>> = {
  '<': '_<_', '<=': '_<=_', '>=': '_>=_', '>': '_>_', '==': '_==_', '!=': '_!=_', in: '@in', '+': '_+_', '-': '_-_', '*': '_*_', '/': '_/_', '%': '_%_',
};

/** As ANTLR's messages list them. */
export const STARTERS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** What may begin a value, and more signs after one of them. */
export function withSigns(after: string, more: string): string {
  return STARTERS.replace(after, `${after}${more}`);
}

/** What may stand where the first element of a list or a map does. */
export function elementStarters(opening: string, closing: string): string {
  return withSigns(`'${opening}', `, `'${closing}', `).replace("'.', ", "'.', ',', ").replace("'!', ", "'!', '?', ");
}

/** A chain of && or || as a balanced tree: long rules stay shallow. */
export function balance(chain: { terms: readonly Expr[]; places: readonly number[]; name: string }, low: number, high: number): Expr {
  const middle = Math.floor((low + high + 1) / 2);
  const left = middle === low ? chain.terms[middle] : balance(chain, low, middle - 1);
  const right = middle === high ? chain.terms[middle + 1] : balance(chain, middle + 1, high);
  return { kind: 'call', name: chain.name, at: chain.places[middle] ?? 0, args: [left as Expr, right as Expr] };
}
