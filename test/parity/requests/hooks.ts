// What webhooks are asked, to the byte but for names and times, and what clients are told of their answers; policies in CEL beside them.
import { denyReply, patchReply, type Reply } from '../../support/webhook-server.ts';
import type { Row } from '../exchange.ts';
import { APPS, configMap, deployment, get, patch, pod, post, put, remove } from '../rows.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const HOOKED = '/api/v1/namespaces/{ns}-hooked';
const CM = `${HOOKED}/configmaps`;
const MATCH = { matchLabels: { 'kubernetes.io/metadata.name': '{ns}-hooked' } };

/** By path, what the recording webhook answers. */
export const REPLIES: Readonly<Record<string, (uid: string) => Reply>> = {
  '/allow': () => ({ response: { allowed: true } }),
  '/label': () => patchReply({ op: 'add', path: '/metadata/labels', value: { seen: 'yes' } }),
  '/warn': () => ({ response: { allowed: true, warnings: ['take care', 'a\nb', 'x'.repeat(300)], auditAnnotations: { why: 'because' } } }),
  '/deny': () => denyReply(),
  '/deny-message': () => denyReply({ message: 'not today', reason: 'Whatever', code: 418 }),
  '/deny-details': () => denyReply({ message: 'too many', reason: 'TooManyRequests', code: 429, details: { name: 'x', retryAfterSeconds: 3, causes: [{ reason: 'a', message: 'b', field: 'c' }] }, metadata: { resourceVersion: '5' } }),
  '/deny-success': () => denyReply({ status: 'Success', code: 200, message: 'fine' }),
  '/deny-warn': () => ({ response: { allowed: false, warnings: ['as I said'], status: { message: 'no' } } }),
  '/other-uid': () => ({ response: { allowed: true, uid: 'other' } }),
  '/other-version': () => ({ response: { allowed: true }, apiVersion: 'admission.k8s.io/v9' }),
  '/text': () => ({ text: 'hello' }),
  '/failing': () => ({ text: 'broken', code: 500 }),
  '/patch-text': () => ({ response: { allowed: true, patchType: 'JSONPatch', patch: Buffer.from('x').toString('base64') } }),
  '/patch-type': () => ({ response: { allowed: true, patchType: 'Merge', patch: Buffer.from('[]').toString('base64') } }),
  '/patch-no-type': () => ({ response: { allowed: true, patch: Buffer.from('[]').toString('base64') } }),
  '/patch-nowhere': () => patchReply({ op: 'replace', path: '/data/none/none', value: 'x' }),
  '/patch-name': () => patchReply({ op: 'replace', path: '/metadata/name', value: 'other' }),
  '/patch-bad': () => patchReply({ op: 'add', path: '/data', value: { 'a b': 'c' } }),
  '/patch-unknown': () => patchReply({ op: 'add', path: '/odd', value: 1 }),
  '/patch-kind': () => patchReply({ op: 'replace', path: '/kind', value: 'Secret' }),
};

const client = (path: string): object => ({ url: `{hook}${path}`, caBundle: '{hookca}' });
const hooks = (kind: 'Mutating' | 'Validating', name: string, list: readonly object[]): Row => post(`hooks: ${name}`, `${ADMISSION}/${kind.toLowerCase()}webhookconfigurations`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name: `{ns}-${kind.toLowerCase()}` }, webhooks: list });
const hook = (name: string, path: string, more: object = {}): object => ({
  name: `${name}.example.com`, clientConfig: client(path), admissionReviewVersions: ['v1'], sideEffects: 'None', namespaceSelector: MATCH, timeoutSeconds: 5,
  rules: [{ operations: ['*'], apiGroups: ['', 'apps', 'policy', 'autoscaling'], apiVersions: ['*'], resources: ['*/*'] }], ...more,
});
const gone = (kind: 'Mutating' | 'Validating', why: string): Row => remove(`hooks: ${why}`, `${ADMISSION}/${kind.toLowerCase()}webhookconfigurations/{ns}-${kind.toLowerCase()}`);
const called = (row: Row): Row => ({ ...row, name: `hooks: ${row.name}`, calls: true });
const UNTIL_SEEN = 50;

/** What a webhook says of one create. A new configuration takes effect a moment later: asked until it is called. */
const answer = (path: string, kind: 'Mutating' | 'Validating', more: object = {}): Row[] => [
  hooks(kind, `${kind.toLowerCase()} ${path} ${JSON.stringify(more)}`, [hook('one', path, more)]),
  { ...called(post(`${kind.toLowerCase()}, ${path} ${JSON.stringify(more)}`, `${CM}?dryRun=All`, configMap('made'))), untilCalled: UNTIL_SEEN },
  gone(kind, `${kind.toLowerCase()} ${path} ${JSON.stringify(more)} gone`),
];

const policy = (name: string, spec: object): Row => post(`hooks: policy ${name}`, `${ADMISSION}/validatingadmissionpolicies`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: `{ns}-${name}` }, spec: { matchConstraints: { resourceRules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] }, ...spec } });

