// What definitions, webhooks and policies are refused for, beyond the usual mistakes, and what custom objects may say: lists in what preserves unknown
// fields, nulls, fractions among whole numbers, formats, columns. Each row stands for a class that thousands of generated requests to both had found.
import type { Row } from '../exchange.ts';
import { get, NS, patch, post, put, remove, TABLE } from '../rows.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const GROUP = '{ns}.ext-end.example.com';
const EXTS = `/apis/${GROUP}/v1/namespaces/{ns}/exts`;
const WIDES = `/apis/${GROUP}/v1/wides`;
type Schema = Readonly<Record<string, unknown>>;
const version = (openAPIV3Schema: Schema, more: object = {}): object => ({ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...more });
const definition = (plural: string, kind: string, versions: readonly object[], more: object = {}): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${GROUP}` }, spec: { group: GROUP, scope: 'Namespaced', names: { plural, kind }, versions, ...more },
});
const refused = (name: string, versions: readonly object[], more: object = {}): Row => post(`extending: definition, ${name}`, `${CRDS}?dryRun=All`, definition('tries', 'Try', versions, more));
const schema = (name: string, openAPIV3Schema: Schema, more: object = {}): Row => refused(name, [version(openAPIV3Schema, more)]);
const spec = (name: string, value: Schema): Row => schema(name, { type: 'object', properties: { spec: value } });
const withStatus = { subresources: { status: {} } };

const DEFINITIONS: readonly Row[] = [
  schema('JSON Schema of its own', { type: 'object', $schema: 'http://json-schema.org/draft-04/schema#' }),
  schema('what is not supported hides what is not structural', { type: 'array', additionalItems: true, id: 'x', $ref: '#/y' }),
  schema('false is not undefined', { type: 'object', properties: { a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false }, b: {} } }),
  schema('rules told with everything else', { type: 'array', 'x-kubernetes-validations': [{ rule: '' }, { rule: 'true', reason: 'Odd', fieldPath: '.x', messageExpression: ' ' }] }),
  schema('rules of what has no type', { 'x-kubernetes-preserve-unknown-fields': true, 'x-kubernetes-validations': [{ rule: 'true' }] }),
  schema('rules beside a fault elsewhere', { type: 'object', properties: { a: { type: 'string', uniqueItems: true }, b: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self' }] } } }),
  schema('root with a status', { type: 'object', maxProperties: 1, required: ['spec'], properties: { spec: { type: 'string', externalDocs: { url: 'u' } } } }, withStatus),
  schema('embedded root with a status', { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }, withStatus),
  schema('default of the root', { type: 'object', default: {} }),
  schema('metadata twice wrong', { type: 'object', properties: { metadata: { properties: { labels: { type: 'object' } } } } }),
  spec('default of an embedded object', { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true, default: { kind: 'a_b' } }),
  spec('default of a number or text', { 'x-kubernetes-int-or-string': true, default: true }),
  spec('transitions within an atomic map', { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: { type: 'string', maxLength: 3, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } } }),
  spec('transitions that are too dear', { type: 'array', items: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-validations': [{ rule: 'self.all(k, self[k] == oldSelf[k])' }] } }),
  spec('not structural within logic', { type: 'object', allOf: [{ default: [], 'x-kubernetes-list-type': '', title: '' }] }),
  spec('paths of rules', { type: 'object', properties: { m: { type: 'object', additionalProperties: { type: 'string' } } }, 'x-kubernetes-validations': ['.m[\'a/b\']', '.m.x', 'm', '.m[x]', '.', '.m[\'a\'', '.n'].map((fieldPath) => ({ rule: 'true', fieldPath })) }),
  refused('neither served nor stored', [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object' } } }]),
  refused('versions without a word', [{}, version({ type: 'object' })]),
  refused('review versions without a webhook', [version({ type: 'object' })], { conversion: { strategy: 'None', webhook: { conversionReviewVersions: ['v1'] } } }),
  refused('a webhook of no namespace', [version({ type: 'object' })], { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { service: { name: 'a' } } } } }),
  refused('selectable by brackets', [version({ type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } }, { selectableFields: [{ jsonPath: ".spec['a']" }, { jsonPath: '.spec.' }, { jsonPath: '.spec.b' }, { jsonPath: 'spec' }] })]),
  refused('names too long', [version({ type: 'object' })], { names: { plural: 'tries', kind: 'K'.repeat(70), shortNames: ['s'.repeat(64)] } }),
];

const webhook = (name: string, clientConfig: object): Row => post(`extending: webhook ${name}`, `${ADMISSION}/validatingwebhookconfigurations?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: '{ns}-x' }, webhooks: [{ name: 'a.b.c', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] }] });
const mutating = { matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }, reinvocationPolicy: 'Never' };

