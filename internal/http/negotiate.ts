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
  '*/*': 'json',
};
const STREAMED = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';
const NAMES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/**
 * `protobuf`: whether the resource has such a form (custom ones have none). `verb`: `watch` has no YAML; where a watch is served too, the answer to who takes nothing
 * names its types. `allows`: which of Table and PartialObjectMetadata the resource has. StatusError NotAcceptable.
 */
export function negotiate(accept: string | undefined, { protobuf: hasProtobuf, pretty = false, verb = '' }: { protobuf: boolean; pretty?: boolean; verb?: string }, allows: (as: string) => boolean): Form {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return pretty ? PRETTY : PLAIN;
  const streamed = verb === 'watch';
  let protobuf: Form | undefined;
  let known = false;
  let refused = false;
  for (const { type, params } of parseAccept(accept)) {
    const format = TYPES[type];
    const as = params['as'];
    // The metadata of any object has such a form, a Table of none.
    const isRefused = format === 'protobuf' && ((!hasProtobuf && as === undefined) || as === 'Table');
    refused ||= isRefused;
    known ||= format !== undefined;
    if (format === undefined || isRefused) continue;
    if (format === 'yaml' && streamed) continue;
    if ((as ?? params['g'] ?? params['v']) !== undefined && (as === undefined || !isTransform(as, params) || !allows(as))) continue;
    const form: Form = { format, version: params['v'] ?? 'v1', pretty: pretty || params['pretty'] === '1', ...(as !== undefined && { as: as as 'Table' }) };
    if (format !== 'protobuf') return form;
    // JSON costs a client of ours nothing, and protobuf would be a second set of bytes to make: only where nothing else is taken.
    protobuf ??= form;
  }
  if (protobuf !== undefined) return protobuf;
  // Where no type is known the router answers, where none of them can be made the codec does: two texts upstream.
  if (!known && hasProtobuf) throw new StatusError('NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${NAMES}${streamed || verb === 'list' ? `, ${STREAMED}` : ''}`, { details: {} });
  if (streamed && !refused) throw new StatusError('NotAcceptable', `only the following media types are accepted: ${STREAMED}`);
  throw new StatusError('NotAcceptable', `only the following media types are accepted: ${NAMES}`);
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

export function parseAccept(accept: string): Accepted[] {
  return accept
    .split(',')
    .map((clause) => {
      const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
      const params = Object.fromEntries(rest.map((param) => [param.slice(0, param.indexOf('=')), param.slice(param.indexOf('=') + 1).replace(/^"|"$/g, '')]));
      return { type, params, quality: Number(params['q'] ?? 1) };
    })
    .sort((a, b) => b.quality - a.quality);
}

function isTransform(as: string, params: Readonly<Record<string, string>>): boolean {
  return params['g'] === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(params['v'] ?? '') && ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'].includes(as);
}
