// OIDC tokens from a real issuer over HTTPS on loopback: discovery, keys that change, claims and expressions, and every way in which a token is not good.
import { createSign, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createOidcTokens, parseAuthenticationConfiguration } from '../../../internal/authn/oidc/index.ts';
import type { JwtIssuer } from '../../../internal/authn/oidc/configuration.ts';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { openAuthority } from '../../../internal/cluster/authority.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-oidc-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const authority = openAuthority(folder, { clock: systemClock, random: systemRandom });
const serving = authority.leaf('issuer', 'serverCa', { subject: { commonName: 'issuer' }, names: ['127.0.0.1'], usages: ['server'] });

interface Signer {
  kid: string;
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}
const rsa = (kid: string): Signer => ({ kid, alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) });
const ec = (kid: string): Signer => ({ kid, alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) });
const [first, second, third] = [rsa('one'), ec('two'), ec('three')];
let published: Signer[] = [first, second];
let asked = 0;
const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
  asked++;
  const keys = published.map(({ kid, alg, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }));
  const body = request.url === '/.well-known/openid-configuration' ? { issuer: url, jwks_uri: `${url}/keys` } : request.url === '/keys' ? { keys } : undefined;
  response.statusCode = body === undefined ? 404 : 200;
  response.end(JSON.stringify(body ?? {}));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
t.teardown(() => server.close());
const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

let ahead = 0;
const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + ahead };
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (): number => Math.floor(Date.now() / 1000);

function tokenOf({ kid, alg, privateKey }: Signer, claims: object = {}, header: object = {}): string {
  const text = `${encode({ alg, kid, ...header })}.${encode({ iss: url, aud: 'skiff', sub: 'jane', exp: seconds() + 60, groups: ['dev', 'ops'], ...claims })}`;
  const signature = alg === 'RS256' ? createSign('sha256').update(text).sign(privateKey) : sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

const issuer = (more: Partial<JwtIssuer> = {}): JwtIssuer => ({
  issuer: { url, certificateAuthority: authority.serverCa.certificate, audiences: ['skiff', 'other'] },
  claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } },
  ...more,
});
const refusals: string[] = [];
const log = { ...silentLog, warn: (_text: string, fields?: object): void => void refusals.push(String((fields as { error?: string } | undefined)?.error)) };
const tokens = createOidcTokens([issuer()], { clock, log });

t.test('a token of the issuer is a user, by either kind of key', async (t) => {
  for (const signer of [first, second]) t.same(await tokens(tokenOf(signer, { jti: 'x1' })), { username: 'oidc:jane', groups: ['oidc:dev', 'oidc:ops'], extra: { 'authentication.kubernetes.io/credential-id': ['JTI=x1'] } });
  t.equal(asked, 2, 'discovery and keys are asked for once');
  t.same((await tokens(tokenOf(first, { groups: 'one', aud: ['x', 'other'] })))?.groups, ['oidc:one']);
  t.same((await tokens(tokenOf(first, { groups: undefined })))?.groups, []);
});

t.test('what is not good is nobody’s, and the log says why', async (t) => {
  const refused = async (token: string, why: RegExp): Promise<void> => {
    refusals.length = 0;
    t.equal(await tokens(token), undefined);
    t.match(refusals.join(), why);
  };
  await refused(tokenOf(first, { aud: 'else' }), /expected audience in/);
  await refused(tokenOf(first, { exp: seconds() - 1 }), /token is expired/);
  await refused(tokenOf(first, { exp: undefined }), /token is expired/);
  await refused(tokenOf(first, { nbf: seconds() + 400 }), /before the nbf/);
  await refused(tokenOf(first, { sub: 7 }), /claim not present/);
  await refused(tokenOf(first, { groups: [1] }), /must be a string or a list of strings/);
  await refused(tokenOf({ ...third, kid: 'one' }), /failed to verify signature/);
  await refused(tokenOf({ ...first, alg: 'RS256' }, {}, { alg: 'none' }), /failed to verify signature/);
  await refused(tokenOf(second, {}, { alg: 'RS256' }), /failed to verify signature/);
  const [head = '', , signature = ''] = tokenOf(first).split('.');
  await refused(`${head}.${encode({ iss: url, aud: 'skiff', sub: 'eve', exp: seconds() + 60 })}.${signature}`, /failed to verify signature/);
  for (const token of ['', 'a.b', 'a.b.c', tokenOf(first, { iss: 'https://elsewhere' })]) t.equal(await tokens(token), undefined);
});

t.test('a new key is found when a token names it, and nobody can make the issuer be asked all the time', async (t) => {
  published = [second, third];
  asked = 0;
  t.equal(await tokens(tokenOf(third)), undefined, 'asked a moment ago');
  t.equal(asked, 0);
  ahead += 6000;
  t.equal((await tokens(tokenOf(third)))?.username, 'oidc:jane');
  t.equal(asked, 2);
  t.equal(await tokens(tokenOf(first)), undefined, 'the old key is gone');
});

t.test('claims by expression, and rules', async (t) => {
  const read = createOidcTokens([issuer({
    claimMappings: { username: { expression: '"x:" + claims.email.split("@")[0]' }, groups: { expression: 'claims.roles.filter(r, r != "none")' }, uid: { claim: 'sub' }, extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }] },
    claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }, { expression: 'claims.level > 2', message: 'too low' }],
    userValidationRules: [{ expression: '!user.username.startsWith("system:")', message: 'reserved' }],
  })], { clock, log });
  const claims = { email: 'jane@example.com', roles: ['a', 'none', 'b'], tenant: 't1', hd: 'example.com', level: 3 };
  t.same(await read(tokenOf(second, claims)), { username: 'x:jane', groups: ['a', 'b'], uid: 'jane', extra: { 'example.com/tenant': ['t1'] } });
  for (const [change, why] of [[{ hd: 'else' }, /required claim hd value does not match/], [{ level: 1 }, /too low/]] as const) {
    refusals.length = 0;
    t.equal(await read(tokenOf(second, { ...claims, ...change })), undefined);
    t.match(refusals.join(), why);
  }
  t.throws(() => createOidcTokens([issuer({ claimMappings: { username: { expression: 'claims.(' } } })], { clock, log }), /jwt\[0\]\.claimMappings\.username\.expression/);
});

t.test('the file is read with every problem told', (t) => {
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
  t.match(parseAuthenticationConfiguration(`${head}jwt:\n- issuer: {url: https://a, audiences: [x]}\n  claimMappings: {username: {claim: sub, prefix: ""}}\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n`, 'f', 'https://own'), { jwt: [{ issuer: { url: 'https://a' } }], anonymous: { conditions: [{ path: '/livez' }] } });
  t.throws(() => parseAuthenticationConfiguration(`${head}jwt:\n- issuer: {url: http://a}\n  claimMappings: {username: {claim: sub}}\n- issuer: {url: https://own, audiences: [x]}\n  claimMappings: {username: {}}\n`, 'f', 'https://own'), {
    message: 'f: jwt[0].issuer.url: "http://a" must be an https URL without query and user; jwt[0].issuer.audiences: at least one jwt[*].issuer.audiences is required; jwt[0].claimMappings.username.prefix: prefix is required when claim is set. It can be set to an empty string to disable prefixing; jwt[1].issuer.url: URL must not overlap with disallowed issuers: [https://own]; jwt[1].claimMappings.username: exactly one of claim and expression is required',
  });
  t.throws(() => parseAuthenticationConfiguration('kind: Pod', 'f', ''), { message: 'f: must be an AuthenticationConfiguration of apiserver.config.k8s.io/v1' });
  t.end();
});
