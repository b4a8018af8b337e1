// OpenAPI as upstream's handlers serve it: v2 whole, in JSON or the protobuf form of old clients; v3 as an index of documents. Every document has a digest,
// made of what it is made of, so that a client that has it already (ETag, `?hash=`) is told so without the document being built. What was built is kept
// for a minute, compressed, as clients come in bursts; then an idle server holds nothing of it.
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createGzip, gunzip, gzip } from 'node:zlib';
import type { Clock, Timer } from '../base/clock.ts';
import { documentName, openApiV2Members, openApiV3, openApiV3Names, type OpenApiOptions, type V2Member } from '../api/openapi.ts';
import { createOpenApiEncoder, encodeOpenApi } from '../api/openapi-protobuf.ts';
import type { Words } from '../api/openapi-words.ts';
import type { Schemas } from '../api/schema.ts';
import type { Kinds } from '../kinds/index.ts';
import type { RemoteDocuments, RemoteSpec } from './aggregation/documents.ts';
import { withRemoteSpecs } from './aggregation/openapi.ts';
import { parseAccept } from './negotiate.ts';
import { takesGzip, type Payload } from './respond.ts';
import type { VersionInfo } from './version-info.ts';

/** The prose of documents, loaded for each that is built. */
export interface WordsSource {
  digest(): string;
  load(): Words;
}

export interface OpenApiServerOptions {
  kinds: Kinds;
  schemas: Schemas;
  /** What /version says, and what tells this build from others of the same version. */
  version: Pick<VersionInfo, 'gitVersion' | 'build'>;
  words?: WordsSource;
  /** What aggregated servers publish. */
  remotes?: RemoteDocuments;
  clock: Clock;
}

export interface OpenApiServer {
  /** undefined: no such path. */
  serve(path: string, asking: { headers: IncomingHttpHeaders; query: URLSearchParams | undefined }): Promise<Payload | undefined>;
}

type Format = 'json' | 'protobuf';
interface Kept {
  gzipped: Promise<Buffer>;
  timer: Timer;
}

const KEPT_MS = 60_000;
const GZIP_LEVEL = 4;
const YEAR_MS = 365 * 86_400_000;
const [pack, unpack] = [promisify<Buffer, { level: number }, Buffer>(gzip), promisify<Buffer, Buffer>(gunzip)];
/** `@` is what clients ask with, `.` what is answered with. */
const PROTOBUF = { v2: /^com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf$/, v3: /^com\.github\.proto-openapi\.spec\.v3[.@]v1\.0\+protobuf$/ };

export function createOpenApiServer(options: OpenApiServerOptions): OpenApiServer {
  const { kinds, clock, remotes } = options;
  const digests = createDigests(options);
  const kept = new Map<string, Kept>();
  let changedAt = clock.now();
  kinds.onChange(() => {
    changedAt = clock.now();
    digests.forget();
    for (const { timer } of kept.values()) timer.cancel();
    kept.clear();
  });
  const source = (): OpenApiOptions => ({ schemas: options.schemas, resources: kinds.all(), version: shortVersion(options.version.gitVersion), ...(options.words !== undefined && { words: options.words.load() }) });
  const gzipped = (key: string, build: () => Promise<Buffer>): Promise<Buffer> => {
    const held = kept.get(key);
    held?.timer.cancel();
    const entry = { gzipped: held?.gzipped ?? build(), timer: clock.setTimer(KEPT_MS, () => kept.delete(key)) };
    kept.set(key, entry);
    // What failed is not kept.
    if (held === undefined) entry.gzipped.catch(() => kept.delete(key));
    return entry.gzipped;
  };
  const answer = async ({ name, digest, build, dialect }: Wanted, { headers, query }: Asking): Promise<Payload> => {
    const vary = dialect === 'v2' ? 'Accept-Encoding, Accept' : 'Accept';
    const format = formatOf(headers.accept, dialect);
    if (format === undefined) return { ...EMPTY, code: 406, headers: { vary } };
    const contentType = format === 'json' ? 'application/json' : `application/com.github.proto-openapi.spec.${dialect}.v1.0+protobuf`;
    const etag = `"${digest}"`;
    const wanted = dialect === 'v3' ? (query?.get('hash') ?? '') : '';
    if (wanted !== '' && wanted !== digest) return { ...EMPTY, code: 301, contentType, headers: { etag, vary, location: urlOf(name, digest) } };
    const common = { etag, vary, ...(wanted !== '' && { 'cache-control': 'public, immutable', 'expires': timeOf(clock.now() + YEAR_MS).replace('GMT', 'UTC') }) };
    if (matches(headers['if-none-match'], etag)) return { ...EMPTY, code: 304, headers: common };
    const packed = await gzipped(`${format} ${name} ${digest}`, () => build(format));
    const found = { ...common, 'last-modified': timeOf(changedAt) };
    if (!takesGzip(headers['accept-encoding'])) return { code: 200, contentType, bytes: await unpack(packed), headers: found };
    return { code: 200, contentType, bytes: packed, headers: { ...found, 'vary': 'Accept-Encoding, Accept', 'content-encoding': 'gzip' } };
  };
  return {
    async serve(path, asking) {
      if (path === '/openapi/v2') {
        const specs = (await remotes?.openApiV2()) ?? [];
        return answer({ name: 'v2', digest: digests.v2(specs), dialect: 'v2', build: (format) => packedV2(withRemoteSpecs(openApiV2Members(source()), specs), format) }, asking);
      }
      if (path === '/openapi/v3') {
        const own = Object.fromEntries(digests.names().map((name) => [name, { serverRelativeURL: urlOf(name, digests.of(name)) }]));
        return { code: 200, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(JSON.stringify({ paths: { ...own, ...(await remotes?.openApiV3()) } })), headers: { 'last-modified': timeOf(clock.now()) } };
      }
      if (!path.startsWith('/openapi/v3/')) return undefined;
      const name = path.slice('/openapi/v3/'.length);
      if (!digests.names().includes(name)) return { ...EMPTY, code: 404 };
      return answer({ name, digest: digests.of(name), dialect: 'v3', build: (format) => packed(openApiV3(name, source()) ?? {}, format, 'v3') }, asking);
    },
  };
}

