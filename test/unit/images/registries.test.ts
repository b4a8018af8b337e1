// registries.yaml and every way of a registry to ask who it is: against one that asks, with what K3s lets one write.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import { endpointsOf, parseRegistrySettings } from '../../../agents/images/registry-settings.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { openAuthority } from '../../../internal/cluster/authority.ts';
import { buildImage, packTree } from '../../support/images.ts';
import { startMemoryRegistry, type MemoryRegistry } from '../../support/memory-registry.ts';

const image = buildImage({ name: 'app:1', layers: [{ tar: packTree({ a: { text: 'x' } }) }, { tar: packTree({ b: { text: 'y' } }) }] });
const refusal = (error: unknown): unknown => error;

async function registry(t: Test, options: Parameters<typeof startMemoryRegistry>[0] = {}, repository = 'team/app'): Promise<MemoryRegistry> {
  const started = await startMemoryRegistry(options);
  t.teardown(() => started.stop());
  for (const part of [image.config, ...image.layers]) started.put(repository, part);
  started.put(repository, image.manifest, '1');
  return started;
}

function store(t: Test, settings: unknown = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), `skiff-registries-${String(process.pid)}-`));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  return createImageStore({ dataDir, registries: parseRegistrySettings(settings), clock: systemClock, log: silentLog });
}

const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

t.test('TLS: an authority of one\'s own, a certificate of the node\'s, or no check', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), `skiff-registry-pki-${String(process.pid)}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const authority = openAuthority(directory, { clock: systemClock, random: systemRandom });
  const serving = authority.leaf('registry', 'serverCa', { subject: { commonName: 'registry' }, names: ['127.0.0.1'], usages: ['server'] });
  const client = authority.leaf('node', 'clientCa', { subject: { commonName: 'node' }, names: [], usages: ['client'] });
  const path = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const [caFile, certFile, keyFile] = [join(directory, 'server-ca.crt'), path('own.crt', client.certificate), path('own.key', client.key)];
  const plain = await registry(t, { tls: { cert: serving.certificate, key: serving.key } });
  const pull = (address: string, tls: object): Promise<unknown> => store(t, { mirrors: { 'r.example': { endpoint: [`https://${address}`] } }, configs: { [address]: { tls } } }).pull('r.example/team/app:1', []).catch(refusal);
  t.match(await pull(plain.address, { ca_file: caFile }), { id: image.config.digest });
  t.match(await pull(plain.address, { insecure_skip_verify: true }), { id: image.config.digest });
  t.match(await pull(plain.address, {}), { message: /certificate/ });
  const mutual = await registry(t, { tls: { cert: serving.certificate, key: serving.key, requestCert: true, rejectUnauthorized: true, ca: readFileSync(join(directory, 'client-ca.crt')) } });
  t.match(await pull(mutual.address, { ca_file: caFile, cert_file: certFile, key_file: keyFile }), { id: image.config.digest });
  t.match(await pull(mutual.address, { ca_file: caFile }), { reason: 'RegistryUnavailable' });
});

t.test('mirrors: the first that has it; what no mirror has comes from the registry itself; `*` for all others', async (t) => {
  const [empty, full] = [await startMemoryRegistry(), await registry(t, {}, 'library/app')];
  t.teardown(() => empty.stop());
  const mirrors = { 'docker.io': { endpoint: [empty.url, 'http://127.0.0.1:1', full.url] } };
  t.match(await store(t, { mirrors }).pull('app:1', []), { tags: ['docker.io/library/app:1'] });
  t.match(empty.asked[0], /\/v2\/library\/app\/manifests\/1\?ns=docker\.io$/, 'a mirror is told whose registry is meant');
  t.match(await store(t, { mirrors: { '*': { endpoint: [full.url] } } }).pull('quay.example/library/app:1', []), { tags: ['quay.example/library/app:1'] });
  t.match(await store(t, { mirrors: { 'docker.io': { endpoint: [full.url], rewrite: { '^other/(.*)$': 'library/$1' } } } }).pull('other/app:1', []), { tags: ['docker.io/other/app:1'] }, 'names are as the pod has them');
  const cached = await registry(t, { prefix: '/cache/hub' }, 'library/app');
  t.match(await store(t, { mirrors: { 'docker.io': { endpoint: [`${cached.url}/cache/hub`] } } }).pull('index.docker.io/app:1', []), { tags: ['docker.io/library/app:1'] }, 'a path stands for itself');
  const own = await registry(t, { prefix: '/cache/v2' }, 'library/app');
  t.match(await store(t, { mirrors: { 'docker.io': { endpoint: [`${own.url}/cache`], override_path: false } } }).pull('app:1', []), { id: image.config.digest });
});

