// Tokens of service accounts: bound ones end with what they are bound to, pods' last on, Secrets' are as good as their Secret. Real keys, a real store.
import { generateKeyPairSync, createPublicKey, verify } from 'node:crypto';
import t from 'tap';
import { createTokenIssuer } from '../../../internal/authn/service-account-tokens.ts';
import { createBootstrapTokens } from '../../../internal/authn/bootstrap-tokens.ts';
import { createAdmission } from '../../../internal/admission/index.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import type { Draft } from '../../../internal/api/meta.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from '../../../internal/api/user.ts';
import { createAuthorizer } from '../../../internal/authz/authorizer.ts';
import { bootstrapPolicy } from '../../../internal/authz/bootstrap-policy.ts';
import { systemRandom as random } from '../../../internal/base/random.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { plan } from '../../../internal/controllers/tokens/serviceaccount-token.ts';
import { createPipeline } from '../../../internal/http/pipeline.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { ClusterRole, RoleBinding, Secret, TokenRequest, TokenReview } from '../../../internal/kinds/generated/api-types.ts';
import { CLUSTERROLEBINDINGS, CLUSTERROLES, NODES, PODS, ROLEBINDINGS, SECRETS, SERVICEACCOUNTS, TOKENREVIEWS } from '../../../internal/kinds/generated/resources.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import type { Clock } from '../../../internal/base/clock.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
let labelled: Promise<unknown> | undefined;
let now = Date.UTC(2026, 10, 21);
const clock: Clock = { now: () => now, monotonicMs: () => now, setTimer: () => ({ cancel: () => {} }) };
const schemas = loadSchemas();
const kinds = loadKinds(schemas);
const store = createMemoryStore({ clock });
const registry = createRegistry({ store, schemas, clock, random });
const privateKeyPem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const tokens = createTokenIssuer({ privateKeyPem, issuer: ISSUER, clock, random, store, labelSecret: ({ namespace, name, uid }, labels) => void (labelled = admin.patch(SECRETS, { namespace, name }, { type: 'merge', body: { metadata: { uid, labels } } })) });
const bootstrap = createBootstrapTokens({ store, clock });
const authorizer = createAuthorizer(store);
const admission = createAdmission({ store, kinds, schemas, authorizer, clock, random });
const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission, clock, tokens, identify: (token) => Promise.resolve(tokens.verify(token) ?? bootstrap(token)) });
await bootstrapPolicy({ registry, kinds });
const as = (user: UserInfo): Client => createClient(pipeline.as(user));
const admin = as({ username: 'admin', groups: [MASTERS_GROUP, AUTHENTICATED_GROUP] });
const account = await admin.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } });
await admin.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: {} });
const pod = await admin.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'x' }] } });

function request(client: Client, spec: Partial<TokenRequest['spec']>, metadata: object = {}): Promise<TokenRequest> {
  return client.createSub<TokenRequest>(SERVICEACCOUNTS, { namespace: 'default', name: 'default' }, 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec } as never);
}
const claimsOf = (token: string): { exp: number; iat: number; aud: string[]; 'kubernetes.io': Record<string, unknown> } => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as never;
const review = async (token: string, audiences?: string[]): Promise<TokenReview['status']> => (await admin.create(TOKENREVIEWS, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token, ...(audiences !== undefined && { audiences }) } })).status;
const bound = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: pod.metadata.uid };

