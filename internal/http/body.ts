// Request bodies: read with a bound, decoded from JSON, YAML or protobuf, held to the schema as field validation asks.
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { messageOf, StatusError } from '../base/errors.ts';
import { parseJson } from '../api/json.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import { decodeProtobuf } from '../api/protobuf.ts';
import type { DeleteOptions, Patch, PatchType } from '../api/request.ts';
import type { Schemas } from '../api/schema.ts';
import { parseYaml } from '../api/yaml.ts';
import { checkObject, type Expected } from './field-validation.ts';

export const BODY_MAX_BYTES = 3 * 1024 * 1024;

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};
const NAMES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

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
  const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(whole, { maxOutputLength: maxBytes }) : whole;
  return { bytes, contentType: (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '' };
}

function tooLarge(maxBytes: number): StatusError {
  return new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${String(maxBytes)}`);
}

/** The object of a create or update. */
export function decodeObject(body: Body, expected: Expected, schemas: Schemas): KubeObject {
  const duplicates: string[] = [];
  const value = decode(body, schemas, (path) => duplicates.push(path));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StatusError('BadRequest', `the object provided is unrecognized (must be of type ${expected.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (${body.bytes.subarray(0, 64).toString('hex')})`);
  }
  const object = value as KubeObject;
  object.apiVersion ||= apiVersionOf(expected.group, expected.version);
  object.kind ||= expected.kind;
  object.metadata ??= {} as KubeObject['metadata'];
  checkObject(object, expected, { duplicates, schemas });
  return object;
}

export function decodePatch(body: Body): { patch: Patch; duplicates: string[] } {
  const type = PATCH_TYPES[body.contentType];
  if (type === undefined) {
    throw new StatusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${Object.keys(PATCH_TYPES).join(', ')}, application/apply-patch+cbor`);
  }
  const duplicates: string[] = [];
  const text = body.bytes.toString();
  try {
    return { patch: { type, body: type === 'apply' ? parseYaml(text, { onDuplicate: (path) => duplicates.push(path) }) : parseJson(text, (path) => duplicates.push(path)) }, duplicates };
  } catch (error) {
    throw new StatusError('BadRequest', type === 'apply' ? `error decoding YAML: ${messageOf(error)}` : messageOf(error), { cause: error });
  }
}

/** DeleteOptions from the body win over the query's, as upstream. */
export function decodeDeleteOptions(body: Body, schemas: Schemas): DeleteOptions | undefined {
  if (body.bytes.length === 0) return undefined;
  const { apiVersion: _version, kind: _kind, ...options } = decode(body, schemas, () => {}) as KubeObject & DeleteOptions;
  return options;
}

function decode({ bytes, contentType }: Body, schemas: Schemas, onDuplicate: (path: string) => void): unknown {
  switch (contentType) {
    case '':
    case 'application/json':
      return parseJson(bytes, onDuplicate);
    case 'application/yaml':
      return parseYaml(bytes.toString(), { onDuplicate });
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(bytes, schemas);
    default:
      throw new StatusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${NAMES}`);
  }
}

function goType(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'bool' : typeof value;
}