t.test('where a name leads', (t) => {
  const bases = (settings: unknown, registryName: string): string[] => endpointsOf(parseRegistrySettings(settings), registryName, 'a/b').map(({ base }) => base);
  t.same(bases({}, 'docker.io'), ['https://registry-1.docker.io/v2']);
  t.same(bases({}, 'localhost:5000'), ['http://localhost:5000/v2']);
  t.same(bases({}, 'r.example:5000'), ['https://r.example:5000/v2']);
  t.same(bases({ mirrors: { 'r.example': { endpoint: ['http://r.example'] } } }, 'r.example'), ['http://r.example/v2'], 'a mirror that is the registry itself says how it is spoken to');
  t.same(bases({ mirrors: { '*': { endpoint: ['https://m.example'] }, 'r.example': { endpoint: ['https://n.example/v2/'] } } }, 'r.example'), ['https://n.example/v2', 'https://r.example/v2']);
  t.throws(() => parseRegistrySettings({ mirrors: { a: { endpoint: 'x', override_path: 1, rewrite: { '(': 'y' } } }, other: {} }), /unknown field "other".*endpoint must be a list.*is no regular expression.*override_path must be true or false, not 1/);
  t.end();
});

t.test('Basic: pull secrets in their order, then registries.yaml\'s, then nobody; who was let in is told', async (t) => {
  const asking = await registry(t);
  asking.guard = ({ headers }, response) => {
    if (headers.authorization === basic('right', 'p')) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    return true;
  };
  const name = `${asking.address}/team/app:1`;
  const [wrong, right] = [{ username: 'wrong', password: 'p' }, { username: 'right', password: 'p' }];
  t.match(await store(t).pull(name, [wrong, right]), { id: image.config.digest, auth: right });
  t.match(await store(t).pull(name, [wrong]).catch(refusal), { reason: 'ErrImagePull', message: /pull access denied for .*team\/app, repository does not exist or may require authorization/ });
  const own = await store(t, { configs: { [asking.address]: { auth: right } } }).pull(name, [wrong]);
  t.equal(own.auth, undefined, 'the node\'s own');
  t.match(await store(t, { configs: { [asking.address]: { auth: { auth: Buffer.from('right:p').toString('base64') } } } }).pull(name, []), { id: image.config.digest });
});

t.test('tokens: for this scope, for as long as they hold, by password or refresh token', async (t) => {
  const asking = await registry(t);
  const left = new Map<string, number>();
  const asked: string[] = [];
  asking.guard = ({ url = '', headers, method }, response, body) => {
    if (url.startsWith('/token')) {
      asked.push(`${method ?? ''} ${url} ${headers.authorization ?? ''} ${body}`);
      const fits = headers.authorization === basic('right', 'p') || body.includes('refresh_token=eternal');
      if (!fits) return response.writeHead(401).end().writableEnded;
      const token = `token-${String(left.size)}`;
      left.set(token, 2);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(left.size % 2 === 0 ? { token } : { access_token: token }));
      return true;
    }
    // Each token is good for two requests.
    const [token, uses] = [headers.authorization?.slice('Bearer '.length) ?? '', left.get(headers.authorization?.slice('Bearer '.length) ?? '') ?? 0];
    left.set(token, uses - 1);
    if (uses > 0) return false;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${asking.url}/token",service="reg istry",scope="repository:team/app:pull"` }).end();
    return true;
  };
  const name = `${asking.address}/team/app:1`;
  t.match(await store(t).pull(name, [{ username: 'right', password: 'p' }]), { id: image.config.digest });
  t.ok(asked.length >= 2, `${String(asked.length)} tokens: one that is over is asked for anew in the middle of a pull`);
  t.match(asked[0], /^GET \/token\?service=reg\+istry&scope=repository%3Ateam%2Fapp%3Apull /);
  t.match(await store(t, { configs: { [asking.address]: { auth: { identity_token: 'eternal' } } } }).pull(name, []), { id: image.config.digest });
  t.match(asked.find((line) => line.startsWith('POST')), /grant_type=refresh_token/);
  t.match(await store(t).pull(name, [{ username: 'wrong', password: 'p' }]).catch(refusal), { reason: 'ErrImagePull' });
  left.set('given', 1);
  t.match(await store(t, { configs: { [asking.address]: { auth: { registrytoken: 'given' } } } }).pull(name, []).catch(refusal), { message: /pull access denied/ }, 'a token that is given holds as long as it holds');
});

