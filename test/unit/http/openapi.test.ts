// What the OpenAPI paths answer: forms by Accept, digests and ETags, what is kept and when it is forgotten.
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import t from 'tap';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { createOpenApiServer, type OpenApiServer, type WordsSource } from '../../../internal/http/openapi.ts';
import type { Payload } from '../../../internal/http/respond.ts';
import { loadKinds, type Kinds } from '../../../internal/kinds/index.ts';
import type { Kind } from '../../../internal/kinds/kind.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

interface Scene {
  server: OpenApiServer;
  kinds: Kinds;
  clock: FakeClock;
  /** How often the prose was asked for: once a document. */
  built(): number;
  ask(path: string, headers?: Record<string, string>): Promise<Payload>;
}

function scene(): Scene {
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const clock = createFakeClock();
  let built = 0;
  const words: WordsSource = { digest: () => 'one', load: () => (built++, { of: () => undefined, parameter: () => undefined }) };
  const server = createOpenApiServer({ kinds, schemas, version: { gitVersion: 'v1.36.3+skiff1' }, words, clock });
  const ask: Scene['ask'] = async (url, headers = {}) => {
    const [path = '', search = ''] = url.split('?');
    const answer = await server.serve(path, { headers, query: new URLSearchParams(search) });
    if (answer === undefined) throw new Error(`nothing at ${url}`);
    return answer;
  };
  return { server, kinds, clock, ask, built: () => built };
}

function jsonOf(payload: Payload): Record<string, never> {
  return JSON.parse(String(payload.headers?.['content-encoding'] === 'gzip' ? gunzipSync(payload.bytes) : payload.bytes)) as Record<string, never>;
}

const { root } = protobuf.parse('syntax = "proto3"; message Document { Paths paths = 8; } message Paths { repeated Named path = 2; } message Named { string name = 1; }');
function pathsIn(bytes: Uint8Array): string[] {
  return (root.lookupType('Document').decode(bytes).toJSON() as unknown as { paths: { path: { name: string }[] } }).paths.path.map(({ name }) => name);
}

/** A kind of a definition, published with this description. */
function customKind(kinds: Kinds, description: string): Kind {
  const base = kinds.byKind('', 'v1', 'ConfigMap');
  if (base === undefined) throw new Error('no ConfigMap');
  const publish = (): { object: object; list: object } => ({ object: { type: 'object', description }, list: { type: 'object' } });
  return { ...base, group: 'example.com', version: 'v1', kind: 'Foo', resource: 'foos', schema: 'com.example.v1.Foo', subresources: [], custom: { openApi: publish } as unknown as NonNullable<Kind['custom']> };
}

void t.test('v2 in JSON, or in protobuf by either name, or not at all', async (t) => {
  const { ask } = scene();
  const plain = await ask('/openapi/v2');
  t.match(plain, { code: 200, contentType: 'application/json', headers: { etag: /^"[0-9A-F]{128}"$/, vary: 'Accept-Encoding, Accept' } });
  t.match(jsonOf(plain), { swagger: '2.0' });
  const packed = await ask('/openapi/v2', { 'accept-encoding': 'gzip' });
  t.match(packed.headers, { 'content-encoding': 'gzip', 'vary': 'Accept-Encoding, Accept' });
  t.same(jsonOf(packed), jsonOf(plain));
  for (const accept of ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf,application/json;q=0.5']) {
    const answer = await ask('/openapi/v2', { accept });
    t.match(answer, { code: 200, contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' });
    t.same([...answer.bytes.subarray(0, 5)], [0x0a, 3, ...Buffer.from('2.0')]);
    t.same(pathsIn(answer.bytes), Object.keys(jsonOf(plain)['paths'] ?? {}), 'members told one by one are one document');
  }
  for (const accept of ['*/*', 'application/*', 'text/html, application/json;q=0.1']) t.equal((await ask('/openapi/v2', { accept })).contentType, 'application/json', accept);
  t.match(await ask('/openapi/v2', { accept: 'text/html' }), { code: 406, contentType: '', headers: { vary: 'Accept-Encoding, Accept' } });
});

void t.test('who has it already is told so, and nothing is built', async (t) => {
  const { ask, built } = scene();
  const index = jsonOf(await ask('/openapi/v3')) as unknown as { paths: Record<string, { serverRelativeURL: string }> };
  t.equal(built(), 0, 'the index costs no document');
  const url = index.paths['apis/apps/v1']?.serverRelativeURL ?? '';
  const answer = await ask(url);
  const etag = answer.headers?.['etag'] ?? '';
  t.equal(url, `/openapi/v3/apis/apps/v1?hash=${etag.slice(1, -1)}`);
  t.match(answer.headers, { 'cache-control': 'public, immutable', 'expires': / UTC$/, 'vary': 'Accept' });
  t.equal(built(), 1);
  t.match(await ask(url, { 'if-none-match': etag }), { code: 304, headers: { etag } });
  t.match(await ask('/openapi/v2', { 'if-none-match': `"nonsense", ${(await ask('/openapi/v2')).headers?.['etag'] ?? ''}` }), { code: 304 });
  t.equal(built(), 2);
});

void t.test('documents by group and version: without a hash, with an old one, and none', async (t) => {
  const { ask } = scene();
  const answer = await ask('/openapi/v3/apis/apps/v1');
  t.notOk(answer.headers?.['cache-control']);
  t.match(jsonOf(answer), { openapi: '3.0.0', info: { title: 'Kubernetes', version: '1.36' } });
  t.match(await ask('/openapi/v3/apis/apps/v1?hash=OLD'), { code: 301, headers: { location: `/openapi/v3/apis/apps/v1?hash=${(answer.headers?.['etag'] ?? '').slice(1, -1)}` } });
  t.match(await ask('/openapi/v3/apis/nonsense/v1'), { code: 404, contentType: '' });
  t.match(await ask('/openapi/v3/version', { accept: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf' }), { code: 200, contentType: 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf' });
});

void t.test('a document is kept for a minute after its last use, and no longer than its kinds', async (t) => {
  const { ask, built, clock, kinds } = scene();
  await ask('/openapi/v2');
  await clock.advance(59_000);
  await ask('/openapi/v2');
  await clock.advance(59_000);
  await ask('/openapi/v2');
  t.equal(built(), 1);
  await clock.advance(61_000);
  await ask('/openapi/v2');
  t.equal(built(), 2, 'forgotten');
  kinds.replace('test', [customKind(kinds, 'one')]);
  t.match(jsonOf(await ask('/openapi/v2')), { definitions: { 'com.example.v1.Foo': { description: 'one' } } });
  t.equal(built(), 3);
});

void t.test('a custom kind that changes has other digests, and no others change', async (t) => {
  const { ask, kinds } = scene();
  const state = async (): Promise<{ v2: string; paths: Record<string, { serverRelativeURL: string }> }> => ({ v2: (await ask('/openapi/v2')).headers?.['etag'] ?? '', paths: (jsonOf(await ask('/openapi/v3')) as unknown as { paths: Record<string, { serverRelativeURL: string }> }).paths });
  const before = await state();
  kinds.replace('test', [customKind(kinds, 'one')]);
  const one = await state();
  kinds.replace('test', [customKind(kinds, 'two')]);
  const two = await state();
  kinds.replace('test', []);
  t.same(await state(), before);
  t.equal(new Set([before.v2, one.v2, two.v2]).size, 3);
  const { 'apis/example.com/v1': first, ...others } = one.paths;
  t.same(others, before.paths);
  t.not(first?.serverRelativeURL, two.paths['apis/example.com/v1']?.serverRelativeURL);
});
