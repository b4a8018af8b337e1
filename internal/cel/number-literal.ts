// Numbers as they are written in an expression: `1`, `0x1f`, `2u`, `-3`, `1.5e3`.
import type { TokenKind } from './lexer.ts';
import { Double, normalInt, Uint } from './scalar.ts';
import type { Value } from './value.ts';

/** `report` is told when there is no such number. */
export function numberValue(text: string, kind: TokenKind, report: (message: string) => void): Value {
  if (kind === 'float') {
    const value = Number(text);
    if (!Number.isFinite(value)) report('invalid double literal');
    return new Double(value);
  }
  const digits = kind === 'uint' ? text.slice(0, -1) : text;
  const value = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
  if (kind === 'uint') {
    if (value > 0xffff_ffff_ffff_ffffn) report('invalid uint literal');
    return new Uint(normalInt(value));
  }
  if (BigInt.asIntN(64, value) !== value) report('invalid int literal');
  return normalInt(value);
}
