// One request of the table sent to a server, and its answer made comparable: names, times, uids and versions are taken out, nothing else.
import { request as httpsRequest, type Agent } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { answerForms } from '../../internal/api/answer-forms.ts';
import { readJson } from '../../internal/api/large-integers.ts';
import { decodeProtobuf } from '../../internal/api/protobuf.ts';
import { WireReader } from '../../internal/api/protobuf-wire.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { parseYaml } from '../../internal/api/yaml.ts';
import type { Credentials } from '../support/kubeconfig.ts';
import { startWebhookServer, type Reply, type WebhookServer } from '../support/webhook-server.ts';

export interface Server extends Credentials {
  /** Keeps connections; without it each request has its own. */
  agent?: Agent;
}

/** One row of the table. `{ns}` in path and body is the run's own name; `{save.path.to.field}` a field of an earlier answer. */
export interface Row {
  name: string;
  method: string;
  path: string;
  /** Sent as JSON unless it is text. */
  body?: unknown;
  contentType?: string;
  /** The body is bytes, told in base64. */
  base64?: boolean;
  accept?: string;
  /** Default: the admin. Another name is impersonated. */
  as?: 'admin' | 'anonymous' | (string & {});
  headers?: Readonly<Record<string, string>>;
  /** Keeps the answer's body for later rows. */
  save?: string;
  /** Asked again until the answer has this status: what a controller does meanwhile. */
  until?: number;
  /** Compares what webhooks were asked meanwhile. */
  calls?: boolean;
  /** Asked again until a webhook was asked, so many times at most. */
  untilCalled?: number;
  /** Compares metadata.managedFields too. */
  managed?: boolean;
  /** Compares whether JSON is indented, for people to read. */
  layout?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  body: unknown;
  indented?: boolean;
  calls?: unknown;
}

/** What one run remembers: its own name, and answers by their `save`. */
export interface Run {
  server: Server;
  id: string;
  saved: Map<string, unknown>;
  /** Records what it is asked. */
  hook?: WebhookServer & { url: string };
}

const HEADERS = ['content-type', 'warning', 'retry-after', 'allow', 'location', 'www-authenticate', 'cache-control', 'x-content-type-options', 'vary'] as const;

/** A webhook of the run's own, which servers reach at that address. */
export async function startHook(address: string, replies: Readonly<Record<string, (uid: string) => Reply>>): Promise<WebhookServer & { url: string }> {
  const server = await startWebhookServer([address], address);
  for (const [path, reply] of Object.entries(replies)) server.replies.set(path, ({ request: { uid } }) => reply(uid));
  return { ...server, url: `https://${address}:${String(server.port)}` };
}

const AT_ONCE = 24;

/** In their order; watches that follow each other, each of which takes its second, side by side: they change nothing. */
export async function* askAll(run: Run, rows: readonly Row[]): AsyncGenerator<readonly [Row, Answer]> {
  for (let next = 0; next < rows.length; ) {
    let end = next + 1;
    while (end < rows.length && end - next < AT_ONCE && rows.slice(next, end + 1).every(isWatch)) end++;
    const together = rows.slice(next, end);
    const answers = await Promise.all(together.map((row) => ask(run, row)));
    for (const [index, answer] of answers.entries()) yield [together[index] as Row, answer];
    next = end;
  }
}

function isWatch({ method, path, save, until }: Row): boolean {
  return method === 'GET' && path.includes('timeoutSeconds=1') && save === undefined && until === undefined;
}

export async function ask(run: Run, row: Row): Promise<Answer> {
  const path = fill(run, row.path);
  const text = row.body === undefined ? undefined : bodyOf(run, row);
  const contentType = row.contentType ?? (row.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  const identity = row.as === undefined || row.as === 'admin' || row.as === 'anonymous' ? {} : { 'impersonate-user': fill(run, row.as) };
  const headers = { 'user-agent': 'parity/1', accept: row.accept ?? 'application/json', ...(text !== undefined && { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) }), ...identity, ...Object.fromEntries(Object.entries(row.headers ?? {}).map(([name, value]) => [name, fill(run, value)])) };
  const once = (): Promise<Raw> => sendAgain(() => send(run.server, { method: row.method, path, headers, text, certified: row.as !== 'anonymous' }));
  const { hook } = run;
  if (hook !== undefined) hook.asked.length = 0;
  let raw = await once();
  for (let left = UNTIL_ATTEMPTS; row.until !== undefined && raw.status !== row.until && left > 0; left--) {
    await setTimeout(UNTIL_MS);
    raw = await once();
  }
  for (let left = row.untilCalled ?? 0; hook !== undefined && hook.asked.length === 0 && left > 0; left--) {
    await setTimeout(UNTIL_MS);
    raw = await once();
  }
  const body = parse(raw);
  if (row.save !== undefined) run.saved.set(row.save, body);
  const kept: Answer['headers'] = {};
  for (const name of HEADERS) {
    const value = raw.headers[name];
    if (value !== undefined) kept[name] = clean(run, row, name, value) as string;
  }
  return { status: raw.status, headers: kept, body: clean(run, row, '', body), ...(row.layout === true && { indented: raw.bytes.subarray(0, 2).toString() === '{\n' }), ...(row.calls === true && { calls: clean(run, row, 'calls', callsOf(run)) }) };
}

/** In the order of their names: those that look only are asked side by side. */
function callsOf({ hook }: Run): unknown[] {
  return (hook?.asked ?? []).map(({ url, review }) => ({ url, review })).sort((a, b) => (a.url < b.url ? -1 : 1));
}

