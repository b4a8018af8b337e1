// Who asks, over real TLS: certificates of clients and of front proxies, bootstrap tokens, impersonation in its modes.
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:http2';
import t from 'tap';
import { CLUSTERROLEBINDINGS, CLUSTERROLES, CONFIGMAPS, SECRETS } from '../../../internal/kinds/generated/resources.ts';
import type { PolicyRule } from '../../../internal/kinds/generated/api-types.ts';
import { FRONT_PROXY_LEAF } from '../../../internal/cluster/front-proxy.ts';
import { plan as planCleaning } from '../../../internal/controllers/tokens/cleaner.ts';
import { plan as planSigning } from '../../../internal/controllers/tokens/bootstrap-signer.ts';
import type { ConfigMap, Secret } from '../../../internal/kinds/generated/api-types.ts';
import { startApiServer } from '../../support/api-server.ts';

const server = await startApiServer();
t.teardown(() => server.remove());
const { admin, authority } = server;
const ca = authority.serverCa.certificate;

interface Who {
  username: string;
  groups: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}
interface Answer {
  code: number;
  who: Who | undefined;
  message: string;
}
type Headers = Record<string, string | string[]>;
type Pair = { cert?: string; key?: string };

const REVIEW = '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}';
const PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

function whoAmI(pair: Pair, headers: Headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ask = httpsRequest(`${server.url}${PATH}`, { agent: false, method: 'POST', ca, ...pair, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(read(answer.statusCode ?? 0, Buffer.concat(chunks).toString())));
    });
    ask.on('error', reject);
    ask.end(REVIEW);
  });
}

function read(code: number, text: string): Answer {
  const { message = '', status } = JSON.parse(text) as { message?: string; status?: { userInfo?: Who } };
  return { code, message, who: status?.userInfo };
}

async function bind(name: string, user: string, rules: PolicyRule[]): Promise<void> {
  await admin.create(CLUSTERROLES, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules });
  await admin.create(CLUSTERROLEBINDINGS, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }] });
}

function headersOf({ username, uid, groups, extra = {} }: Who): Headers {
  return { 'X-Remote-User': username, 'X-Remote-Uid': uid ?? '', 'X-Remote-Group': groups, ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`X-Remote-Extra-${encodeURIComponent(key)}`, values])) };
}

t.test('a front proxy says for whom it speaks, and nobody else can', async (t) => {
  const { file, ca: by, ...leaf } = FRONT_PROXY_LEAF;
  const { certificate: cert, key } = authority.leaf(file, by, leaf);
  const proxy = { cert, key };
  const user = { username: 'jane', uid: 'u-1', groups: ['CN=dev, DC=example', 'ops'], extra: { 'example.com/scopes': ['a', 'b'] } };
  const told = await whoAmI(proxy, headersOf(user));
  t.same(told.who, { ...user, groups: [...user.groups, 'system:authenticated'] });
  t.equal((await whoAmI(proxy)).code, 401, 'it is nobody by itself');
  const other = authority.leaf('other-proxy', 'requestHeaderCa', { subject: { commonName: 'system:admin', organizations: ['system:masters'] }, usages: ['client'] });
  t.equal((await whoAmI({ cert: other.certificate, key: other.key }, headersOf(user))).code, 401, 'a name that is not allowed');
  const joe = server.credentials('joe', 'dev');
  t.match((await whoAmI({ cert: joe.cert, key: joe.key }, headersOf(user))).who, { username: 'joe', groups: ['dev', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': [/^X509SHA256=[0-9a-f]{64}$/] } });
  t.equal((await whoAmI({}, headersOf(user))).who?.username ?? 'refused', 'refused');
  const session = connect(server.url, { ca, ...proxy });
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/json', ...Object.fromEntries(Object.entries(headersOf(user)).map(([name, value]) => [name.toLowerCase(), value])) });
  stream.end(REVIEW);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  session.close();
  t.same(read(201, text).who?.groups, [...user.groups, 'system:authenticated'], 'over HTTP/2 as well');
});

const secret = (id: string, data: Record<string, string>, type = 'bootstrap.kubernetes.io/token'): Parameters<typeof admin.create<Secret>>[1] => ({
  apiVersion: 'v1', kind: 'Secret', metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' }, type,
  stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...data },
});

t.test('a bootstrap token lets in until it ends', async (t) => {
  const bearer = async (id: string, password = '0123456789abcdef'): Promise<Who | undefined> => (await whoAmI({}, { authorization: `Bearer ${id}.${password}` })).who;
  await admin.create(SECRETS, secret('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a', expiration: '2100-01-01T00:00:00Z' }));
  t.same(await bearer('aaaaaa'), { username: 'system:bootstrap:aaaaaa', groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b', 'system:authenticated'] });
  t.equal(await bearer('aaaaaa', '0123456789abcdee'), undefined, 'another password');
  await admin.create(SECRETS, secret('bbbbbb', { expiration: '2020-01-01T00:00:00Z' }));
  await admin.create(SECRETS, secret('cccccc', { 'usage-bootstrap-authentication': 'false' }));
  await admin.create(SECRETS, secret('dddddd', { 'auth-extra-groups': 'system:masters' }));
  await admin.create(SECRETS, secret('eeeeee', {}, 'Opaque'));
  await admin.create(SECRETS, secret('ffffff', { expiration: 'soon' }));
  for (const id of ['bbbbbb', 'cccccc', 'dddddd', 'eeeeee', 'ffffff', 'nobody']) t.equal(await bearer(id), undefined, id);
});

t.test('ended tokens are taken away, and cluster-info is signed by those that may sign', async (t) => {
  const now = Date.parse('2026-11-21T00:00:00Z');
  const stored = async (id: string, data: Record<string, string>): Promise<Secret> => admin.create(SECRETS, secret(id, data));
  t.equal(planCleaning(await stored('000001', { expiration: '2026-11-20T00:00:00Z' }), now).actions.length, 1);
  t.match(planCleaning(await stored('000002', { expiration: '2026-11-21T00:00:10Z' }), now), { actions: [], againInMs: 10_000 });
  t.match(planCleaning(await stored('000003', {}), now), { actions: [] });
  const info: ConfigMap = await admin.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig: 'text', 'jws-kubeconfig-gone': 'x' } });
  const { actions } = planSigning({ info, tokens: [await stored('000004', { 'usage-bootstrap-signing': 'true' }), await stored('000005', {})] }, now);
  const [action] = actions as { object: ConfigMap }[];
  // Made with Python's hmac.
  t.same(action?.object.data, { kubeconfig: 'text', 'jws-kubeconfig-000004': 'eyJhbGciOiJIUzI1NiIsImtpZCI6IjAwMDAwNCJ9..4AVyplJQSj7vD3COPEhuk0qU50HW91EPiwndzfRilpg' });
  t.same(planSigning({ info: action?.object as ConfigMap, tokens: [await admin.get(SECRETS, { namespace: 'kube-system', name: 'bootstrap-token-000004' })] }, now).actions, []);
});

