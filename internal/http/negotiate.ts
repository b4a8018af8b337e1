// Which form the answer takes, from Accept: JSON (always possible, sent as exactly `application/json`), YAML, protobuf for those that take
// nothing else, and Table or PartialObjectMetadata by the `as` parameter. The first that can be served wins, as upstream.
import { StatusError } from '../base/errors.ts';

export interface Form {
  format: 'json' | 'yaml' | 'protobuf';
  /** Set when the client asks for another kind of answer than the object. */
  as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Of meta.k8s.io, for `as`. */
  version: string;
  /** What people read: indented JSON. */
  pretty: boolean;
}

/** What the request says of it besides Accept. */
export interface Reader {
  query: URLSearchParams | undefined;
  userAgent: string | undefined;
}

interface Accepted {
  type: string;
  params: Readonly<Record<string, string>>;
  quality: number;
}

const PLAIN: Form = { format: 'json', version: '', pretty: false };
const PRETTY: Form = { ...PLAIN, pretty: true };
export const TYPES: Readonly<Record<string, Form['format']>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
  'application/*': 'json',
  '*/*': 'json',
};
const STREAMED = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';
/** The forms of objects, as errors list them. */
export const MEDIA_TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/**
 * `protobuf`: whether the resource has such a form (custom ones have none); `routed`: whether a router looks first, which has words of its own. `verb`: `watch` has no YAML; where a watch is served too, the answer to who takes nothing
 * names its types. `allows`: which of Table and PartialObjectMetadata the resource has. StatusError NotAcceptable.
 */
export function negotiate(accept: string | undefined, { protobuf: hasProtobuf, routed = hasProtobuf, pretty = false, verb = '' }: { protobuf: boolean; routed?: boolean; pretty?: boolean; verb?: string }, allows: (as: string) => boolean): Form {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return pretty ? PRETTY : PLAIN;
  const streamed = verb === 'watch';
  if (routed) checkRouted(accept, streamed || verb === 'list' ? `${MEDIA_TYPES}, ${STREAMED}` : MEDIA_TYPES);
  let protobuf: Form | undefined;
  let refused = false;
  for (const { type, params } of parseAccept(accept)) {
    const format = TYPES[type];
    const as = params['as'];
    // The metadata of any object has such a form, a Table of none.
    const isRefused = format === 'protobuf' && ((!hasProtobuf && as === undefined) || as === 'Table');
    refused ||= isRefused;
    if (format === undefined || isRefused || !isServed(format, params)) continue;
    if (format === 'yaml' && streamed) continue;
    if ((as ?? params['g'] ?? params['v']) !== undefined && (as === undefined || !isTransform(as, params) || !allows(as))) continue;
    const form: Form = { format, version: params['v'] ?? 'v1', pretty: pretty || params['pretty'] === '1', ...(as !== undefined && { as: as as 'Table' }) };
    if (format !== 'protobuf') return form;
    // JSON costs a client of ours nothing, and protobuf would be a second set of bytes to make: only where nothing else is taken.
    protobuf ??= form;
  }
  if (protobuf !== undefined) return protobuf;
  if (streamed && !refused) throw new StatusError('NotAcceptable', `only the following media types are accepted: ${STREAMED}`);
  throw notAcceptable();
}

/** Where no codec can make any of what is taken. */
export function notAcceptable(): StatusError {
  return new StatusError('NotAcceptable', `only the following media types are accepted: ${MEDIA_TYPES}`);
}

/** What the router of upstream asks before anything else: that one type at least is there by its name. StatusError NotAcceptable. */
export function checkRouted(accept: string, available = MEDIA_TYPES): void {
  const names = available.split(', ').map((type) => type.replace(/;.*/, ''));
  const isThere = accept.split(',').map((clause) => clause.replace(/;.*/s, '').trim()).some((type) => type === '*/*' || names.includes(type));
  if (!isThere) throw new StatusError('NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${available}`, { details: {} });
}

/** The form of an error: never a Table, and JSON where nothing that is taken can be made. */
export function negotiateError(accept: string | undefined, pretty: boolean): Form {
  try {
    return negotiate(accept, { protobuf: true, pretty }, () => false);
  } catch {
    return pretty ? PRETTY : PLAIN;
  }
}

/** `pretty` of the query decides; without it the programs with which people read, as upstream. */
export function isPretty({ query, userAgent = '' }: Reader): boolean {
  const asked = query?.get('pretty') ?? '';
  return asked === '' ? /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent) : ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(asked);
}

/** As upstream reads it (goautoneg): by weight, and what is named before what is a wildcard, whatever they weigh. */
export function parseAccept(accept: string): Accepted[] {
  const clauses = accept.split(',').map(parseClause).filter((clause) => clause !== undefined);
  // That order is none (a wildcard of more weight stands before and after a name), so what comes out is upstream's by its steps alone.
  for (let next = 1; next < clauses.length; next++) {
    for (let at = next; at > 0 && precedes(clauses[at] as Accepted, clauses[at - 1] as Accepted); at--) [clauses[at - 1], clauses[at]] = [clauses[at] as Accepted, clauses[at - 1] as Accepted];
  }
  return clauses;
}

function parseClause(text: string): Accepted | undefined {
  const [name = '', ...rest] = text.split(';');
  const type = name.trim() === '*' ? '*/*' : name.split('/').map((part) => part.trim()).join('/');
  if (!/^[^/]*\/[^/]+$/.test(type)) return undefined;
  const params = Object.fromEntries(rest.map((param) => param.split('=')).filter(({ length }) => length === 2).map(([key = '', value = '']) => [key.trim(), value.trim()]).filter(([, value]) => value !== ''));
  const quality = params['q'] === undefined ? 1 : Number(params['q']);
  return { type, params, quality: Number.isNaN(quality) ? 0 : quality };
}

function precedes(one: Accepted, other: Accepted): boolean {
  if (one.quality > other.quality) return true;
  const [[main, sub], [otherMain, otherSub]] = [one.type.split('/'), other.type.split('/')];
  return (main !== '*' && otherMain === '*') || (sub !== '*' && otherSub === '*');
}

/** No version of the server's, and streams but of events, nor of YAML. */
export function isServed(format: Form['format'], { stream, sv }: Readonly<Record<string, string>>): boolean {
  return sv === undefined && (stream === undefined || (stream === 'watch' && format !== 'yaml'));
}

function isTransform(as: string, params: Readonly<Record<string, string>>): boolean {
  return params['g'] === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(params['v'] ?? '') && ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'].includes(as);
}