interface Wanted {
  name: string;
  digest: string;
  dialect: 'v2' | 'v3';
  /** Compressed. */
  build(format: Format): Promise<Buffer>;
}
type Asking = Parameters<OpenApiServer['serve']>[1];

function packed(document: object, format: Format, dialect: 'v2' | 'v3'): Promise<Buffer> {
  return pack(format === 'json' ? Buffer.from(JSON.stringify(document)) : Buffer.from(encodeOpenApi(document, dialect)), { level: GZIP_LEVEL });
}

/** Megabytes: written member by member, and others are served between. */
function packedV2(members: Iterable<V2Member>, format: Format): Promise<Buffer> {
  const pieces = format === 'json' ? texts(members) : messages(members);
  return buffer(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }).pipe(createGzip({ level: GZIP_LEVEL })));
}

function* messages(members: Iterable<V2Member>): Generator<Uint8Array> {
  const encode = createOpenApiEncoder('v2');
  let [waiting, length]: [Uint8Array[], number] = [[], 0];
  for (const [section, name, value] of members) {
    const bytes = encode({ [section]: name === '' ? value : { [name]: value } });
    waiting.push(bytes);
    length += bytes.length;
    if (length < PIECE_SIZE) continue;
    yield Buffer.concat(waiting);
    [waiting, length] = [[], 0];
  }
  yield Buffer.concat(waiting);
}

const PIECE_SIZE = 32 * 1024;

function* texts(members: Iterable<V2Member>): Generator<string> {
  let text = '{';
  let [open, end] = ['', ''];
  for (const [section, name, value] of members) {
    text += open === '' ? '' : section === open ? ',' : `${end},`;
    if (section !== open) text += `${JSON.stringify(section)}:${name === '' ? '' : '{'}`;
    text += `${name === '' ? '' : `${JSON.stringify(name)}:`}${JSON.stringify(value)}`;
    [open, end] = [section, name === '' ? '' : '}'];
    if (text.length < PIECE_SIZE) continue;
    yield text;
    text = '';
  }
  yield `${text}${end}}`;
}

const EMPTY: Payload = { code: 200, contentType: '', bytes: Buffer.alloc(0) };

function urlOf(name: string, digest: string): string {
  return `/openapi/v3/${name}?hash=${digest}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toUTCString();
}

function matches(wanted: string | undefined, etag: string): boolean {
  return wanted !== undefined && wanted.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}

/** undefined: the client takes none of what there is. */
function formatOf(accept: string | undefined, dialect: 'v2' | 'v3'): Format | undefined {
  for (const { type } of parseAccept(accept === undefined || accept === '' ? '*/*' : accept)) {
    const [main = '', sub = ''] = type.split('/');
    if (main !== 'application' && main !== '*') continue;
    if (sub === 'json' || sub === '*') return 'json';
    if (PROTOBUF[dialect].test(sub)) return 'protobuf';
  }
  return undefined;
}

function shortVersion(gitVersion: string): string {
  return /^v?(\d+\.\d+)/.exec(gitVersion)?.[1] ?? '1.36';
}

interface Digests {
  names(): readonly string[];
  of(name: string): string;
  v2(specs: readonly RemoteSpec[]): string;
  forget(): void;
}

// Of what documents are made of: this release, the prose, and the schemas of custom kinds.
function createDigests({ kinds, version, words }: OpenApiServerOptions): Digests {
  let known: Map<string, string> | undefined;
  let sources = '';
  const release = (): string => (sources ||= `${version.gitVersion} ${version.build ?? ''} ${words?.digest() ?? ''}`);
  const custom = (name: string): string => {
    const shown = kinds.all().filter((kind) => kind.custom !== undefined && (name === 'v2' || documentName(kind.group, kind.version) === name));
    return JSON.stringify(shown.map((kind) => [kind.group, kind.version, kind.kind, kind.resource, kind.subresources, kind.custom?.openApi(name === 'v2' ? 'v2' : 'v3')]));
  };
  const all = (): Map<string, string> => (known ??= new Map(openApiV3Names({ resources: kinds.all() }).map((name) => [name, ''])));
  const of = (name: string): string => {
    let digest = all().get(name) ?? '';
    if (digest === '') all().set(name, (digest = hash('sha512', `${release()} ${name} ${custom(name)}`).toUpperCase()));
    return digest;
  };
  let whole = '';
  return {
    names: () => [...all().keys()].filter((name) => name !== 'v2'),
    of,
    v2(specs) {
      whole ||= hash('sha512', `${release()} v2 ${custom('v2')}`).toUpperCase();
      return specs.length === 0 ? whole : hash('sha512', whole + JSON.stringify(specs)).toUpperCase();
    },
    forget() {
      known = undefined;
      whole = '';
    },
  };
}
