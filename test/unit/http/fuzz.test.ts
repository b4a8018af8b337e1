// Requests that nobody should send, by the hundred: never a 500, a crash, a hang, or an object stored that cannot be read back in every form.
// SKIFF_FUZZ_REQUESTS makes the run longer, SKIFF_FUZZ_SEED repeats another one; each failure names its request.
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import t from 'tap';
import { decodeProtobuf, encodeProtobuf } from '../../../internal/api/protobuf.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { formatYaml } from '../../../internal/api/yaml.ts';
import { seeded } from '../../contract/store.ts';
import { startControlPlane } from '../../support/control-plane.ts';
import { fuzzSeeds, type Seed } from '../../support/fuzz-seeds.ts';
import { ACCEPTS, acceptOf, broken, headersOf, mutated, pick, queryOf, retold, strayed } from '../../support/mutations.ts';

const REQUESTS = Number(process.env['SKIFF_FUZZ_REQUESTS'] ?? 400);
const SEED = Number(process.env['SKIFF_FUZZ_SEED'] ?? 20261121);
const HANG_MS = 20_000;
const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const TIMEOUT_MS = Math.max(60_000, REQUESTS * 400);

t.setTimeout(TIMEOUT_MS + 60_000);
const chance = seeded(SEED);
const schemas = loadSchemas();
const seeds = fuzzSeeds();
let server = await startControlPlane();
t.teardown(() => server.remove());
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
t.teardown(() => agent.destroy());

interface Sent { method: string; path: string; headers?: Record<string, string>; body?: Buffer | string }
interface Answer { code: number; headers: IncomingHttpHeaders; bytes: Buffer }

