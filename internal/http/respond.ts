// The one exit of the HTTP side: answers in the form that was negotiated, errors as Status, warnings and the audit id as headers.
import { pipeline, Readable } from 'node:stream';
import { createGzip, gzip } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { isReason, messageOf, StatusError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { answerForms } from '../api/answer-forms.ts';
import { encodeProtobuf } from '../api/protobuf.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ObjectList } from '../api/request.ts';
import type { Schemas } from '../api/schema.ts';
import { formatYaml } from '../api/yaml.ts';
import type { Form } from './negotiate.ts';
import { listBytes, listPieces, objectBytes, tableBytes, type Table } from './object-bytes.ts';
import { warningHeaders } from './warnings.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

const GZIP_FROM_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);

const TYPES: Readonly<Record<Form['format'], string>> = { json: 'application/json', yaml: 'application/yaml', protobuf: 'application/vnd.kubernetes.protobuf' };

export interface Payload {
  code: number;
  contentType: string;
  bytes: Buffer;
  /** Instead of bytes: made as they are sent. */
  pieces?: Iterable<Buffer>;
  headers?: Readonly<Record<string, string>>;
}

/** An object, list or Status in the wanted form. */
export function payload(code: number, answer: unknown, { form, schemas }: { form: Form; schemas: Schemas }): Payload {
  const contentType = TYPES[form.format];
  const body = form.format !== 'json' && isTable(answer) ? { ...answer, rows: [...answer.rows] } : answer;
  if (form.format === 'yaml') return { code, contentType, bytes: Buffer.from(formatYaml(body)) };
  if (form.format === 'protobuf') return { code, contentType, bytes: Buffer.from(encodeProtobuf(body as KubeObject, answerForms(schemas))) };
  if (form.pretty) return { code, contentType, bytes: Buffer.from(`${JSON.stringify(body, undefined, 2)}\n`) };
  const pieces = isList(body) ? listPieces(body) : undefined;
  if (pieces !== undefined) return { code, contentType, bytes: NOTHING, pieces };
  return { code, contentType, bytes: isList(body) ? listBytes(body) : isTable(body) ? tableBytes(body) : objectBytes(body as object) };
}

function isList(body: unknown): body is ObjectList {
  const { kind, items } = body as { kind?: string; items?: unknown };
  return Array.isArray(items) && kind !== undefined && kind.endsWith('List');
}

function isTable(body: unknown): body is Table {
  const { kind, apiVersion, rows } = body as { kind?: string; apiVersion?: string; rows?: unknown };
  return kind === 'Table' && apiVersion?.startsWith('meta.k8s.io/') === true && typeof rows === 'object' && rows !== null && Symbol.iterator in rows; // custom kinds may have that name
}

export function textPayload(code: number, text: string, contentType = 'text/plain; charset=utf-8', headers: Payload['headers'] = {}): Payload {
  return { code, contentType, bytes: Buffer.from(text), headers: { 'x-content-type-options': 'nosniff', ...headers } };
}

/** Upstream's generic answers to a request, which name no object, have details all the same. */
const NAMELESS: ReadonlySet<string> = new Set(['NotFound', 'MethodNotAllowed']);

/** What is wrong, as metav1.Status: every thrown thing becomes one. */
export function statusOf(thrown: unknown): { code: number; status: object; retryAfterSeconds: number | undefined } {
  const error = thrown instanceof StatusError ? thrown : new StatusError('InternalError', `Internal error occurred: ${messageOf(thrown)}`, { details: { causes: [{ message: messageOf(thrown) }] }, cause: thrown });
  const { code, reason, message, shownReason } = error;
  const details = error.details ?? (NAMELESS.has(reason) ? {} : undefined);
  const metadata = error.continue === undefined ? {} : { continue: error.continue };
  const status = { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message, ...(shownReason !== '' && { reason: shownReason }), ...(details !== undefined && { details }), code };
  return { code, status, retryAfterSeconds: details?.retryAfterSeconds };
}

/** In JSON, unless the client takes another form only. */
export function errorPayload(thrown: unknown, log: Log, wanted?: { form: Form; schemas: Schemas }): Payload {
  const { code, status, retryAfterSeconds } = statusOf(thrown);
  if (code >= 500 && !isReason(thrown, 'ServiceUnavailable', 'Timeout')) log.warn('request failed', { error: thrown, cause: thrown instanceof Error && thrown.stack !== undefined && !(thrown instanceof StatusError) ? thrown.stack : undefined });
  const answer = wanted === undefined || (wanted.form.format === 'json' && !wanted.form.pretty) ? { code, contentType: 'application/json', bytes: Buffer.from(`${JSON.stringify(status)}\n`) } : payload(code, status, wanted);
  return { ...answer, ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': String(retryAfterSeconds) } }) };
}

/** Headers that every answer has. Call before the first byte. */
export function setCommonHeaders(response: HttpResponse, { auditId, warnings }: { auditId: string; warnings: readonly string[] }): void {
  response.setHeader('Audit-Id', auditId);
  response.setHeader('Cache-Control', 'no-cache, private');
  const headers = warnings.length === 0 ? [] : warningHeaders(warnings);
  if (headers.length > 0) response.setHeader('Warning', headers);
}

export function send(request: HttpRequest, response: HttpResponse, { code, contentType, bytes, pieces, headers = {} }: Payload): void {
  if (response.headersSent || response.writableEnded) return;
  response.statusCode = code;
  if (contentType !== '') response.setHeader('Content-Type', contentType);
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  if (pieces !== undefined) return sendPieces(request, response, pieces);
  if (headers['content-encoding'] !== undefined || bytes.length < GZIP_FROM_BYTES || !takesGzip(request.headers['accept-encoding'])) return end(request, response, bytes);
  response.setHeader('Vary', 'Accept-Encoding');
  gzip(bytes, { level: 1 }, (error, packed) => {
    if (error !== null) return end(request, response, bytes);
    response.setHeader('Content-Encoding', 'gzip');
    end(request, response, packed);
  });
}

/** `gzip;q=0` says that it is not taken. */
export function takesGzip(acceptEncoding: string | readonly string[] | undefined): boolean {
  return String(acceptEncoding ?? '').split(',').some((clause) => /^\s*gzip\s*(;(?!\s*q=0(\.0*)?\s*$)|$)/.test(clause));
}

/** As fast as the client takes them. Who goes away in the middle is not missed. */
function sendPieces(request: HttpRequest, response: HttpResponse, pieces: Iterable<Buffer>): void {
  const [source, target] = [Readable.from(pieces), response as ServerResponse];
  response.setHeader('Vary', 'Accept-Encoding');
  if (request.method === 'HEAD') return void target.end();
  if (!takesGzip(request.headers['accept-encoding'])) return void pipeline(source, target, () => {});
  response.setHeader('Content-Encoding', 'gzip');
  pipeline(source, createGzip({ level: 1 }), target, () => {});
}

function end(request: HttpRequest, response: HttpResponse, bytes: Buffer): void {
  if (response.writableEnded) return;
  if (response.statusCode !== 304) response.setHeader('Content-Length', bytes.length);
  if (request.method === 'HEAD' || response.statusCode === 304) (response as ServerResponse).end();
  else (response as ServerResponse).end(bytes);
}