function bodyOf(run: Run, { body, base64 = false }: Row): string | Buffer {
  if (base64) return Buffer.from(String(body as string), 'base64');
  return fill(run, typeof body === 'string' ? body : JSON.stringify(body));
}

interface Raw {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  bytes: Buffer;
}

const ATTEMPTS = 5;
const UNTIL_ATTEMPTS = 100;
const UNTIL_MS = 100;

/** A server that refuses a large body answers and closes; whether the answer is read before the writing fails is chance. */
async function sendAgain(attempt: () => Promise<Raw>): Promise<Raw> {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 1 || !['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

function send({ url, ca, cert, key, agent }: Server, { method, path, headers, text, certified }: { method: string; path: string; headers: Record<string, string>; text: string | Buffer | undefined; certified: boolean }): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(new URL(url), { method, path, headers, ca, ...(certified && { cert, key }), agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      // Node makes one text of a repeated Warning; they are told apart again here.
      response.on('end', () => {
        const warning = response.headersDistinct['warning'];
        resolve({ status: response.statusCode ?? 0, headers: { ...response.headers, ...(warning !== undefined && { warning }) }, bytes: Buffer.concat(chunks) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

const schemas = answerForms(loadSchemas());

function parse({ headers, bytes }: Raw): unknown {
  const type = String(headers['content-type'] ?? '');
  if (type.startsWith('application/vnd.kubernetes.protobuf')) return type.includes('stream=watch') ? framesOf(bytes).map(eventOf) : decodeProtobuf(bytes, schemas);
  const text = bytes.toString();
  if (type.includes('yaml')) return parseYaml(text);
  if (!type.includes('json') || text === '') return text;
  try {
    return readJson(text);
  } catch {
    return text.split('\n').filter((line) => line !== '').map(readJson); // the lines of a watch
  }
}

/** Each behind its length. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return frames;
}

/** WatchEvent {type = 1, object = 2: RawExtension {raw = 1}}. */
function eventOf(frame: Uint8Array): object {
  const members: Record<number, Uint8Array> = {};
  for (const reader = new WireReader(frame); !reader.atEnd; ) members[reader.tag().number] = reader.bytes();
  const raw = new WireReader(members[2] ?? new Uint8Array());
  raw.tag();
  return { type: Buffer.from(members[1] ?? []).toString(), object: decodeProtobuf(raw.bytes(), schemas) };
}

function fill({ id, saved, hook }: Run, text: string): string {
  return text.replaceAll('{ns}', id).replaceAll('{hook}', hook?.url ?? '').replaceAll('{hookca}', hook?.caBundle ?? '').replace(/\{(\w+)((?:\.\w+)+)\}/g, (whole, name: string, path: string) => {
    let value = saved.get(name);
    for (const part of path.slice(1).split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
    return value === undefined ? whole : String(value as string);
  });
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What a token says, with its times as durations. */
function claimsOf(token: string): unknown {
  const { iat = 0, nbf = 0, exp = 0, ...claims } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown> & { iat?: number; nbf?: number; exp?: number };
  const own = claims['kubernetes.io'] as { warnafter?: number } | undefined;
  if (own?.warnafter !== undefined) own.warnafter -= iat;
  return { ...claims, exp: exp - iat, nbf: nbf - iat };
}

/** The value with all that differs from run to run replaced by what it is. */
function clean(run: Run, row: Row, key: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => clean(run, row, key === 'cells' ? 'cell' : key, item));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([name]) => name !== 'managedFields' || row.managed === true);
    return Object.fromEntries(entries.map(([name, item]) => [name, clean(run, row, name, item)]));
  }
  if ((key === 'nodePort' || key === 'healthCheckNodePort') && typeof value === 'number') return 'PORT';
  if (typeof value !== 'string') return value;
  if (key === 'resourceVersion' && value !== '' && value !== '0') return 'VERSION';
  if (key === 'continue' && value !== '') return 'CONTINUE';
  if (key === 'token' && /^ey.+\./.test(value)) return clean(run, row, 'claims', claimsOf(value));
  if (key === 'cell' && /^(\d+[smhdy])+$/.test(value)) return 'AGE';
  return value
    .replaceAll(run.id, 'parity')
    .replaceAll(run.hook?.url ?? '\0', 'HOOK')
    .replaceAll(run.hook?.caBundle ?? '\0', 'HOOK-CA')
    .replaceAll(new URL(run.server.url).host, 'SERVER')
    // The whole object stands in what is said of a bad patch, with everything in it that differs.
    .replace(/^( "" is invalid: patch: )?Invalid value: "(\{\\"apiVersion|\{\\"kind|map\[).*": (?=[a-z])/s, '$1Invalid value: OBJECT: ')
    .replace(/X509SHA256=[0-9a-f]{64}/, 'CERTIFICATE')
    .replace(/\((\d+[smhdy])+ ago\)/, '(AGE ago)')
    .replace(TIME, 'TIME')
    .replace(UID, 'UID')
    .replace(/\b(gen|Wrong|kube-api-access)-[a-z0-9]{5}\b/g, '$1-RANDOM')
    .replace(/\b10\.43\.\d+\.\d+\b/g, 'CLUSTER-IP')
    .replace(/:3[0-2]\d{3}\//g, ':PORT/')
    .replace(/(resource ?version[^0-9a-z]{0,10})\d+/gi, '$1VERSION')
    .replace(/(resource ?version[^0-9"]{0,60})\d+/gi, '$1VERSION')
    .replace(/(current: )\d+/, '$1VERSION');
}