function ask({ method, path, headers = {}, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${method} ${path}`)), HANG_MS);
    const { ca, cert, key, port } = server;
    const request = httpsRequest({ agent, host: '127.0.0.1', port, method, path, ca, cert, key, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ code: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) });
      });
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

const json = ({ bytes }: Answer): { metadata: { name: string; namespace?: string; resourceVersion: string; continue?: string } } & Record<string, unknown> => JSON.parse(bytes.toString()) as never;
const show = ({ method, path, headers, body }: Sent): string => `${method} ${path} ${JSON.stringify(headers ?? {})} ${typeof body === 'string' ? body.slice(0, 1500) : (body?.toString('latin1').slice(0, 1500) ?? '')}`;

let made = 0;

function createOf({ path, object, dry = false }: Seed): Sent {
  const named = { ...object, metadata: { ...object.metadata, ...(object.kind !== 'CustomResourceDefinition' && { name: `f${String(++made)}` }) } };
  const value = chance() < 0.85 ? mutated(named, chance) : named;
  const query = queryOf(chance);
  const { body, type } = encoded(value, chance() < 0.3);
  return { method: 'POST', path: path + (dry ? `${query === '' ? '?' : `${query}&`}dryRun=All` : query), headers: { 'content-type': type, 'accept': acceptOf(chance), ...headersOf(chance) }, body };
}

function encoded(value: unknown, breaks: boolean): { body: Buffer; type: string } {
  const way = chance();
  const text = JSON.stringify(value) ?? '';
  if (way < 0.55) return { type: pick(['application/json', 'application/json', ''], chance), body: breaks ? (chance() < 0.5 ? Buffer.from(retold(text, chance)) : broken(Buffer.from(text), chance)) : Buffer.from(text) };
  try {
    const bytes = Buffer.from(way < 0.75 ? formatYaml(value) : encodeProtobuf(value as object, schemas));
    return { type: way < 0.75 ? 'application/yaml' : PROTOBUF, body: breaks ? broken(bytes, chance) : bytes };
  } catch {
    return { type: pick(['application/yaml', PROTOBUF, 'text/plain'], chance), body: broken(Buffer.from(text), chance) }; // what has no such form
  }
}

const stored: { path: string; seed: Seed }[] = [];

function changeOf(): Sent {
  const { path, seed } = pick(stored, chance);
  const target = path + pick(['', '', '', '/status', '/scale', '/ephemeralcontainers', '/resize', '/finalize', '/approval', '/token', '/eviction', '/binding'], chance);
  const headers = { accept: acceptOf(chance), ...headersOf(chance) };
  if (chance() < 0.3) {
    const { body, type } = encoded(mutated({ ...seed.object, metadata: { ...seed.object.metadata, name: path.split('/').at(-1) } }, chance), chance() < 0.2);
    return { method: pick(['PUT', 'PUT', 'POST', 'DELETE'], chance), path: target + queryOf(chance), headers: { ...headers, 'content-type': type }, body };
  }
  const kind = pick(['merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml', 'json-patch+json'], chance);
  const body = kind === 'json-patch+json' ? jsonPatch(seed.object) : mutated(seed.object, chance);
  const text = JSON.stringify(body) ?? '';
  return { method: 'PATCH', path: target + (queryOf(chance) || '?fieldManager=fuzz'), headers: { ...headers, 'content-type': `application/${kind}` }, body: chance() < 0.2 ? broken(Buffer.from(text), chance) : text };
}

function jsonPatch(object: object): unknown {
  const paths = ['', '/', '/metadata', '/metadata/labels', '/metadata/labels/app', '/spec', '/spec/template/spec/containers/0', '/spec/ports/-', '/data/a', '/__proto__/x', '/constructor/prototype/x', '/metadata/annotations/a~1b', '/~2', '/metadata/finalizers', '/status', '/spec/containers/01', '/spec/containers/-1'];
  const operation = (): unknown => ({ op: pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x'], chance), path: pick(paths, chance), from: pick(paths, chance), value: mutated(object, chance) });
  return chance() < 0.1 ? operation() : Array.from({ length: 1 + Math.floor(chance() * 3) }, operation);
}

function readOf(): Sent {
  const path = chance() < 0.3 && stored.length > 0 ? pick(stored, chance).path : pick(seeds, chance).path;
  const from = chance() < 0.15 ? pick(['/apis', '/api', '/openapi/v2', '/openapi/v3', '/openapi/v3/api/v1', '/version', '/metrics', '/readyz', '/healthz/x', '/'], chance) : path;
  const target = (chance() < 0.5 ? strayed(from, chance) : from) + queryOf(chance);
  // A watch that is found by its path has no end unless it is given one.
  const ended = target.includes('/watch') ? target.replace(/\?|$/, '?timeoutSeconds=1&') : target;
  return { method: pick(['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'X'.replace('X', 'TRACE')], chance), path: ended, headers: { accept: acceptOf(chance), ...headersOf(chance) } };
}

/** What an answer must not be. The paths into pods and nodes answer with what their node says, and there is none. */
function wrongWith(sent: Sent, { code, bytes }: Answer): string | undefined {
  if (/\/(proxy|log|exec|attach|portforward)\b/.test(sent.path)) return undefined;
  // Upstream answers these with 500 too: a missing merge key, an unknown directive or elements of two sorts are a plain error (apimachinery's mergepatch.ErrNoMergeKey and ErrBadPatchType, strategicpatch.sliceElementType) that the API server's
  // interpretStrategicMergePatchError (endpoints/handlers/patch.go) hands on as it is.
  if (/failed to create typed patch object|does not contain declared merge key|unknown patch type: |list element types are not identical|resourceVersion should not be set on objects to be created/.test(bytes.toString())) return undefined;
  return code >= 500 && code !== 504 ? `${String(code)} ${bytes.toString().slice(0, 600)}\n  to ${show(sent)}` : undefined;
}

/** An object can be read in every form, says the same in each, and is stored again without a change. */
async function readBack(path: string): Promise<string | undefined> {
  const plain = await ask({ method: 'GET', path });
  if (plain.code === 404) return undefined;
  if (plain.code !== 200) return `GET ${path}: ${String(plain.code)}`;
  const [yaml, table, metadata] = [await ask({ method: 'GET', path, headers: { accept: 'application/yaml' } }), await ask({ method: 'GET', path, headers: { accept: ACCEPTS[3] } }), await ask({ method: 'GET', path, headers: { accept: ACCEPTS[5] } })];
  for (const answer of [yaml, table, metadata]) if (answer.code !== 200 && !(answer.code === 404 && (await ask({ method: 'GET', path })).code === 404)) return `GET ${path}: ${String(answer.code)} ${answer.bytes.toString().slice(0, 300)}`;
  const changed = await changedByItself(path, 'application/json', (bytes) => bytes);
  if (changed !== undefined || path.startsWith('/apis/fuzz.dev')) return changed;
  return changedByItself(path, PROTOBUF, (bytes) => Buffer.from(encodeProtobuf(decodeProtobuf(bytes, schemas), schemas)));
}

/** What is read and written again is refused in words (an older rule or a dry state allowed it) or changes nothing. A second try tells whether one of the server's loops wrote in between. */
async function changedByItself(path: string, type: string, through: (bytes: Buffer) => Buffer): Promise<string | undefined> {
  let found: string | undefined;
  for (let attempt = 0; attempt < 2; attempt++) {
    const read = await ask({ method: 'GET', path, headers: { accept: type } });
    if (read.code !== 200) return read.code === 404 ? undefined : `GET ${path} as ${type}: ${String(read.code)} ${read.bytes.toString().slice(0, 300)}`;
    const written = await ask({ method: 'PUT', path, headers: { 'content-type': type }, body: through(read.bytes) });
    const before = type === PROTOBUF ? (decodeProtobuf(read.bytes, schemas) as unknown as ReturnType<typeof json>) : json(read);
    if (written.code !== 200 || json(written).metadata.resourceVersion === before.metadata.resourceVersion) return undefined;
    found = `PUT of the same as ${type} to ${path} changes it: ${JSON.stringify(before)}\n  to ${written.bytes.toString()}`;
  }
  return found;
}

async function storedPath(sent: Sent, answer: Answer): Promise<string | undefined> {
  if (answer.code !== 201 || sent.path.includes('dryRun=All') || !/"metadata"/.test(answer.bytes.toString())) return undefined;
  const [collection = ''] = sent.path.split('?');
  const name = /"name":"([^"\\]+)"/.exec(answer.bytes.toString())?.[1];
  if (name === undefined) return undefined;
  const path = `${collection}/${encodeURIComponent(name)}`;
  return (await ask({ method: 'GET', path })).code === 200 ? path : undefined;
}

async function start(): Promise<void> {
  const post = (path: string, object: unknown): Promise<Answer> => ask({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(object) });
  await post('/api/v1/namespaces', { metadata: { name: 'default' } });
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  for (const seed of new Set(seeds.filter(({ object: { metadata } }) => metadata['labels'] !== undefined && metadata['uid'] === undefined))) {
    const { code } = await post(seed.path + (seed.dry === true ? '?dryRun=All' : ''), seed.object);
    if (code === 201 && seed.dry !== true && !seed.path.includes('review')) stored.push({ path: `${seed.path}/${String(seed.object.metadata['name'])}`, seed });
  }
}

await t.test(`${String(REQUESTS)} requests of seed ${String(SEED)}`, { timeout: TIMEOUT_MS }, async (t) => {
  await start();
  const codes: Record<string, number> = {};
  for (let count = 0; count < REQUESTS; count++) {
    const way = chance();
    const seed = pick(seeds, chance);
    const sent = way < 0.45 ? createOf(seed) : way < 0.8 ? changeOf() : readOf();
    let answer: Answer;
    try {
      answer = await ask(sent);
    } catch (error) {
      // Node's own client will not send it, or the server ends a connection that speaks no HTTP.
      if (!/ECONNRESET|socket hang up|Invalid|unescaped|Parse Error|EPIPE/.test(String(error))) t.fail(`${String(error)}: ${show(sent)}`);
      continue;
    }
    codes[answer.code] = (codes[answer.code] ?? 0) + 1;
    const wrong = wrongWith(sent, answer);
    if (wrong !== undefined) t.fail(wrong);
    const path = sent.method === 'POST' ? await storedPath(sent, answer) : undefined;
    const problem = path !== undefined ? await readBack(path) : sent.method !== 'GET' && answer.code === 200 ? await readBack(pathOf(sent)) : undefined;
    if (problem !== undefined) t.fail(`${problem}\n  after ${show(sent)}`);
    if (path !== undefined) stored.push({ path, seed });
  }
  t.comment(JSON.stringify(codes), `${String(stored.length)} stored`);
  t.ok((codes[201] ?? 0) + (codes[200] ?? 0) > REQUESTS / 25, 'enough of them were accepted to matter');
  t.equal(({} as { polluted?: unknown }).polluted, undefined, 'no prototype was reached');
});

function pathOf({ path }: Sent): string {
  const [bare = ''] = path.split('?');
  return stored.find((one) => bare === one.path || bare.startsWith(`${one.path}/`))?.path ?? `${bare}/none`;
}

await t.test('bytes that are no HTTP, and connections cut in the middle, end that connection alone', async (t) => {
  const lines = ['GET / HTTP/1.1\r\n\r\n', 'GET /api\xff HTTP/1.1\r\nHost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0', 'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{', 'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 'GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'];
  for (const line of lines) {
    await new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca, cert: server.cert, key: server.key }, () => {
        socket.write(Buffer.from(line, 'latin1'));
        setTimeout(() => socket.destroy(), 30); // as a client that goes away
      });
      socket.on('error', () => {}); // the server may end it first
      socket.on('close', () => resolve());
    });
  }
  t.equal((await ask({ method: 'GET', path: '/readyz' })).code, 200);
});

await t.test('a server that starts on what is stored serves all of it', async (t) => {
  const { port, directory } = server;
  agent.destroy();
  await server.stop();
  server = await startControlPlane({ port, directory });
  for (const path of new Set(seeds.filter(({ path }) => !/review|fuzz\.dev/.test(path)).map(({ path }) => path))) {
    for (const accept of ['application/json', PROTOBUF, 'application/yaml', ACCEPTS[3], ACCEPTS[6]]) {
      const answer = await ask({ method: 'GET', path, headers: { accept } });
      t.equal(answer.code, 200, `${path} as ${accept}`);
    }
  }
});