export const HOOKS: readonly Row[] = [
  post('hooks: namespace', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}-hooked' } }),
  post('hooks: account', `${HOOKED}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
  hooks('Validating', 'all of them', [hook('one', '/allow')]),
  { ...called(post('create', CM, configMap('one'))), untilCalled: UNTIL_SEEN },
  called(post('create, dry run', `${CM}?dryRun=All&fieldManager=me&fieldValidation=Strict`, configMap('two'))),
  called(post('create, generated name', `${CM}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } })),
  called(put('update', `${CM}/one`, configMap('one', { a: '2' }))),
  called(patch('patch', `${CM}/one?fieldManager=me`, { data: { b: '2' } }, 'merge')),
  called(patch('patch of nothing new', `${CM}/one`, {}, 'merge')),
  called(patch('apply', `${CM}/one?fieldManager=me&force=true`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { c: '3' } }, 'apply')),
  called(patch('apply that creates', `${CM}/applied?fieldManager=me`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' } }, 'apply')),
  called(remove('delete, dry run', `${CM}/one?dryRun=All&gracePeriodSeconds=3`)),
  called(remove('delete with options', `${CM}/one`, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' })),
  called(remove('delete of a collection', CM)),
  called(post('a pod', `${HOOKED}/pods`, pod('web'))),
  called(patch('status of a pod', `${HOOKED}/pods/web/status`, { status: { phase: 'Running' } }, 'merge')),
  called(post('binding', `${HOOKED}/pods/web/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: 'nowhere' } })),
  called(post('eviction', `${HOOKED}/pods/web/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } })),
  called(get('log', `${HOOKED}/pods/web/log`)),
  called(post('exec', `${HOOKED}/pods/web/exec?command=ls&stdout=1&container=web`, undefined)),
  called(get('portforward', `${HOOKED}/pods/web/portforward?ports=80`)),
  called(patch('ephemeral container', `${HOOKED}/pods/web/ephemeralcontainers`, { spec: { ephemeralContainers: [{ name: 'debug', image: 'example.test/debug' }] } }, 'strategic')),
  called(remove('a bound pod', `${HOOKED}/pods/web?gracePeriodSeconds=0`)),
  called(post('deployment', `/apis/apps/v1/namespaces/{ns}-hooked/deployments`, deployment('web'))),
  called(patch('scale', `/apis/apps/v1/namespaces/{ns}-hooked/deployments/web/scale`, { spec: { replicas: 0 } }, 'merge')),
  called(post('token', `${HOOKED}/serviceaccounts/default/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })),
  called(post('by alice', CM, configMap('hers'), { as: 'alice', headers: { 'impersonate-group': 'system:masters', 'impersonate-extra-scopes': 'view', 'impersonate-uid': '17' } })),
  called(post('elsewhere', `${APPS}/deployments?dryRun=All`, deployment('x'))),
  called(get('a read', `${CM}/hers`)),
  gone('Validating', 'all of them gone'),
  ...Object.keys(REPLIES).flatMap((path) => answer(path, 'Mutating')),
  ...Object.keys(REPLIES).filter((path) => !path.startsWith('/patch')).flatMap((path) => answer(path, 'Validating')),
  ...['/failing', '/text', '/other-version'].flatMap((path) => answer(path, 'Validating', { failurePolicy: 'Ignore' })),
  hooks('Validating', 'nobody there', [hook('one', '/allow', { clientConfig: { service: { namespace: '{ns}', name: 'none', path: '/x' }, caBundle: '{hookca}' } })]),
  { ...post('hooks: nobody is asked', `${CM}?dryRun=All`, configMap('made')), until: 500 },
  gone('Validating', 'nobody there gone'),
  hooks('Validating', 'conditions', [hook('one', '/allow', { matchConditions: [{ name: 'a', expression: 'object.data.a == "1"' }] }), hook('two', '/allow', { matchConditions: [{ name: 'b', expression: 'request.userInfo.username != "bob"' }] }), hook('three', '/allow', { matchPolicy: 'Exact', objectSelector: { matchLabels: { no: 'such' } } })]),
  { ...called(post('condition that holds', `${CM}?dryRun=All`, configMap('made'))), untilCalled: UNTIL_SEEN },
  called(post('condition that does not', `${CM}?dryRun=All`, configMap('made', { a: '2' }))),
  called(post('condition that fails', `${CM}?dryRun=All`, configMap('made', {}))),
  gone('Validating', 'conditions gone'),
  policy('checked', { failurePolicy: 'Fail', validations: [{ expression: 'object.data.a == "1"', messageExpression: '"a is " + object.data.a' }, { expression: 'has(object.data.b)', message: 'b is missing', reason: 'Forbidden' }], auditAnnotations: [{ key: 'k', valueExpression: '"v"' }] }),
  post('hooks: policy bound', `${ADMISSION}/validatingadmissionpolicybindings`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: '{ns}-checked' }, spec: { policyName: '{ns}-checked', validationActions: ['Deny'], matchResources: { namespaceSelector: MATCH } } }),
  { ...post('hooks: policy denies', `${CM}?dryRun=All`, configMap('made', { a: '2' })), until: 422 },
  post('hooks: policy denies another', `${CM}?dryRun=All`, configMap('made')), post('hooks: policy fails', `${CM}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }), post('hooks: policy is content', `${CM}?dryRun=All`, configMap('made', { a: '1', b: '2' })),
  patch('hooks: policy warns', `${ADMISSION}/validatingadmissionpolicybindings/{ns}-checked`, { spec: { validationActions: ['Warn', 'Audit'] } }, 'merge'),
  { ...post('hooks: policy only warns', `${CM}?dryRun=All`, configMap('made', { a: '2' })), until: 201 },
  remove('hooks: policy unbound', `${ADMISSION}/validatingadmissionpolicybindings/{ns}-checked`), remove('hooks: policy gone', `${ADMISSION}/validatingadmissionpolicies/{ns}-checked`),
];
