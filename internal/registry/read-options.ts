// What list and watch options may say together (upstream: apimachinery's internalversion/validation), and revisions read out of them.
import { StatusError } from '../base/errors.ts';
import { forbidden, invalidObject, notSupported, type FieldError } from '../api/field-error.ts';
import type { ReadOptions, WatchOptions } from './registry.ts';

const MATCH = 'resourceVersionMatch';
const UINT64_MAX = 2n ** 64n - 1n;

export function checkListOptions({ resourceVersion = '', resourceVersionMatch: match, continue: token = '', sendInitialEvents }: ReadOptions & Pick<WatchOptions, 'sendInitialEvents'>): void {
  refuse([...(match === undefined || (match as string) === '' ? [] : matchProblems(match, { resourceVersion, token })), ...(sendInitialEvents === undefined ? [] : [forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')])]);
}

function matchProblems(match: string, { resourceVersion, token }: { resourceVersion: string; token: string }): FieldError[] {
  const errors: FieldError[] = [];
  if (resourceVersion === '') errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (token !== '') errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && resourceVersion === '0') errors.push(forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

export function checkWatchOptions({ resourceVersionMatch: match, continue: token = '', sendInitialEvents }: WatchOptions): void {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') errors.push(forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (match !== undefined && (match as string) !== '') {
    if (sendInitialEvents === undefined) errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    if (match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
    if (token !== '') errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
  }
  refuse(errors);
}

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}

/** A resourceVersion as a number; '' and '0' give 0. */
export function parseRevision(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,20}$/.test(text)) {
    throw new StatusError('BadRequest', `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  if (BigInt(text) > UINT64_MAX) throw new StatusError('BadRequest', `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}

/** What a client gets that is ahead of us (it talked to another server, or to this one before a restore). */
export function tooLargeRevision(wanted: number, current: number): StatusError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new StatusError('Timeout', `Timeout: Too large resource version: ${String(wanted)}, current: ${String(current)}`, { details: { retryAfterSeconds: 1, causes } });
}