t.test('what is for the registry does not go where it redirects to', async (t) => {
  const [asking, blobs] = [await registry(t), await registry(t)];
  const seen: (string | undefined)[] = [];
  blobs.guard = ({ headers }) => {
    seen.push(headers.authorization);
    return false;
  };
  asking.guard = ({ url = '', headers }, response) => {
    if (headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    else if (url.includes('/blobs/')) response.writeHead(307, { location: `${blobs.url}${url}` }).end();
    else return false;
    return true;
  };
  t.match(await store(t).pull(`${asking.address}/team/app:1`, [{ username: 'u', password: 'p' }]), { id: image.config.digest });
  t.same(new Set(seen), new Set([undefined]));
  const told: string[] = [];
  blobs.guard = ({ url = '', headers }, response, body) => {
    told.push(`${url} ${headers.authorization ?? ''} ${body}`);
    if (url.startsWith('/back')) response.writeHead(302, { location: `${asking.url}/v2/team/app/manifests/back` }).end();
    else if (url.startsWith('/secret')) response.writeHead(200).end('root:$6$secret');
    else if (url.startsWith('/broken')) response.writeHead(500).end('root:$6$secret');
    else response.writeHead(401, { 'www-authenticate': `Bearer realm="${blobs.url}/token"` }).end();
    return true;
  };
  const credentials = [{ username: 'u', password: 'hunter2' }];
  let heard: (string | undefined)[] = [];
  for (const [to, message] of [['/challenge', /pull access denied/], ['/secret', /what the registry led to is none/], ['/broken', /unexpected status 500(;|$)/], ['/back', /unexpected status 418|pull access denied/]] as const) {
    heard = [];
    asking.guard = ({ url = '', headers }, response) => {
      heard.push(headers.authorization);
      if (url.includes('/manifests/back')) response.writeHead(418).end();
      else if (headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      else response.writeHead(302, { location: `${blobs.url}${to}` }).end();
      return true;
    };
    const error = await store(t).pull(`${asking.address}/team/app:1`, credentials).catch(refusal);
    t.match(error, { message }, to);
    t.notMatch(String(error), /secret/);
    if (to === '/back') t.equal(heard.at(-1), undefined, 'nor do they come back by a way round');
  }
  t.notMatch(told.join('\n'), new RegExp(`hunter2|${basic('u', 'hunter2').slice('Basic '.length)}|Basic`), 'who was redirected to asks in vain');
  for (const location of ['file:///etc/shadow', 'gopher://x/', 'http://', 'javascript:0']) {
    asking.guard = (_request, response) => response.writeHead(302, { location }).end().writableEnded;
    t.match(await store(t).pull(`${asking.address}/team/app:1`, []).catch(refusal), { reason: /RegistryUnavailable|ErrImagePull/ }, location);
  }
  asking.guard = ({ url = '' }, response) => (url.startsWith('/token') ? response.writeHead(200).end('{"token":"a\\nb"}') : response.writeHead(401, { 'www-authenticate': `Bearer realm="${asking.url}/token"` }).end()).writableEnded;
  t.match(await store(t).pull(`${asking.address}/team/app:1`, []).catch(refusal), { message: /was asked for a token and gave none/ });
  asking.guard = ({ url = '' }, response) => response.writeHead(302, { location: url }).end().writableEnded;
  t.match(await store(t).pull(`${asking.address}/team/app:1`, []).catch(refusal), { message: /more than 10 redirects/ });
});
