// One request of the table sent to a server, and its answer made comparable: names, times, uids and versions are taken out, nothing else.
import { request as httpsRequest, type Agent } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { readJson } from '../../internal/api/large-integers.ts';
import { decodeProtobuf } from '../../internal/api/protobuf.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { parseYaml } from '../../internal/api/yaml.ts';

export interface Server {
  url: string;
  ca: string;
  cert: string;
  key: string;
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
  accept?: string;
  /** Default: the admin. Another name is impersonated. */
  as?: 'admin' | 'anonymous' | (string & {});
  headers?: Readonly<Record<string, string>>;
  /** Keeps the answer's body for later rows. */
  save?: string;
  /** Asked again until the answer has this status: what a controller does meanwhile. */
  until?: number;
  /** Compares metadata.managedFields too. */
  managed?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  body: unknown;
}

/** What one run remembers: its own name, and answers by their `save`. */
export interface Run {
  server: Server;
  id: string;
  saved: Map<string, unknown>;
}

const HEADERS = ['content-type', 'warning', 'retry-after', 'allow', 'location', 'www-authenticate', 'cache-control', 'x-content-type-options', 'vary'] as const;

export async function ask(run: Run, row: Row): Promise<Answer> {
  const path = fill(run, row.path);
  const text = row.body === undefined ? undefined : fill(run, typeof row.body === 'string' ? row.body : JSON.stringify(row.body));
  const contentType = row.contentType ?? (row.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  const identity = row.as === undefined || row.as === 'admin' || row.as === 'anonymous' ? {} : { 'impersonate-user': fill(run, row.as) };
  const headers = { 'user-agent': 'parity/1', accept: row.accept ?? 'application/json', ...(text !== undefined && { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) }), ...identity, ...row.headers };
  const once = (): Promise<Raw> => sendAgain(() => send(run.server, { method: row.method, path, headers, text, certified: row.as !== 'anonymous' }));
  let raw = await once();
  for (let left = UNTIL_ATTEMPTS; row.until !== undefined && raw.status !== row.until && left > 0; left--) {
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
  return { status: raw.status, headers: kept, body: clean(run, row, '', body) };
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

function send({ url, ca, cert, key, agent }: Server, { method, path, headers, text, certified }: { method: string; path: string; headers: Record<string, string>; text: string | undefined; certified: boolean }): Promise<Raw> {
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

const schemas = loadSchemas();

function parse({ headers, bytes }: Raw): unknown {
  const type = String(headers['content-type'] ?? '');
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(bytes, schemas);
  const text = bytes.toString();
  if (type.includes('yaml')) return parseYaml(text);
  if (!type.includes('json') || text === '') return text;
  try {
    return readJson(text);
  } catch {
    return text.split('\n').filter((line) => line !== '').map(readJson); // the lines of a watch
  }
}

function fill({ id, saved }: Run, text: string): string {
  return text.replaceAll('{ns}', id).replace(/\{(\w+)((?:\.\w+)+)\}/g, (whole, name: string, path: string) => {
    let value = saved.get(name);
    for (const part of path.slice(1).split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
    return value === undefined ? whole : String(value as string);
  });
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

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
  if (key === 'cell' && /^(\d+[smhdy])+$/.test(value)) return 'AGE';
  return value
    .replaceAll(run.id, 'parity')
    // The whole object stands in what is said of a bad patch, with everything in it that differs.
    .replace(/^( "" is invalid: patch: )?Invalid value: "(\{\\"apiVersion|\{\\"kind|map\[).*": (?=[a-z])/s, '$1Invalid value: OBJECT: ')
    .replace(TIME, 'TIME')
    .replace(UID, 'UID')
    .replace(/\b(gen|Wrong|kube-api-access)-[a-z0-9]{5}\b/g, '$1-RANDOM')
    .replace(/\b10\.43\.\d+\.\d+\b/g, 'CLUSTER-IP')
    .replace(/:3[0-2]\d{3}\//g, ':PORT/')
    .replace(/(resource ?version[^0-9a-z]{0,10})\d+/gi, '$1VERSION')
    .replace(/(resource ?version[^0-9"]{0,60})\d+/gi, '$1VERSION')
    .replace(/(current: )\d+/, '$1VERSION');
}
