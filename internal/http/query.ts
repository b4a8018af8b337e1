// Query parameters of every verb, decoded to RequestOptions. What cannot be read is BadRequest and names the value, as upstream's.
import { INT64_MAX, INT64_MIN } from '../api/large-integers.ts';
import { StatusError } from '../base/errors.ts';
import { invalid, invalidObject, notSupported } from '../api/field-error.ts';
import type { DeleteOptions, RequestOptions } from '../api/request.ts';

const TEXTS = ['resourceVersion', 'resourceVersionMatch', 'labelSelector', 'fieldSelector', 'continue', 'fieldManager'] as const;
const NUMBERS = ['limit', 'timeoutSeconds'] as const;
const FLAGS = ['allowWatchBookmarks', 'sendInitialEvents', 'force'] as const;
const LISTING: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);
const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
const MANAGER_MAX = 128;

export function requestOptions(query: URLSearchParams | undefined, verb: string): RequestOptions {
  const options: Record<string, unknown> = {};
  if (query === undefined) return options;
  for (const name of TEXTS) if (query.has(name)) options[name] = query.get(name);
  // What is no option of the verb is not read, and so never wrong.
  if (LISTING.has(verb)) for (const name of NUMBERS) if (query.has(name)) options[name] = integer(query.get(name) ?? '');
  for (const name of FLAGS) if (query.has(name)) options[name] = flag(query.get(name) ?? '');
  if (verb === 'watch') setWatchDefaults(options);
  if (READING.has(verb)) return options;
  if (query.has('dryRun')) options['dryRun'] = dryRun(query.getAll('dryRun'), verb);
  if (query.has('fieldValidation')) options['fieldValidation'] = fieldValidation(query.get('fieldValidation') ?? '', verb);
  if (verb === 'delete' || verb === 'deletecollection') options['delete'] = deleteOptions(query);
  checkManager(options as RequestOptions, verb);
  return options;
}

/** A watch from any version begins with what is there, and says when that was all (upstream: metav1.SetListOptionsDefaults). */
function setWatchDefaults(options: RequestOptions & Record<string, unknown>): void {
  const fromAny = options.resourceVersion === undefined || options.resourceVersion === '' || options.resourceVersion === '0';
  if (!fromAny || options['sendInitialEvents'] !== undefined || (options['resourceVersionMatch'] ?? '') !== '') return;
  options['sendInitialEvents'] = true;
  options['resourceVersionMatch'] = 'NotOlderThan';
}

function deleteOptions(query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  const dry = query.getAll('dryRun');
  return {
    ...(grace !== null && { gracePeriodSeconds: integer(grace) }),
    ...(policy !== null && { propagationPolicy: policy as 'Orphan' }),
    ...(orphan !== null && { orphanDependents: flag(orphan) }),
    ...(dry.length > 0 && { dryRun: dry }),
  };
}

function integer(text: string): number {
  if (/^[-+]?\d+$/.test(text)) {
    const value = BigInt(text.replace(/^\+/, ''));
    if (value < INT64_MIN || value > INT64_MAX) throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
    return Number(value);
  }
  throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** As Go's query conversion: everything but false and 0 is true. */
function flag(text: string): boolean {
  return !['false', '0'].includes(text.toLowerCase());
}

function dryRun(values: string[], verb: string): boolean {
  const wrong = values.filter((value) => value !== 'All');
  if (wrong.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: optionsKind(verb) }, '', [notSupported('dryRun', values, ['All'])]);
  return true;
}

function fieldValidation(value: string, verb: string): string | undefined {
  if (value === '') return undefined;
  if (['Ignore', 'Warn', 'Strict'].includes(value)) return value;
  throw invalidObject({ group: 'meta.k8s.io', kind: optionsKind(verb) }, '', [notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn'])]);
}

function checkManager({ fieldManager = '' }: RequestOptions, verb: string): void {
  const kind = { group: 'meta.k8s.io', kind: optionsKind(verb) };
  if (fieldManager.length > MANAGER_MAX) throw invalidObject(kind, '', [{ type: 'TooLong', field: 'fieldManager', detail: `may not be more than ${String(MANAGER_MAX)} bytes` }]);
  Array.from(fieldManager).forEach((letter, position) => {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(letter)) throw invalidObject(kind, '', [invalid('fieldManager', fieldManager, `invalid character U+${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? ''} (at position ${String(position)})`)]);
  });
}

function optionsKind(verb: string): string {
  return verb === 'create' ? 'CreateOptions' : verb === 'update' ? 'UpdateOptions' : verb === 'patch' ? 'PatchOptions' : 'DeleteOptions';
}
