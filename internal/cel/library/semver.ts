// Semantic versions: strict by semver.org, or normalized (a leading v, short versions, leading zeros). Build metadata does not compare.
import { EvaluationError } from '../cel-error.ts';
import { UINT_MAX } from '../scalar.ts';
import { OpaqueValue, type Value } from '../value.ts';

export class SemverValue extends OpaqueValue {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  readonly pre: readonly (string | bigint)[];

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly (string | bigint)[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }

  equals(other: Value): boolean {
    return other instanceof SemverValue && compareSemver(this, other) === 0;
  }
}

/** Throws EvaluationError with the words of the library upstream uses. */
export function parseSemver(text: string, normalize: boolean): SemverValue {
  const source = normalize ? normalized(text) : text;
  if (source === '') throw new EvaluationError('Version string empty');
  const parts = source.split('.');
  if (parts.length < 3) throw new EvaluationError('No Major.Minor.Patch elements found');
  const rest = parts.slice(2).join('.');
  const [, patch = '', pre, build] = /^([^-+]*)(?:-([^+]*))?(?:\+(.*))?$/s.exec(rest) ?? [];
  const numbers = [numberIn(parts[0] ?? '', 'major'), numberIn(parts[1] ?? '', 'minor'), numberIn(patch, 'patch')] as const;
  for (const part of build?.split('.') ?? []) {
    if (part === '') throw new EvaluationError('Build meta data is empty');
    if (!/^[0-9A-Za-z-]+$/.test(part)) throw new EvaluationError(`Invalid character(s) found in build meta data ${JSON.stringify(part)}`);
  }
  return new SemverValue(numbers, pre?.split('.').map(prereleasePart) ?? []);
}

/** -1, 0 or 1; a pre-release is before its release. */
export function compareSemver(a: SemverValue, b: SemverValue): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number > other ? 1 : -1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (const [index, part] of a.pre.entries()) {
    const other = b.pre[index];
    if (other === undefined) return 1;
    const order = comparePart(part, other);
    if (order !== 0) return order;
  }
  return a.pre.length < b.pre.length ? -1 : 0;
}

function comparePart(a: string | bigint, b: string | bigint): number {
  if (typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1;
  return a === b ? 0 : a > b ? 1 : -1;
}

function numberIn(text: string, name: string): bigint {
  if (!/^\d+$/.test(text)) throw new EvaluationError(text === '' ? 'strconv.ParseUint: parsing "": invalid syntax' : `Invalid character(s) found in ${name} number ${JSON.stringify(text)}`);
  if (text.length > 1 && text.startsWith('0')) throw new EvaluationError(`${name === 'major' ? 'Major' : name === 'minor' ? 'Minor' : 'Patch'} number must not contain leading zeroes ${JSON.stringify(text)}`);
  const value = BigInt(text);
  if (value > UINT_MAX) throw new EvaluationError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

function prereleasePart(part: string): string | bigint {
  if (part === '') throw new EvaluationError('Prerelease is empty');
  if (/^\d+$/.test(part)) {
    if (part.length > 1 && part.startsWith('0')) throw new EvaluationError(`Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`);
    return BigInt(part);
  }
  if (!/^[0-9A-Za-z-]+$/.test(part)) throw new EvaluationError(`Invalid character(s) found in prerelease ${JSON.stringify(part)}`);
  return part;
}

function normalized(text: string): string {
  const [major = '', minor, ...patch] = text.replace(/^v/, '').split('.');
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(patch.length === 0 ? [] : [patch.join('.')])].map((part) => {
    if (part.length <= 1) return part;
    const trimmed = part.replace(/^0+/, '');
    return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
  });
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) throw new EvaluationError('short version cannot contain PreRelease/Build meta data');
  return [...parts, '0', '0'].slice(0, 3).join('.');
}