t.test('impersonation: the narrow modes for what is granted, the old one for the rest', async (t) => {
  const as = (name: string, more: Headers = {}): Headers => ({ 'impersonate-user': name, ...more });
  const person = (name: string): Pair => {
    const { cert, key } = server.credentials(name);
    return { cert, key };
  };
  const legacy = person('legacy');
  await bind('legacy', 'legacy', [{ apiGroups: [''], resources: ['users', 'groups', 'serviceaccounts'], verbs: ['impersonate'] }, { apiGroups: ['authentication.k8s.io'], resources: ['uids', 'userextras/example.com/scopes'], verbs: ['impersonate'] }]);
  t.same((await whoAmI(legacy, as('bob', { 'impersonate-group': ['a, b', 'c'], 'impersonate-uid': '7', 'impersonate-extra-example.com%2fscopes': ['x', 'y'] }))).who, { username: 'bob', uid: '7', groups: ['a, b', 'c', 'system:authenticated'], extra: { 'example.com/scopes': ['x', 'y'] } });
  t.same((await whoAmI(legacy, as('system:serviceaccount:ns:one'))).who?.groups, ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated']);
  t.equal((await whoAmI(legacy, as('bob', { 'impersonate-extra-other': 'x' }))).message, 'userextras.authentication.k8s.io "x" is forbidden: User "legacy" cannot impersonate resource "userextras/other" in API group "authentication.k8s.io" at the cluster scope');
  t.match(await whoAmI(legacy, { 'impersonate-uid': '7' }), { code: 400, message: 'requested &user.DefaultInfo{Name:"", UID:"7", Groups:[]string(nil), Extra:map[string][]string(nil)} without impersonating a user name' });

  const narrow = person('narrow');
  await bind('narrow', 'narrow', [
    { apiGroups: ['authentication.k8s.io'], resources: ['users'], resourceNames: ['bob'], verbs: ['impersonate:user-info'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['groups'], verbs: ['impersonate:user-info'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['nodes'], resourceNames: ['n1'], verbs: ['impersonate:arbitrary-node'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['impersonate-on:user-info:create', 'impersonate-on:arbitrary-node:create'] },
  ]);
  t.same((await whoAmI(narrow, as('bob', { 'impersonate-group': 'dev' }))).who?.groups, ['dev', 'system:authenticated']);
  t.same((await whoAmI(narrow, as('system:node:n1'))).who?.groups, ['system:nodes', 'system:authenticated']);
  t.equal((await whoAmI(narrow, as('system:node:n2'))).code, 403);
  t.equal((await whoAmI(narrow, as('eve'))).message, 'users.authentication.k8s.io "eve" is forbidden: User "narrow" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope');
  t.match((await whoAmI(narrow, as('bob', { 'impersonate-group': 'system:masters' }))).message, /impersonating the system:masters group is not allowed/);
  t.match((await whoAmI(person('nobody'), as('bob'))).message, 'cannot impersonate-on:user-info:create resource "selfsubjectreviews"');
});
