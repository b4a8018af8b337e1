// Who may: all four access reviews with selectors and mistakes, tokens and what they are bound to, reviews of tokens, impersonation in full.
import type { Row } from '../exchange.ts';
import { configMap, get, NS, patch, pod, post, remove } from '../rows.ts';

const AUTHN = '/apis/authentication.k8s.io/v1';
const AUTHZ = '/apis/authorization.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ACCOUNT = `${NS}/serviceaccounts/worker`;

const SHAPES: Readonly<Record<string, object>> = {
  'empty': {},
  'selectors of fields': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] } } },
  'raw selectors': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: 'spec.nodeName=n1' }, labelSelector: { rawSelector: 'a in (b,c)' } } },
  'raw selectors of nonsense': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: 'a b c' }, labelSelector: { rawSelector: '===' } } },
  'selectors both ways': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] }, labelSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] } } },
  'selectors of nothing': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: {}, labelSelector: {} } },
  'selectors with mistakes': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { requirements: [{ key: '', operator: 'In' }, { key: 'a', operator: 'Exists', values: ['x'] }, { key: 'a', operator: 'Odd' }] }, labelSelector: { requirements: [{ key: '', operator: 'In' }, { key: 'a b', operator: 'In', values: [] }, { key: 'a', operator: 'DoesNotExist', values: ['x'] }, { key: 'a', operator: '', values: ['x'] }] } } },
  'selectors of operators': { resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { requirements: [{ key: 'a', operator: 'NotIn', values: ['b'] }, { key: 'c', operator: 'Exists' }] }, labelSelector: { requirements: [{ key: 'a', operator: 'NotIn', values: ['b'] }, { key: 'c', operator: 'DoesNotExist' }] } } },
  'a verb of all': { resourceAttributes: { verb: '*', resource: '*', group: '*' } },
  'nothing of a resource': { resourceAttributes: {} },
  'everything of a resource': { resourceAttributes: { namespace: '{ns}', verb: 'get', group: 'apps', version: 'v1', resource: 'deployments', subresource: 'scale', name: 'web' } },
  'a path': { nonResourceAttributes: { path: '/openapi/v2', verb: 'get' } },
  'an empty path': { nonResourceAttributes: {} },
  'both': { resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/' } },
  'unknown fields': { resourceAttributes: { verb: 'get', odd: 1 }, odd: 2 },
  'wrong types': { resourceAttributes: 'x' },
};
const ask = (plural: string, kind: string, spec: object, metadata?: object): [string, object] => [`${AUTHZ}/${plural}`, { apiVersion: 'authorization.k8s.io/v1', kind, ...(metadata !== undefined && { metadata }), spec }];
const LOCAL = 'namespaces/{ns}/localsubjectaccessreviews';

const reviews = Object.entries(SHAPES).flatMap(([name, spec]) => [
  post(`permissions: may I, ${name}`, ...ask('selfsubjectaccessreviews', 'SelfSubjectAccessReview', spec), { as: 'reader' }),
  post(`permissions: may they, ${name}`, ...ask('subjectaccessreviews', 'SubjectAccessReview', { user: 'reader', groups: ['a'], ...spec })),
  post(`permissions: may they here, ${name}`, ...ask(LOCAL, 'LocalSubjectAccessReview', { user: 'reader', ...spec })),
]);

