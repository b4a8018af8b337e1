// Who asks, and what they may.
import type { Row } from '../exchange.ts';
import { APPS, configMap, get, NS, patch, post, put, remove } from '../rows.ts';

const AUTHN = '/apis/authentication.k8s.io/v1';
const AUTHZ = '/apis/authorization.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const anonymous = { as: 'anonymous' };
const alice = { as: 'alice' };
const bearer = (token: string): object => ({ as: 'anonymous', headers: { authorization: `Bearer ${token}` } });
const review = (kind: string, spec: object): object => ({ apiVersion: 'authorization.k8s.io/v1', kind, spec });
const role = (name: string, rules: object[]): object => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules });
const binding = (name: string, roleName: string, user: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleName },
});

export const IDENTITY: readonly Row[] = [
  ...['/version', '/healthz', '/livez', '/readyz', '/healthz/ping', '/api', '/apis', '/apis/apps', '/openapi/v2', '/openapi/v3', '/metrics', '/', '/logs', '/nonsense', '/.well-known/openid-configuration', '/openid/v1/jwks', '/api/v1', '/apis/nonsense/v1'].map((path) => get(`anonymous ${path}`, path, { ...anonymous })),
  get('anonymous list', `${NS}/pods`, anonymous),
  get('anonymous get', `${NS}/pods/web`, anonymous),
  get('anonymous list of nodes', '/api/v1/nodes', anonymous),
  get('anonymous watch', `${APPS}/deployments?watch=1`, anonymous),
  get('anonymous unknown resource', `${NS}/nonsense`, anonymous),
  get('anonymous log', `${NS}/pods/web/log`, anonymous),
  post('anonymous create', `${NS}/configmaps`, configMap('mine'), anonymous),
  put('anonymous update', `${NS}/configmaps/one`, configMap('one'), anonymous),
  patch('anonymous patch', `${NS}/configmaps/one`, {}, 'merge', anonymous),
  remove('anonymous delete', `${NS}/configmaps/one`, undefined, anonymous),
  remove('anonymous delete of a collection', `${NS}/configmaps`, undefined, anonymous),
  post('anonymous malformed body', `${NS}/configmaps`, '{', anonymous),
  post('anonymous self review', `${AUTHN}/selfsubjectreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, anonymous),
  post('anonymous self access review', `${AUTHZ}/selfsubjectaccessreviews`, review('SelfSubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } }), anonymous),
  { name: 'anonymous HEAD', method: 'HEAD', path: `${NS}/pods/web`, ...anonymous },
  { name: 'anonymous OPTIONS', method: 'OPTIONS', path: '/version', ...anonymous },
  get('wrong token', `${NS}/pods`, bearer('nonsense')),
  get('wrong token for version', '/version', bearer('nonsense')),
  get('wrong jwt', `${NS}/pods`, bearer('eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ.AAAA')),
  get('empty token', `${NS}/pods`, { as: 'anonymous', headers: { authorization: 'Bearer ' } }),
  get('two word token', `${NS}/pods`, { as: 'anonymous', headers: { authorization: 'Bearer a b' } }),
  get('basic credentials', `${NS}/pods`, { as: 'anonymous', headers: { authorization: 'Basic YTpi' } }),
  get('certificate and wrong token', `${NS}/configmaps/one`, { headers: { authorization: 'Bearer nonsense' } }),
  // alice may nothing at first, then read configmaps in the namespace.
  get('alice lists pods', `${NS}/pods`, alice),
  get('alice lists all pods', '/api/v1/pods', alice),
  get('alice gets a node', '/api/v1/nodes/{ns}', alice),
  get('alice reads a log', `${NS}/pods/web/log`, alice),
  get('alice gets a namespace', '/api/v1/namespaces/{ns}', alice),
  get('alice lists namespaces', '/api/v1/namespaces', alice),
  get('alice version', '/version', alice),
  get('alice metrics', '/metrics', alice),
  get('alice api', '/api/v1', alice),
  patch('alice scales', `${APPS}/deployments/web/scale`, { spec: { replicas: 1 } }, 'merge', alice),
  post('alice execs', `${NS}/pods/web/exec?command=ls`, undefined, alice),
  post('alice unknown group', '/apis/nonsense/v1/namespaces/{ns}/things', {}, alice),
  { name: 'alice unknown method', method: 'PROPFIND', path: `${NS}/pods`, ...alice },
  post('role', `${RBAC}/namespaces/{ns}/roles`, role('reader', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }, { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['create', 'update'] }])),
  post('role binding', `${RBAC}/namespaces/{ns}/rolebindings`, binding('reader', 'reader', 'alice')),
  get('alice gets a configmap', `${NS}/configmaps/one`, alice),
  get('alice gets another', `${NS}/configmaps/none`, alice),
  get('alice watches', `${NS}/configmaps?watch=1`, alice),
  remove('alice deletes', `${NS}/configmaps/one`, undefined, alice),
  post('alice escalates', `${RBAC}/namespaces/{ns}/roles`, role('more', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]), alice),
  post('alice binds more', `${RBAC}/namespaces/{ns}/rolebindings`, { ...binding('more', 'node-bootstrapper', 'alice'), roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-bootstrapper' } }, alice),
  post('alice binds what is not there', `${RBAC}/namespaces/{ns}/rolebindings`, binding('none', 'none', 'alice'), alice),
  post('alice makes a role within her own', `${RBAC}/namespaces/{ns}/roles`, role('less', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]), alice),
  post('alice who am I', `${AUTHN}/selfsubjectreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, alice),
  post('alice may I', `${AUTHZ}/selfsubjectaccessreviews`, review('SelfSubjectAccessReview', { resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } }), alice),
  post('alice may I not', `${AUTHZ}/selfsubjectaccessreviews`, review('SelfSubjectAccessReview', { resourceAttributes: { namespace: '{ns}', verb: 'delete', resource: 'configmaps' } }), alice),
  post('alice rules', `${AUTHZ}/selfsubjectrulesreviews`, review('SelfSubjectRulesReview', { namespace: '{ns}' }), alice),
  post('who may', `${AUTHZ}/subjectaccessreviews`, review('SubjectAccessReview', { user: 'alice', resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } })),
  post('who may a path', `${AUTHZ}/subjectaccessreviews`, review('SubjectAccessReview', { user: 'alice', nonResourceAttributes: { path: '/metrics', verb: 'get' } })),
  post('who may without a user', `${AUTHZ}/subjectaccessreviews`, review('SubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'configmaps' } })),
  post('who may without attributes', `${AUTHZ}/subjectaccessreviews`, review('SubjectAccessReview', { user: 'alice' })),
  post('who may with both attributes', `${AUTHZ}/subjectaccessreviews`, review('SubjectAccessReview', { user: 'a', resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/' } })),
  post('who may here', `${AUTHZ}/namespaces/{ns}/localsubjectaccessreviews`, { ...review('LocalSubjectAccessReview', { user: 'alice', resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } }), metadata: { namespace: '{ns}' } }),
  post('who may here of elsewhere', `${AUTHZ}/namespaces/{ns}/localsubjectaccessreviews`, review('LocalSubjectAccessReview', { user: 'alice', resourceAttributes: { namespace: 'other', verb: 'get', resource: 'configmaps' } })),
  post('who am I', `${AUTHN}/selfsubjectreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, { as: 'bob' }),
  post('token review of nonsense', `${AUTHN}/tokenreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'nonsense' } }),
  post('token review of nothing', `${AUTHN}/tokenreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: {} }),
  get('list of reviews', `${AUTHZ}/subjectaccessreviews`),
  get('impersonated groups', `${NS}/pods`, { as: 'carol', headers: { 'impersonate-group': 'devs' } }),
  get('impersonated group without user', `${NS}/pods`, { headers: { 'impersonate-group': 'devs' } }),
  get('impersonated service account', `${NS}/pods`, { as: 'system:serviceaccount:{ns}:default' }),
  get('impersonation by anonymous', `${NS}/pods`, { as: 'anonymous', headers: { 'impersonate-user': 'alice' } }),
  get('impersonated masters', `${NS}/configmaps/one`, { as: 'dave', headers: { 'impersonate-group': 'system:masters' } }),
  get('impersonated node', '/api/v1/nodes/other', { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
  get('impersonated node gets a secret', `${NS}/secrets/keys`, { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
  get('impersonated node lists secrets', `${NS}/secrets`, { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
  patch('impersonated node patches another node', '/api/v1/nodes/other/status', {}, 'merge', { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
];
