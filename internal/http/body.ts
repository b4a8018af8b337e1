// Request bodies: read with a bound, decoded from JSON, YAML or protobuf, held to the schema as field validation asks.
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { isErrno, isReason, messageOf, StatusError } from '../base/errors.ts';
import { parseJson } from '../api/json.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import { decodeProtobuf } from '../api/protobuf.ts';
import type { DeleteOptions, Patch, PatchType } from '../api/request.ts';
import type { Schemas } from '../api/schema.ts';
import { checkShape } from '../api/shape.ts';
import { parseYaml } from '../api/yaml.ts';
import { checkObject, goType, untypedProblem, type Expected } from './field-validation.ts';
import { MEDIA_TYPES } from './negotiate.ts';

const BODY_MAX_BYTES = 3 * 1024 * 1024;

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

const CUSTOM_PATCHES = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';

export interface Body {
  bytes: Buffer;
  contentType: string;
}

/** StatusError RequestEntityTooLarge before more than the bound is held. */
export async function readBody(stream: Readable, headers: { 'content-type'?: string | undefined; 'content-length'?: string | undefined; 'content-encoding'?: unknown }, maxBytes = BODY_MAX_BYTES): Promise<Body> {
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  const bytes = headers['content-encoding'] === 'gzip' && length > 0 ? unpacked(whole, maxBytes) : whole;
  return { bytes, contentType: mediaType(headers['content-type'] ?? '') };
}

/** Without its parameters, as it is written: patches are told apart by the letter. Where the parameters are none, the whole, which no type is called. */
function mediaType(given: string): string {
  const [type = '', ...parameters] = given.split(';').map((part) => part.trim());
  const wrong = (type === '' && parameters.length > 0) || parameters.some((parameter, index) => !/^[^\s=]+=./.test(parameter) && !(parameter === '' && index === parameters.length - 1));
  return wrong ? given : type;
}

function unpacked(bytes: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (isErrno(error, 'ERR_BUFFER_TOO_LARGE')) throw tooLarge(maxBytes);
    throw new StatusError('BadRequest', `the body is not gzip as its header says: ${messageOf(error)}`, { cause: error });
  }
}

function tooLarge(maxBytes: number): StatusError {
  return new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${String(maxBytes)}`);
}

/** The object of a create or update. */
export function decodeObject(body: Body, expected: Expected, schemas: Schemas): KubeObject {
  const duplicates: string[] = [];
  const object = recognized(body, expected.kind, () => decode(body, { schemas, custom: expected.custom !== undefined }, (problem) => duplicates.push(problem)));
  object.apiVersion ||= apiVersionOf(expected.group, expected.version);
  object.kind ||= expected.kind;
  object.metadata ??= {} as KubeObject['metadata'];
  const isJson = ['', 'application/json'].includes(body.contentType.toLowerCase());
  checkObject(object, expected, { duplicates, schemas, ...(isJson && { source: body.bytes }) });
  return object;
}

/** An object that says which kind it is, or nothing at all (`null`), which is of the expected kind. */
function recognized(body: Body, kind: string, read: () => unknown): KubeObject {
  const unrecognized = (why: string, cause?: unknown): StatusError => new StatusError('BadRequest', `the object provided is unrecognized (must be of type ${kind}): ${why} (${excerpt(body.bytes)})`, { cause });
  let value: unknown;
  try {
    value = read() ?? {};
  } catch (error) {
    if (isReason(error, 'UnsupportedMediaType')) throw error;
    throw unrecognized(/json$/i.test(body.contentType) || body.contentType === '' ? `couldn't get version/kind; json parse error: ${messageOf(error)}` : messageOf(error), error);
  }
  const object = value as KubeObject;
  if (typeof value !== 'object' || Array.isArray(value)) throw unrecognized(`couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`);
  const untyped = untypedProblem(object);
  if (untyped !== undefined) throw unrecognized(untyped);
  if (object.apiVersion?.split('/').length > 2) throw unrecognized(`unexpected GroupVersion string: ${object.apiVersion}`);
  return object;
}

const EXCERPT_MAX = 30;
const OPENING = 0x7b;

/** The body's beginning in an error: as text when it could be JSON, else in hex. */
function excerpt(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const shown = bytes.subarray(0, EXCERPT_MAX).toString(bytes[0] === OPENING ? 'utf8' : 'hex');
  return bytes.length > EXCERPT_MAX ? `${shown} ...` : shown;
}

export function decodePatch(body: Body, { custom }: { custom?: unknown } = {}): Patch {
  const type = PATCH_TYPES[body.contentType];
  if (custom !== undefined && (type === undefined || type === 'strategic')) throw new StatusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${CUSTOM_PATCHES}`);
  if (type === undefined) {
    throw new StatusError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} }); // the router's answer, not the codec's
  }
  const duplicates: string[] = [];
  const text = body.bytes.toString();
  try {
    if (type === 'apply') return { type, body: parseYaml(text, { onDuplicate: (problem) => duplicates.push(`error converting YAML to JSON: ${problem}`) }), duplicates };
    return { type, body: parseJson(text, (path) => duplicates.push(`${type === 'json' ? 'json patch ' : ''}duplicate field "${path}"`)), duplicates };
  } catch (error) {
    throw new StatusError('BadRequest', type === 'apply' ? `error decoding YAML: error converting YAML to JSON: ${messageOf(error)}` : type === 'strategic' ? messageOf(error) : `error decoding patch: ${messageOf(error)}`, { cause: error });
  }
}

/** DeleteOptions from the body win over the query's, as upstream. */
export function decodeDeleteOptions(body: Body, schemas: Schemas): DeleteOptions | undefined {
  if (body.bytes.length === 0) return undefined;
  let read: DeleteOptions & { apiVersion?: string; kind?: string };
  try {
    read = (decode(body, { schemas }, () => {}) ?? {}) as typeof read;
  } catch (error) {
    if (isReason(error, 'UnsupportedMediaType')) throw error;
    throw new StatusError('BadRequest', `couldn't get version/kind; json parse error: ${messageOf(error)}`, { cause: error });
  }
  const { apiVersion = 'v1', kind = 'DeleteOptions', ...options } = read;
  if (kind !== 'DeleteOptions') throw new StatusError('BadRequest', `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
  const definition = schemas.byKind('', 'v1', 'DeleteOptions');
  const wrong = definition === undefined ? undefined : checkShape(definition, read, schemas).errors[0];
  if (wrong !== undefined) throw new StatusError('BadRequest', wrong.message);
  return options;
}

function decode({ bytes, contentType }: Body, { schemas, custom = false }: { schemas: Schemas; custom?: boolean }, onDuplicate: (problem: string) => void): unknown {
  switch (contentType.toLowerCase()) {
    case '':
    case 'application/json':
      return parseJson(bytes, (path) => onDuplicate(`duplicate field "${path}"`));
    case 'application/yaml':
      return parseYaml(bytes.toString(), { onDuplicate });
    case 'application/vnd.kubernetes.protobuf':
      if (custom) throw new StatusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`);
      return decodeProtobuf(bytes, schemas);
    default:
      throw new StatusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${MEDIA_TYPES}`);
  }
}
