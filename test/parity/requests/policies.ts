// Policies in CEL: what is wrong with them, by their types above all, and what mutating ones make of objects.
import type { Row } from '../exchange.ts';
import { configMap, get, NS, patch, post, remove } from '../rows.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const CM = `${NS}/configmaps`;
const MATCH = { resourceRules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] };
const mutating = (name: string, spec: object): Row => post(name, `${ADMISSION}/mutatingadmissionpolicies`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingAdmissionPolicy', metadata: { name: '{ns}-map' }, spec });
/** The policy in other words. What it comes to is told apart by the status, as it takes effect a moment later. */
const mutated = (name: string, spec: object): Row => patch(`map: ${name}`, `${ADMISSION}/mutatingadmissionpolicies/{ns}-map`, { spec }, 'merge');
const UNTYPED = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{spec: Object.spec{x: 1}}' } };
const validating = (name: string, spec: object): Row => post(name, `${ADMISSION}/validatingadmissionpolicies?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: '{ns}-vap' }, spec: { matchConstraints: MATCH, ...spec } });

export const POLICIES: readonly Row[] = [
  get('map: list', `${ADMISSION}/mutatingadmissionpolicies`), get('map: bindings', `${ADMISSION}/mutatingadmissionpolicybindings`),
  mutating('map: empty', {}),
  mutating('map: bad', { matchConstraints: { resourceRules: [{ operations: ['X'], apiGroups: [''], apiVersions: [], resources: ['a/b/c'] }] }, mutations: [{ patchType: 'Odd' }], reinvocationPolicy: 'Odd', failurePolicy: 'Odd' }),
  mutating('map: no mutations', { matchConstraints: MATCH, reinvocationPolicy: 'Never', mutations: [] }),
  mutating('map: two', { matchConstraints: MATCH, reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }, { patchType: 'ApplyConfiguration', jsonPatch: { expression: '[]' } }, { patchType: 'JSONPatch', jsonPatch: { expression: '' } }] }),
  mutating('map: compile', { matchConstraints: MATCH, reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'object.x +' } }, { patchType: 'ApplyConfiguration', applyConfiguration: { expression: '"a"' } }, { patchType: 'JSONPatch', jsonPatch: { expression: '[1]' } }, { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/a", odd: 1}]' } }, { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{odd: Object.odd{a: 1}}' } }], variables: [{ name: 'a b', expression: '' }, { name: 'x', expression: 'y' }], matchConditions: [{ name: '', expression: '1' }, { name: 'a', expression: 'foo' }, { name: 'a', expression: 'true' }] }),
  mutating('map: params', { matchConstraints: MATCH, paramKind: { apiVersion: '', kind: '' }, reinvocationPolicy: 'IfNeeded', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": params.data.x}}}' } }] }),
  mutating('map: made', { matchConstraints: MATCH, failurePolicy: 'Fail', reinvocationPolicy: 'Never', variables: [{ name: 'who', expression: 'request.userInfo.username' }], matchConditions: [{ name: 'only', expression: 'object.metadata.name.startsWith("map")' }], mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{annotations: {"by": variables.who}}, data: {"n": object.data.a}}' } }, { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("example.test/x"), value: "j"}, JSONPatch{op: "test", path: "/data/n", value: object.data.n}]' } }] }),
  get('map: read', `${ADMISSION}/mutatingadmissionpolicies/{ns}-map`),
  post('map: bind', `${ADMISSION}/mutatingadmissionpolicybindings`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingAdmissionPolicyBinding', metadata: { name: '{ns}-map' }, spec: { policyName: '{ns}-map', matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '{ns}' } } } } }),
  post('map: bind bad', `${ADMISSION}/mutatingadmissionpolicybindings`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingAdmissionPolicyBinding', metadata: { name: '{ns}-map2' }, spec: { policyName: '', paramRef: { name: 'a', selector: {} } } }),
  { ...post('map: fails', `${CM}?dryRun=All`, configMap('map', { b: '1' })), until: 403 },
  post('map: works', `${CM}?dryRun=All`, configMap('map', { a: '1' }), { managed: true }),
  post('map: works not', `${CM}?dryRun=All`, configMap('nap', { a: '1' })),
  mutated('of another type', { mutations: [UNTYPED] }), { ...post('map: typed', `${CM}?dryRun=All`, configMap('map', { a: '2' })), until: 403 },
  mutated('with a test', { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "test", path: "/data/a", value: "2"}, JSONPatch{op: "add", path: "/data/b", value: "added"}]' } }] }),
  { ...post('map: tested, and passed', `${CM}?dryRun=All`, configMap('map', { a: '2' })), until: 201 }, post('map: tested, and not passed', `${CM}?dryRun=All`, configMap('map', { a: '1' })),
  mutated('of another type again', { mutations: [UNTYPED] }), { ...post('map: typed again', `${CM}?dryRun=All`, configMap('map', { a: '2' })), until: 403 },
  mutated('ignored', { failurePolicy: 'Ignore' }), { ...post('map: failure ignored', `${CM}?dryRun=All`, configMap('map', { a: '1' })), until: 201 },
  remove('map: unbind', `${ADMISSION}/mutatingadmissionpolicybindings/{ns}-map`), remove('map: gone', `${ADMISSION}/mutatingadmissionpolicies/{ns}-map`),
  validating('vap: types', { validations: [{ expression: 'object.data.a' }, { expression: '1 + true' }, { expression: 'true', messageExpression: '1' }, { expression: 'true', reason: 'Odd' }, { expression: 'true', message: 'a\nb' }, { expression: 'dyn(true)' }, { expression: 'dyn("x")' }, { expression: 'params.x == 1' }, { expression: 'variables.a' }] }),
  validating('vap: variables', { variables: [{ name: 'a', expression: 'variables.b' }, { name: 'b', expression: '1' }, { name: 'b', expression: '2' }, { name: '1', expression: 'true' }, { name: 'c', expression: ' ' }], validations: [{ expression: 'variables.b == "x"' }, { expression: 'variables.z' }] }),
  validating('vap: audit', { auditAnnotations: [{ key: '', valueExpression: '"x"' }, { key: 'a b', valueExpression: '1' }, { key: 'k', valueExpression: '' }, { key: 'k', valueExpression: 'null' }], validations: [] }),
  validating('vap: nothing', { validations: [] }),
  validating('vap: namespaceObject', { validations: [{ expression: 'namespaceObject.metadata.name == "x" && namespaceObject.spec.odd == 1' }, { expression: 'request.odd' }, { expression: 'authorizer.group("").resource("pods").check("get").allowed()' }, { expression: 'oldObject == null' }] }),
  validating('vap: optional', { validations: [{ expression: 'object.?data.a.orValue("") == "x"' }, { expression: 'object.data[?"a"].hasValue()' }, { expression: 'ip("1.2.3.4").family() == 4' }, { expression: 'quantity("1") == 2' }, { expression: 'semver("1.0.0").major() == 1' }, { expression: '[1,2].all(i, v, i < v)' }] }),
  validating('vap: cost', { validations: [{ expression: 'object.data.all(a, object.data.all(b, object.data.all(c, a == b && b == c)))' }] }),
  validating('cel: types', { validations: ["timestamp('2020-01-01T00:00:00Z')", "duration('1s')", 'type(1)', 'null', '[1]', '{}', "{'a': 1}", '{1: [1u]}', 'optional.none()', "ip('1.2.3.4')", "b'x'", '1u', '1.0', "url('http://a')", "quantity('1')", 'authorizer', 'request', 'request.userInfo', 'namespaceObject', 'object', 'variables', '[]', '[null]', "optional.of(1)", "cidr('1.2.3.0/24')", "semver('1.0.0')", "format.dns1123Label()", "authorizer.group('')", "authorizer.group('').resource('a').check('b')", "dyn(1)", 'dyn(true)', '[dyn(1)]', 'dyn([1])', 'request.options', 'bool("true")', 'params', 'cel', 'type(type(1))', 'int'].map((expression) => ({ expression })) }),
  validating('cel: message types', { validations: ['null', 'dyn("x")', 'object.a', '1', "timestamp('2020-01-01T00:00:00Z')", 'optional.of("x")'].map((messageExpression) => ({ expression: 'true', messageExpression })) }),
  validating('cel: audit types', { validations: [], auditAnnotations: ['null', 'dyn("x")', 'object.a', "timestamp('2020-01-01T00:00:00Z')", 'optional.of("x")', 'true ? null : "x"'].map((valueExpression, i) => ({ key: `k${i}`, valueExpression })) }),
  post('cel: match', `${ADMISSION}/validatingwebhookconfigurations?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'x' }, webhooks: [{ name: 'a.b.c', clientConfig: { url: 'https://a.b' }, admissionReviewVersions: ['v1'], sideEffects: 'None', matchConditions: [{ name: 'a', expression: 'dyn(true)' }, { name: 'b', expression: 'null' }, { name: 'c', expression: "duration('1s')" }, { name: 'd', expression: 'object.x' }, { name: 'e', expression: 'optional.of(true)' }] }] }),
];
