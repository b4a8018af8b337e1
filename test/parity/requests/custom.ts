// Custom resources: what definitions are refused for, and every verb on what they bring.
import type { Row } from '../exchange.ts';
import { get, METADATA_LIST, patch, post, put, remove, TABLE } from '../rows.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = '{ns}.example.com';
const FOOS = `/apis/${GROUP}/v1/namespaces/{ns}/foos`;
const BARS = `/apis/${GROUP}/v1/namespaces/{ns}/bars`;

const SPEC = {
  type: 'object', required: ['a'], description: 'what is wanted',
  properties: {
    a: { type: 'string', enum: ['x', 'y'] }, n: { type: 'integer', minimum: 2, maximum: 4, format: 'int32' }, f: { type: 'number', multipleOf: 0.5, exclusiveMinimum: true, minimum: 1 },
    s: { type: 'string', minLength: 2, maxLength: 3, pattern: '^a' }, ip: { type: 'string', format: 'ipv4' }, when: { type: 'string', format: 'date-time' }, odd: { type: 'string', format: 'odd' },
    l: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string' } }, u: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    m: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { type: 'string', default: 'v' } } } },
    i: { 'x-kubernetes-int-or-string': true }, o: { type: 'object', properties: { p: { type: 'string' }, q: { type: 'string' } }, oneOf: [{ required: ['p'] }, { required: ['q'] }] },
    y: { type: 'object', properties: { p: { type: 'string' } }, anyOf: [{ required: ['p'] }], allOf: [{ required: ['p'] }], not: { required: ['z'] } },
    d: { type: 'object', default: {}, properties: { e: { type: 'string', default: 'E' } } }, nul: { type: 'string', nullable: true }, map: { type: 'object', maxProperties: 2, additionalProperties: { type: 'integer' } },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, emb: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    r: { type: 'object', properties: { min: { type: 'integer' }, max: { type: 'integer' }, fixed: { type: 'string', maxLength: 9 } }, 'x-kubernetes-validations': [{ rule: 'self.min <= self.max' }, { rule: 'self.fixed == oldSelf.fixed', message: 'is fixed', reason: 'FieldValueForbidden', fieldPath: '.fixed' }] },
  },
};