t.test('a Secret gets its account’s token, which is good as long as both are there', async (t) => {
  const created = await admin.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'long', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'default' } }, type: 'kubernetes.io/service-account-token' });
  const state = { secret: created, account, issue: tokens.issueForSecret, rootCertificates: () => 'PEM' };
  const [action] = plan(state).actions as { object: Secret }[];
  const filled = await admin.update(SECRETS, action?.object as Secret);
  const text = (key: string): string => Buffer.from(filled.data?.[key] ?? '', 'base64').toString();
  t.same([text('ca.crt'), text('namespace'), filled.metadata.annotations?.['kubernetes.io/service-account.uid']], ['PEM', 'default', account.metadata.uid]);
  t.same(plan({ ...state, secret: filled }).actions, []);
  t.match(plan({ ...state, secret: filled, account: undefined }).actions, [{ type: 'delete' }], 'it goes with its account');
  t.match(plan({ ...state, account: { ...account, metadata: { ...account.metadata, uid: 'another' } }, secret: filled }).actions, [{ type: 'delete' }]);
  now += 10 * 365 * 86_400_000;
  t.match(await review(text('token')), { authenticated: true, user: { username: 'system:serviceaccount:default:default', uid: account.metadata.uid }, audiences: [ISSUER] });
  t.match(await review(text('token'), ['other']), { error: 'invalid bearer token' });
  const used = async (): Promise<string | undefined> => {
    await labelled;
    return (await admin.get(SECRETS, { namespace: 'default', name: 'long' })).metadata.labels?.['kubernetes.io/legacy-token-last-used'];
  };
  const day = new Date(now).toISOString().slice(0, 10);
  t.equal(await used(), day, 'the day of its last use stands on it');
  labelled = undefined;
  now -= 86_400_000;
  await review(text('token'));
  t.equal(labelled, undefined, 'a clock that is a day behind leaves it');
  now += 3 * 86_400_000;
  await review(text('token'));
  t.not(await used(), day);
  await admin.patch(SECRETS, { namespace: 'default', name: 'long' }, { type: 'merge', body: { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01', 'kubernetes.io/legacy-token-last-used': null } } } as never });
  t.match(await review(text('token')), { error: 'invalid bearer token' });
  t.ok(await used(), 'that one is marked invalid and still used is told');
  await admin.patch(SECRETS, { namespace: 'default', name: 'long' }, { type: 'merge', body: { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': null } } } as never });
  const again = tokens.issueForSecret({ namespace: 'default', name: 'default', uid: account.metadata.uid, secretName: 'long' });
  t.match(await review(again), { error: 'invalid bearer token' }, 'another of the same claims is not what the Secret holds');
  await admin.delete(SECRETS, { namespace: 'default', name: 'long' });
  t.match(await review(text('token')), { error: 'invalid bearer token' });
});

t.test('a pod’s token lasts on, and ends with its pod', async (t) => {
  const { status } = await request(admin, { expirationSeconds: 3607, boundObjectRef: bound });
  const claims = claimsOf(status?.token ?? '');
  t.equal(claims.exp - claims.iat, 365 * 86_400);
  t.same(claims['kubernetes.io']['warnafter'], claims.iat + 3607);
  t.equal(Date.parse(status?.expirationTimestamp ?? ''), (claims.iat + 3607) * 1000, 'whoever keeps it is told of the time that was asked');
  now += 86_400_000;
  t.match(await review(status?.token ?? ''), { authenticated: true, user: { extra: { 'authentication.kubernetes.io/pod-name': ['web'], 'authentication.kubernetes.io/node-name': ['n1'], 'authentication.kubernetes.io/credential-id': [/^JTI=/] } } });
  const short = (await request(admin, { expirationSeconds: 600, boundObjectRef: bound, audiences: ['vault', 'db'] })).status?.token ?? '';
  t.match(await review(short, ['db', 'x']), { authenticated: true, audiences: ['db'] });
  t.match(await review(short), { error: 'invalid bearer token' }, 'not for the API server');
  now += 601_000;
  t.match(await review(short, ['db']), { error: 'invalid bearer token' }, 'ended');
  t.ok(verify('sha256', Buffer.from(short.split('.').slice(0, 2).join('.')), { key: createPublicKey({ format: 'jwk', key: (tokens.keys() as { keys: object[] }).keys[0] as never }), dsaEncoding: 'ieee-p1363' }, Buffer.from(short.split('.')[2] ?? '', 'base64url')), 'the published key verifies it');
});

t.test('a kubelet asks for tokens of its own pods alone', async (t) => {
  const kubelet = (name: string): Client => as({ username: `system:node:${name}`, groups: ['system:nodes', AUTHENTICATED_GROUP] });
  const why = (spec: Partial<TokenRequest['spec']>, message: RegExp, name = 'n1'): Promise<unknown> => t.rejects(request(kubelet(name), spec), { message });
  t.ok((await request(kubelet('n1'), { boundObjectRef: bound })).status?.token);
  await why({}, /node requested token not bound to a pod/);
  await why({ boundObjectRef: { ...bound, uid: '' } }, /node requested token with a pod binding without a uid/);
  await why({ boundObjectRef: { ...bound, uid: 'x' } }, /the UID in the bound object reference \(x\) does not match/);
  await why({ boundObjectRef: bound, audiences: ['vault'] }, /audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience/);
  await why({ boundObjectRef: bound }, /no relationship found between node 'n2' and this object/, 'n2');
  await t.rejects(request(admin, {}, { uid: 'x' }), /the UID in the token request \(x\) does not match the UID of the service account/);
});

t.test('nobody grants more than they hold', async (t) => {
  const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles', 'rolebindings'], verbs: ['create', 'update'] }, { apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  await admin.create(CLUSTERROLES, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'writer' }, rules });
  await admin.create(CLUSTERROLEBINDINGS, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'writer' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' }, subjects: [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }] });
  const ann = as({ username: 'ann', groups: ['dev', AUTHENTICATED_GROUP] });
  const role = (name: string, more: object): Draft<ClusterRole> => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, ...more });
  await ann.create(CLUSTERROLES, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'fewer' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] });
  await t.rejects(ann.create(CLUSTERROLES, role('more', { rules: [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get', 'list'] }, { nonResourceURLs: ['/x'], verbs: ['get'] }] })), { message: 'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "ann" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}\n{NonResourceURLs:["/x"], Verbs:["get"]}' });
  await t.rejects(ann.create(CLUSTERROLES, role('all', { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } })), { message: 'clusterroles.rbac.authorization.k8s.io "all" is forbidden: must have cluster-admin privileges to use the aggregationRule' });
  const binding = (name: string, to: string): Draft<RoleBinding> => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name, namespace: 'default' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: to }, subjects: [] });
  await t.rejects(ann.create(ROLEBINDINGS, binding('up', 'cluster-admin')), /attempting to grant RBAC permissions not currently held/);
  t.equal((await ann.create(ROLEBINDINGS, binding('down', 'fewer'))).metadata.name, 'down');
});