const ADMITTED: readonly Row[] = [
  webhook('of no namespace', { service: { name: 'a' } }), webhook('at two lines', { url: 'https://a\nb' }),
  post('extending: binding of what cannot be mutated', `${ADMISSION}/mutatingadmissionpolicybindings?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingAdmissionPolicyBinding', metadata: { name: '{ns}-x' }, spec: { policyName: 'p', matchResources: { resourceRules: [{ operations: ['DELETE', 'odd'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] } } }),
  post('extending: no variables', `${ADMISSION}/mutatingadmissionpolicies?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingAdmissionPolicy', metadata: { name: '{ns}-x' }, spec: { ...mutating, mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{name: variables.v}}' } }] } }),
  post('extending: a variable of nothing', `${ADMISSION}/validatingadmissionpolicies?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: '{ns}-x' }, spec: { matchConstraints: mutating.matchConstraints, variables: [{ name: 'v', expression: ' ' }], validations: [{ expression: 'variables.v == 1' }] } }),
];

const FIELDS: Schema = {
  any: { 'x-kubernetes-preserve-unknown-fields': true }, free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } } } },
  whole: { type: 'integer', enum: [1, 2] }, third: { type: 'integer', multipleOf: 3 }, small: { type: 'number', maximum: 1000000.5 }, one: { type: 'array', maxItems: 1, items: { type: 'string' } },
  text: { type: 'string' }, perhaps: { type: 'string', nullable: true, default: 'said' }, embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  ...Object.fromEntries(['ipv4', 'ipv6', 'cidr', 'mac', 'date-time', 'duration', 'uuid'].map((format) => [format.replace('-', ''), { type: 'string', format }])),
};
const column = (name: string, type: string): object => ({ name, type, jsonPath: `.spec.any.${name}` });
const ext = (fields: object, name = 'one'): object => ({ apiVersion: `${GROUP}/v1`, kind: 'Ext', metadata: { name }, spec: fields });
const value = (name: string, fields: object): Row => post(`extending: value, ${name}`, `${EXTS}?dryRun=All`, ext(fields, 'try'));

/** Each by itself: upstream tells the faults of several fields in any order. */
const WRONG: readonly (readonly [name: string, field: string, value: unknown])[] = [
  ['a fraction among whole numbers', 'whole', 1.5], ['beyond whole numbers, enumerated', 'whole', 1e20], ['beyond whole numbers, multiple', 'third', 1e20], ['beyond whole numbers, bounded', 'small', 1e20],
  ['floats as Go writes them', 'small', 12345678.5], ['one item', 'one', ['a', 'b']], ['what is enumerated, in order', 'whole', { z: 1, a: [{ y: 1, b: 2 }] }],
  ['a number that is no address', 'ipv4', 1], ['an object that is no id', 'uuid', {}], ['truth that is no address', 'mac', true], ['a list that is no duration', 'duration', []],
  ['an address as it was read once', 'ipv4', '01.2.3.4'], ['a network as it was read once', 'cidr', '010.0.0.0/8'], ['an address that is mapped', 'ipv4', '::ffff:1.2.3.4'], ['an address of a link', 'ipv6', 'fe80::1%eth0'],
  ['twelve digits', 'mac', '00005e005301'], ['a duration with a day in it', 'duration', 'P1D'], ['a duration with a sign', 'duration', '+1h'], ['a day that is no time', 'datetime', '2020-01-01'], ['a time of nowhere', 'datetime', '2020-01-01T00:00:00'], ['an hour too many', 'datetime', '2020-01-01T25:00:00Z'],
  ['an embedded version of numbers', 'embedded', { apiVersion: 1, kind: 'X' }], ['an embedded kind', 'embedded', { apiVersion: 'v1', kind: 'a_b' }], ['embedded nulls', 'embedded', { apiVersion: 'v1', kind: 'X', metadata: { labels: null, name: 'x' } }],
];

const VALUES: readonly Row[] = [
  value('lists in anything', { any: [{ a: [{ b: null }] }, [{ c: 1 }]], free: { list: [{ a: 1 }], known: [{ a: 'x', stray: 1 }] } }),
  ...WRONG.map(([name, field, wrong]) => value(name, { [field]: wrong })),
  post('extending: one', EXTS, ext({ any: { s: { z: 1, a: 2 }, n: 1e-7, i: 2.5, nothing: null } })),
  get('extending: columns', EXTS, { accept: TABLE }),
  patch('extending: null by JSON patch', `${EXTS}/one`, [{ op: 'add', path: '/spec/perhaps', value: null }, { op: 'add', path: '/spec/free', value: { a: null, b: [null] } }], 'json'),
  patch('extending: null by apply', `${EXTS}/two?fieldManager=m`, ext({ perhaps: null, free: { a: null } }, 'two'), 'apply', { managed: true }),
  put('extending: null by put', `${EXTS}/one`, ext({ perhaps: null, text: null })),
];

export const EXTENDING: readonly Row[] = [
  ...DEFINITIONS, ...ADMITTED,
  post('extending: exts', CRDS, definition('exts', 'Ext', [version({ type: 'object', properties: { spec: { type: 'object', properties: FIELDS } } }, { additionalPrinterColumns: [column('s', 'string'), column('n', 'string'), column('i', 'integer'), column('nothing', 'string')] })])),
  get('extending: exts served', EXTS, { until: 200 }),
  ...VALUES,
  remove('extending: exts go', `${CRDS}/exts.${GROUP}`), get('extending: exts gone', `${CRDS}/exts.${GROUP}`, { until: 404 }),
  post('extending: wides', CRDS, definition('wides', 'Wide', [version({ type: 'object' })], { scope: 'Cluster' })), get('extending: wides served', WIDES, { until: 200 }),
  get('extending: by a namespace that none has', `${WIDES}?fieldSelector=metadata.namespace%3Dx`), get('extending: not served there', `${NS}/wides`),
  remove('extending: wides go', `${CRDS}/wides.${GROUP}`), get('extending: wides gone', `${CRDS}/wides.${GROUP}`, { until: 404 }),
];