const may = (name: string, spec: object, more: object = {}): Row => post(`permissions: ${name}`, ...ask('subjectaccessreviews', 'SubjectAccessReview', spec), more);
const narrow = { resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'secrets' } };
const tokenFor = (name: string, spec: object, metadata?: object): Row => post(`permissions: token ${name}`, `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', ...(metadata !== undefined && { metadata }), spec });
const bound = (name: string, ref: object, more: object = {}): Row => tokenFor(`bound to ${name}`, { boundObjectRef: { apiVersion: 'v1', ...ref }, ...more });
const reviewOf = (name: string, spec: object): Row => post(`permissions: token review, ${name}`, `${AUTHN}/tokenreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
const whoAmI = (name: string, headers: Record<string, string>, as?: string): Row => post(`permissions: who am I, ${name}`, `${AUTHN}/selfsubjectreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, { headers, ...(as !== undefined && { as }) });
const impersonator = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: '{ns}-impersonator' }, rules: [{ apiGroups: [''], resources: ['users'], verbs: ['impersonate'], resourceNames: ['fred'] }, { apiGroups: [''], resources: ['groups'], verbs: ['impersonate'], resourceNames: ['devs'] }, { apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes', 'uids'], verbs: ['impersonate'], resourceNames: ['view', '17'] }] };

export const PERMISSIONS: readonly Row[] = [
  post('permissions: account', `${NS}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'worker' } }, { save: 'worker' }),
  post('permissions: pod of the account', `${NS}/pods`, pod('worked', { serviceAccountName: 'worker' }), { save: 'worked' }),
  post('permissions: pod of another', `${NS}/pods`, pod('idle')),
  post('permissions: bound pod', `${NS}/pods/worked/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'worked' }, target: { kind: 'Node', name: '{ns}' } }),
  post('permissions: secret', `${NS}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'worked' } }),
  post('permissions: role', `${RBAC}/namespaces/{ns}/roles`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'narrow' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'], resourceNames: ['worked'] }, { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['*'] }] }),
  post('permissions: role bound', `${RBAC}/namespaces/{ns}/rolebindings`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'narrow' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }, { kind: 'ServiceAccount', name: 'worker', namespace: '{ns}' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'narrow' } }),
  ...reviews,
  may('may a group', { groups: ['system:masters'], resourceAttributes: { verb: 'get', resource: 'pods' } }),
  may('may an account', { user: 'system:serviceaccount:{ns}:worker', groups: ['system:serviceaccounts'], ...narrow }),
  may('may by name', { user: 'reader', resourceAttributes: { ...narrow.resourceAttributes, name: 'worked' } }),
  may('may by another name', { user: 'reader', resourceAttributes: { ...narrow.resourceAttributes, name: 'other' } }),
  may('may with extra', { user: 'reader', uid: '17', extra: { scopes: ['a'], UPPER: ['b'] }, ...narrow }),
  may('may scale', { user: 'reader', resourceAttributes: { namespace: '{ns}', verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale' } }),
  may('may a node', { user: 'system:node:{ns}', groups: ['system:nodes'], resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'secrets', name: 'worked' } }),
  may('may a node its own', { user: 'system:node:{ns}', groups: ['system:nodes'], resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['{ns}'] }] } } }),
  may('may a node all', { user: 'system:node:{ns}', groups: ['system:nodes'], resourceAttributes: { verb: 'list', resource: 'pods' } }),
  may('as table', { user: 'reader', ...narrow }, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }),
  may('dry', { user: 'reader', ...narrow }, {}),
  post('permissions: named review', ...ask('subjectaccessreviews', 'SubjectAccessReview', { user: 'reader', ...narrow }, { name: 'x', labels: { a: 'b' } })),
  post('permissions: local review of elsewhere', ...ask(LOCAL, 'LocalSubjectAccessReview', { user: 'reader', ...narrow }, { namespace: 'other' })),
  post('permissions: review of another kind', `${AUTHZ}/subjectaccessreviews`, configMap('x')),
  post('permissions: rules, none', ...ask('selfsubjectrulesreviews', 'SelfSubjectRulesReview', {}), { as: 'reader' }),
  post('permissions: rules', ...ask('selfsubjectrulesreviews', 'SelfSubjectRulesReview', { namespace: '{ns}' }), { as: 'reader' }),
  post('permissions: rules of a node', ...ask('selfsubjectrulesreviews', 'SelfSubjectRulesReview', { namespace: '{ns}' }), { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
  get('permissions: reviews cannot be read', `${AUTHZ}/selfsubjectaccessreviews/x`), remove('permissions: reviews cannot be deleted', `${AUTHZ}/subjectaccessreviews`), patch('permissions: reviews cannot be patched', `${AUTHZ}/subjectaccessreviews/x`, {}, 'merge'),
  tokenFor('plain', {}), tokenFor('for some', { audiences: ['a', 'b'] }), tokenFor('for an hour', { expirationSeconds: 3600 }), tokenFor('for an hour and more', { expirationSeconds: 3607 }), tokenFor('for too long', { expirationSeconds: 4294967297 }), tokenFor('below nothing', { expirationSeconds: -1 }),
  tokenFor('named', {}, { name: 'worker', namespace: '{ns}' }), tokenFor('of another name', {}, { name: 'other' }), tokenFor('of another namespace', {}, { namespace: 'other' }), tokenFor('of another uid', {}, { uid: 'x' }), tokenFor('with nothing', { audiences: [''] }),
  bound('its pod', { kind: 'Pod', name: 'worked' }), bound('its pod by uid', { kind: 'Pod', name: 'worked', uid: '{worked.metadata.uid}' }), bound('its pod by another uid', { kind: 'Pod', name: 'worked', uid: 'x' }), bound('another’s pod', { kind: 'Pod', name: 'idle' }), bound('its pod for a year', { kind: 'Pod', name: 'worked' }, { expirationSeconds: 3607 }),
  bound('a secret', { kind: 'Secret', name: 'worked' }), bound('no secret', { kind: 'Secret', name: 'none' }), bound('a node', { kind: 'Node', name: '{ns}' }), bound('no node', { kind: 'Node', name: 'none' }), bound('a node of another uid', { kind: 'Node', name: '{ns}', uid: 'x' }), bound('nothing named', { kind: 'Pod' }), bound('no kind', { name: 'x' }), bound('a pod of another group', { kind: 'Pod', name: 'worked', apiVersion: 'apps/v1' }), bound('a pod of no version', { kind: 'Pod', name: 'worked', apiVersion: '' }), bound('a pod of nonsense', { kind: 'Pod', name: 'worked', apiVersion: 'a/b/c' }),
  post('permissions: token, dry run', `${ACCOUNT}/token?dryRun=All`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }), post('permissions: token without kind', `${ACCOUNT}/token`, { spec: {} }), post('permissions: token of an older version', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1beta1', kind: 'TokenRequest', spec: {} }), post('permissions: token unread', `${ACCOUNT}/token?fieldValidation=Strict`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { odd: 1 } }),
  post('permissions: token by nobody', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }, { as: 'nobody' }), post('permissions: token by its node', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'worked', uid: '{worked.metadata.uid}' } } }, { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }), post('permissions: token by its node, unbound', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }, { as: 'system:node:{ns}', headers: { 'impersonate-group': 'system:nodes' } }),
  post('permissions: a token to review', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'worked' } } }, { save: 'issued' }),
  post('permissions: a token for others', `${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['others', 'more'] } }, { save: 'others' }),
  reviewOf('its own', { token: '{issued.status.token}' }), reviewOf('for others', { token: '{issued.status.token}', audiences: ['others'] }), reviewOf('of others', { token: '{others.status.token}' }), reviewOf('of others for others', { token: '{others.status.token}', audiences: ['others', 'none'] }), reviewOf('empty audience', { token: '{issued.status.token}', audiences: [''] }), reviewOf('of three parts', { token: 'a.b.c' }), reviewOf('with spaces', { token: ' x ' }), reviewOf('unknown field', { token: 'x', odd: 1 }),
  get('permissions: with a token', `${NS}/secrets/worked`, { as: 'anonymous', headers: { authorization: 'Bearer {issued.status.token}' } }), get('permissions: with a token of others', `${NS}/secrets`, { as: 'anonymous', headers: { authorization: 'Bearer {others.status.token}' } }), get('permissions: with a token in small letters', `${NS}/secrets`, { as: 'anonymous', headers: { authorization: 'bearer {issued.status.token}' } }),
  post('permissions: who am I by token', `${AUTHN}/selfsubjectreviews`, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, { as: 'anonymous', headers: { authorization: 'Bearer {issued.status.token}' } }),
  whoAmI('as fred', {}, 'fred'), whoAmI('as fred of groups', { 'impersonate-group': 'devs' }, 'fred'), whoAmI('as fred with uid', { 'impersonate-uid': '17' }, 'fred'), whoAmI('as fred with extra', { 'impersonate-extra-scopes': 'view', 'impersonate-extra-acme.com%2fproject': 'some-project' }, 'fred'), whoAmI('uid alone', { 'impersonate-uid': '17' }), whoAmI('extra alone', { 'impersonate-extra-scopes': 'view' }), whoAmI('as anonymous', {}, 'system:anonymous'), whoAmI('as a service account', {}, 'system:serviceaccount:{ns}:worker'), whoAmI('as a service account of groups', { 'impersonate-group': 'devs' }, 'system:serviceaccount:{ns}:worker'), whoAmI('as a wrong service account', {}, 'system:serviceaccount:a'), whoAmI('as a node', { 'impersonate-group': 'system:nodes' }, 'system:node:{ns}'), whoAmI('as authenticated', { 'impersonate-group': 'system:authenticated' }, 'fred'), whoAmI('as unauthenticated', { 'impersonate-group': 'system:unauthenticated' }, 'fred'), whoAmI('as an empty user', {}, ''),
  post('permissions: impersonator', `${RBAC}/clusterroles`, impersonator), post('permissions: impersonator bound', `${RBAC}/clusterrolebindings`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: '{ns}-impersonator' }, subjects: [{ kind: 'ServiceAccount', name: 'worker', namespace: '{ns}' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: '{ns}-impersonator' } }),
  ...[{ 'impersonate-user': 'fred' }, { 'impersonate-user': 'george' }, { 'impersonate-user': 'fred', 'impersonate-group': 'devs' }, { 'impersonate-user': 'fred', 'impersonate-group': 'ops' }, { 'impersonate-user': 'fred', 'impersonate-extra-scopes': 'view' }, { 'impersonate-user': 'fred', 'impersonate-extra-scopes': 'edit' }, { 'impersonate-user': 'fred', 'impersonate-extra-other': 'view' }, { 'impersonate-user': 'fred', 'impersonate-uid': '17' }, { 'impersonate-user': 'fred', 'impersonate-uid': '18' }, { 'impersonate-user': 'system:node:x' }, { 'impersonate-user': 'system:serviceaccount:{ns}:default' }, { 'impersonate-group': 'devs' }].map((headers) => ({ ...whoAmI(`the worker, ${Object.entries(headers).map(([name, value]) => `${name.slice(12)} ${value}`).join(', ')}`, { authorization: 'Bearer {issued.status.token}', ...headers }), as: 'anonymous' })),
  remove('permissions: impersonator unbound', `${RBAC}/clusterrolebindings/{ns}-impersonator`), remove('permissions: impersonator gone', `${RBAC}/clusterroles/{ns}-impersonator`),
  remove('permissions: pod gone', `${NS}/pods/worked?gracePeriodSeconds=0`), remove('permissions: account gone', ACCOUNT), reviewOf('its account is gone', { token: '{others.status.token}', audiences: ['others'] }),
];