const crd = (plural: string, kind: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${GROUP}`, ...metadata },
  spec: { group: GROUP, scope: 'Namespaced', names: { plural, kind }, versions: [version('v1', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true })], ...spec },
});
const version = (name: string, openAPIV3Schema: object, more: object = {}): object => ({ name, served: true, storage: true, schema: { openAPIV3Schema }, ...more });
const FOO = crd('foos', 'Foo', {
  names: { plural: 'foos', kind: 'Foo', shortNames: ['fo'], categories: ['all'] },
  versions: [version('v1', { type: 'object', description: 'a foo', properties: { spec: SPEC, status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } } } }, {
    subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } },
    additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a' }, { name: 'N', type: 'integer', jsonPath: '.spec.n', priority: 1, description: 'how many' }, { name: 'L', type: 'string', jsonPath: '.spec.l' }, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
    selectableFields: [{ jsonPath: '.spec.a' }],
  })],
});
const foo = (name: string, spec: unknown, metadata: object = {}): object => ({ apiVersion: `${GROUP}/v1`, kind: 'Foo', metadata: { name, ...metadata }, ...(spec !== undefined && { spec }) });
const bar = (name: string, fields: object = {}): object => ({ apiVersion: `${GROUP}/v1`, kind: 'Bar', metadata: { name }, ...fields });
const wrong = (name: string, openAPIV3Schema: object, more: object = {}): Row => post(`definition: ${name}`, CRDS, crd('wrongs', 'Wrong', { versions: [version('v1', openAPIV3Schema, more)] }));
const property = (name: string, schema: object): Row => wrong(name, { type: 'object', properties: { p: schema } });
const bad = (name: string, spec: unknown): Row => post(`custom: ${name}`, FOOS, foo('bad', spec));
const OBJECT = { type: 'object' };

export const CUSTOM: readonly Row[] = [
  post('definition: empty', CRDS, { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'x' } }),
  post('definition: another name', CRDS, crd('wrongs', 'Wrong', {}, { name: 'other.example.com' })),
  post('definition: bad names', CRDS, crd('Wrongs', 'wrong_', { names: { plural: 'Wrongs', kind: 'wrong_', shortNames: ['A'], listKind: 'wrong_' } })),
  post('definition: bad scope', CRDS, crd('wrongs', 'Wrong', { scope: 'Moon' })),
  post('definition: no versions', CRDS, crd('wrongs', 'Wrong', { versions: [] })),
  post('definition: two stored', CRDS, crd('wrongs', 'Wrong', { versions: [version('v1', OBJECT), version('v2', OBJECT)] })),
  post('definition: bad version', CRDS, crd('wrongs', 'Wrong', { versions: [version('1', OBJECT)] })),
  post('definition: no schema', CRDS, crd('wrongs', 'Wrong', { versions: [{ name: 'v1', served: true, storage: true }] })),
  post('definition: conversion without webhook', CRDS, crd('wrongs', 'Wrong', { conversion: { strategy: 'Webhook' } })),
  post('definition: conversion by nothing known', CRDS, crd('wrongs', 'Wrong', { conversion: { strategy: 'Magic' } })),
  post('definition: conversion of review versions', CRDS, crd('wrongs', 'Wrong', { conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://a.example' }, conversionReviewVersions: ['v9'] } } })),
  post('definition: preserves', CRDS, crd('wrongs', 'Wrong', { preserveUnknownFields: true })),
  wrong('no type', {}), wrong('root of text', { type: 'string' }), wrong('nullable root', { type: 'object', nullable: true }),
  wrong('metadata', { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }),
  wrong('scale', OBJECT, { subresources: { scale: { specReplicasPath: 'spec', statusReplicasPath: '.spec.x' } } }),
  wrong('columns', OBJECT, { additionalPrinterColumns: [{ name: '', type: 'odd', jsonPath: 'spec', format: 'none' }] }),
  wrong('selectable', OBJECT, { selectableFields: [{ jsonPath: '.spec.x' }] }),
  wrong('deprecation', OBJECT, { deprecationWarning: 'x' }),
  property('property without type', {}), property('type', { type: 'text' }), property('list without items', { type: 'array' }),
  property('default', { type: 'integer', default: 'x' }), property('default unknown', { type: 'object', properties: { a: { type: 'string' } }, default: { b: 1 } }),
  property('logic', { type: 'string', anyOf: [{ type: 'string' }], allOf: [{ nullable: true }] }),
  property('list map', { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object', properties: { k: { type: 'string' } } }, 'x-kubernetes-list-map-keys': ['k', 'z'] }),
  property('list type', { type: 'string', 'x-kubernetes-list-type': 'bag' }), property('map type', { type: 'string', 'x-kubernetes-map-type': 'bag' }),
  property('set of objects', { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } }), property('unique', { type: 'array', uniqueItems: true, items: { type: 'string' } }),
  property('both properties', { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }),
  property('embedded', { type: 'string', 'x-kubernetes-embedded-resource': true }), property('int or string', { 'x-kubernetes-int-or-string': true, type: 'string', anyOf: [{ type: 'integer' }, { type: 'string' }] }),
  property('pattern', { type: 'string', pattern: '(' }),
  property('rule without text', { type: 'string', 'x-kubernetes-validations': [{ rule: ' ' }] }), property('rule that does not compile', { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.b == 1' }] }),
  property('rule of another type', { type: 'string', 'x-kubernetes-validations': [{ rule: 'self', message: 'a\nb' }] }), property('rule without bound', { type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: "self.matches('a*')" }] } }),
  property('rule, old self in a list', { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 3, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } }),
  property('rule, reason and path', { type: 'object', properties: { a: { type: 'string' } }, 'x-kubernetes-validations': [{ rule: 'true', reason: 'Odd', fieldPath: '.b', optionalOldSelf: true }] }),
  get('definition: none there', `${CRDS}/wrongs.${GROUP}`),
  post('definition: foos', CRDS, FOO),
  get('definition: foos served', FOOS, { until: 200 }),
  get('definition: foos as it is', `${CRDS}/foos.${GROUP}`, { save: 'foos' }),
  get('definition: table', `${CRDS}/foos.${GROUP}`, { accept: TABLE }),
  post('definition: bars', CRDS, crd('bars', 'Bar', { versions: [version('v1', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }), version('v1beta1', { type: 'object', properties: { x: { type: 'string' } } }, { storage: false, deprecated: true })] })),
  get('definition: bars served', BARS, { until: 200 }),
  patch('definition: another kind', `${CRDS}/foos.${GROUP}`, { spec: { names: { kind: 'Fuu' }, scope: 'Cluster' } }, 'merge'),
  patch('definition: another group', `${CRDS}/foos.${GROUP}`, { spec: { group: 'other.example.com' } }, 'merge'),
  patch('definition: stored version gone', `${CRDS}/bars.${GROUP}`, { spec: { versions: [version('v2', OBJECT)] } }, 'merge'),
  get('custom: group', `/apis/${GROUP}`, { until: 200 }), get('custom: version that is not there', `/apis/${GROUP}/v7`),
  post('custom: created', FOOS, foo('one', { a: 'x', m: [{ k: '1' }], nul: null, n: 3, r: { min: 1, max: 2, fixed: 'f' } }), { managed: true }),
  get('custom: read', `${FOOS}/one`, { managed: true }), get('custom: list', FOOS), get('custom: table', FOOS, { accept: TABLE }), get('custom: metadata', FOOS, { accept: METADATA_LIST }),
  get('custom: selected', `${FOOS}?fieldSelector=spec.a%3Dx`), get('custom: selected by another', `${FOOS}?fieldSelector=spec.b%3Dx`), get('custom: selected none', `${FOOS}?fieldSelector=spec.a%3Dy`),
  get('custom: protobuf', FOOS, { accept: 'application/vnd.kubernetes.protobuf' }), get('custom: yaml', `${FOOS}/one`, { accept: 'application/yaml' }), get('custom: another resource', `/apis/${GROUP}/v1/namespaces/{ns}/fuus`), get('custom: none', `${FOOS}/none`),
  post('custom: already there', FOOS, foo('one', { a: 'x' })), bad('no spec', undefined), bad('empty spec', {}), bad('spec of text', 'x'), bad('spec null', null),
  bad('enum', { a: 'z' }), bad('type', { a: 'x', n: 'one' }), bad('fraction', { a: 'x', n: 2.5 }), bad('minimum', { a: 'x', n: 1 }), bad('maximum', { a: 'x', n: 5 }), bad('too big', { a: 'x', n: 3e9 }), bad('multiple', { a: 'x', f: 1.25 }), bad('exclusive', { a: 'x', f: 1 }),
  bad('too short', { a: 'x', s: 'a' }), bad('too long', { a: 'x', s: 'aaaa' }), bad('pattern', { a: 'x', s: 'bb' }), bad('ip', { a: 'x', ip: '1.2.3' }), bad('time', { a: 'x', when: 'noon' }), bad('empty list', { a: 'x', l: [] }), bad('long list', { a: 'x', l: ['1', '2', '3'] }),
  bad('null in a list', { a: 'x', l: [null] }), bad('set', { a: 'x', u: ['1', '1', '1'] }), bad('list map', { a: 'x', m: [{ k: '1' }, { k: '1' }] }), bad('list map of text', { a: 'x', m: ['1'] }), bad('int or string', { a: 'x', i: true }),
  bad('one of, both', { a: 'x', o: { p: '', q: '' } }), bad('one of, none', { a: 'x', o: {} }), bad('any, all, not', { a: 'x', y: {} }), bad('map', { a: 'x', map: { b: 'c' } }), bad('large map', { a: 'x', map: { b: 1, c: 2, d: 3 } }),
  bad('embedded', { a: 'x', emb: { kind: 'K', metadata: { name: 'a/b', labels: { 'a b': 'c' } } } }), bad('embedded metadata', { a: 'x', emb: { apiVersion: 'v1', kind: 'K', metadata: { labels: 'x' } } }),
  bad('rule', { a: 'x', r: { min: 3, max: 2 } }), bad('rule and more', { a: 'z', r: { min: 3, max: 2 } }), bad('rule without field', { a: 'x', r: { min: 1 } }),
  post('custom: another kind', FOOS, { ...foo('x', { a: 'x' }), kind: 'Fuu' }), post('custom: another version', FOOS, { ...foo('x', { a: 'x' }), apiVersion: `${GROUP}/v2` }), post('custom: bad name', FOOS, foo('A_b', { a: 'x' })), post('custom: bad labels', FOOS, foo('x', { a: 'x' }, { labels: 'x' })),
  post('custom: finalizers', `${FOOS}?dryRun=All`, foo('x', { a: 'x' }, { finalizers: ['plain', 'a.b', 'a.b/c'] })),
  post('custom: unknown, warn', `${FOOS}?dryRun=All`, foo('x', { a: 'x', b: 1, m: [{ k: '1', z: 2 }], any: { c: 1 } }, { odd: 1 })), post('custom: unknown, strict', `${FOOS}?dryRun=All&fieldValidation=Strict`, foo('x', { a: 'x', b: 1, m: [{ k: '1', z: 2 }] }, { odd: 1 })),
  post('custom: duplicate, strict', `${FOOS}?dryRun=All&fieldValidation=Strict`, '{"apiVersion":"{ns}.example.com/v1","kind":"Foo","metadata":{"name":"x"},"spec":{"a":"x","a":"y","b":1}}'),
  post('custom: yaml body', `${FOOS}?dryRun=All`, 'apiVersion: {ns}.example.com/v1\nkind: Foo\nmetadata: {name: y}\nspec: {a: x}\n', { contentType: 'application/yaml' }),
  put('custom: no version', `${FOOS}/one`, foo('one', { a: 'y' })), patch('custom: merge', `${FOOS}/one`, { spec: { a: 'y' } }, 'merge', { managed: true }), patch('custom: strategic', `${FOOS}/one`, { spec: { a: 'y' } }, 'strategic'), patch('custom: json', `${FOOS}/one`, [{ op: 'add', path: '/spec/l', value: ['1'] }], 'json'),
  patch('custom: merge to bad', `${FOOS}/one`, { spec: { n: 9 } }, 'merge'), patch('custom: rule of change', `${FOOS}/one`, { spec: { r: { fixed: 'g' } } }, 'merge'), patch('custom: merge unknown, strict', `${FOOS}/one?fieldValidation=Strict`, { spec: { b: 1 } }, 'merge'), patch('custom: status by the way', `${FOOS}/one`, { status: { replicas: 5 } }, 'merge'), patch('custom: nothing new', `${FOOS}/one`, { spec: { a: 'y' } }, 'merge'),
  patch('custom: apply', `${FOOS}/two?fieldManager=me`, foo('two', { a: 'x', m: [{ k: '1' }] }), 'apply', { managed: true }), patch('custom: apply, conflict', `${FOOS}/two?fieldManager=you`, foo('two', { a: 'y', m: [{ k: '2' }] }), 'apply'), patch('custom: apply, forced', `${FOOS}/two?fieldManager=you&force=true`, foo('two', { a: 'y', m: [{ k: '2' }] }), 'apply', { managed: true }),
  patch('custom: apply, unknown', `${FOOS}/two?fieldManager=me`, foo('two', { a: 'x', b: 1 }), 'apply'), patch('custom: apply, type', `${FOOS}/two?fieldManager=me`, foo('two', { a: 'x', l: 'one' }), 'apply'),
  patch('custom: status', `${FOOS}/one/status`, { metadata: { labels: { a: 'b' } }, spec: { a: 'x' }, status: { replicas: 5, selector: 'a=b' } }, 'merge', { managed: true }), patch('custom: status of text', `${FOOS}/one/status`, { status: { replicas: 'x' } }, 'merge'), get('custom: scale', `${FOOS}/one/scale`), patch('custom: scaled', `${FOOS}/one/scale`, { spec: { replicas: 4 } }, 'merge'), patch('custom: scaled too far', `${FOOS}/one/scale`, { spec: { replicas: 9 } }, 'merge'), get('custom: no such part', `${FOOS}/one/log`),
  post('custom: bar', BARS, bar('one', { spec: { any: [1, 2] }, x: 'y' })), get('custom: deprecated version', `/apis/${GROUP}/v1beta1/namespaces/{ns}/bars/one`), get('custom: bar status', `${BARS}/one/status`),
  remove('custom: deleted', `${FOOS}/two`), remove('custom: deleted by a wrong uid', `${FOOS}/one`, { preconditions: { uid: 'x' } }), remove('custom: all deleted', FOOS),
  remove('definition: deleted', `${CRDS}/bars.${GROUP}`), get('definition: gone', `${CRDS}/bars.${GROUP}`, { until: 404 }), get('custom: gone', BARS, { until: 404 }), remove('definition: deleted, foos', `${CRDS}/foos.${GROUP}`),
];
