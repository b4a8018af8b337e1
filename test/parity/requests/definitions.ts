// Definitions of custom resources in time: names that are taken already and come free, approval of protected groups, versions that go while
// fields are owned in them, every form of patch on every part, and webhooks that cannot convert.
import type { Row } from '../exchange.ts';
import { get, patch, post, remove } from '../rows.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = '{ns}.clash.example.com';
const FORMS = '{ns}.form.example.com';
const V1 = `/apis/${FORMS}/v1/namespaces/{ns}/forms`;
const V2 = `/apis/${FORMS}/v2/namespaces/{ns}/forms`;
const CONVS = `/apis/${FORMS}/v2/namespaces/{ns}/convs`;
const FREE = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const version = (name: string, openAPIV3Schema: object, more: object = {}): object => ({ name, served: true, storage: name === 'v1', schema: { openAPIV3Schema }, ...more });
const definition = (group: string, names: { plural: string; kind: string; [more: string]: unknown }, { annotations, ...spec }: { annotations?: object; [field: string]: unknown } = {}): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${names.plural}.${group}`, ...(annotations !== undefined && { annotations }) },
  spec: { group, scope: 'Namespaced', names, versions: [version('v1', FREE)], ...spec },
});
const approval = (name: string, value: string): Row => patch(`crd: ${name}`, `${CRDS}/apps.{ns}.k8s.io`, { metadata: { annotations: { 'api-approved.kubernetes.io': value } } }, 'merge');

/** One that takes a name of the first, and what it comes to once that is gone. */
const clash = (plural: string, names: { kind: string; [more: string]: unknown }): Row[] => [
  post(`crd: ${plural}'s first`, CRDS, definition(GROUP, { plural: 'firsts', kind: 'First', shortNames: ['fi'], singular: 'first', listKind: 'FirstList' })),
  get(`crd: ${plural}'s first served`, `/apis/${GROUP}/v1/namespaces/{ns}/firsts`, { until: 200 }),
  post(`crd: ${plural}`, CRDS, definition(GROUP, { plural, ...names })),
  get(`crd: ${plural} served`, `/apis/${GROUP}/v1/namespaces/{ns}/${plural}`),
  remove(`crd: ${plural}'s first goes`, `${CRDS}/firsts.${GROUP}`), get(`crd: ${plural}'s first gone`, `${CRDS}/firsts.${GROUP}`, { until: 404 }),
  get(`crd: ${plural} served now`, `/apis/${GROUP}/v1/namespaces/{ns}/${plural}`, { until: 200 }), get(`crd: ${plural} at last`, `${CRDS}/${plural}.${GROUP}`),
  remove(`crd: ${plural} goes`, `${CRDS}/${plural}.${GROUP}`), get(`crd: ${plural} gone`, `${CRDS}/${plural}.${GROUP}`, { until: 404 }),
];

const ITEM = { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { type: 'string' } } };
const SPEC = { type: 'object', properties: { a: { type: 'string' }, n: { type: 'integer' }, l: { type: 'array', items: ITEM, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] } } };
const FORM = { type: 'object', properties: { spec: SPEC, status: { type: 'object', properties: { r: { type: 'integer' }, s: { type: 'string' } } } } };
const SUBRESOURCES = { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.r', labelSelectorPath: '.status.s' } };
const TYPES = ['merge', 'json', 'apply', 'strategic'] as const;
const managed = { managed: true };
const form = (fields: object, name = 'v1'): object => ({ apiVersion: `${FORMS}/${name}`, kind: 'Form', metadata: { name: 'one' }, ...fields });

/** One field set by that form of patch. */
function change(type: (typeof TYPES)[number], part: string, value: unknown, name = 'v1'): unknown {
  if (type === 'json') return [{ op: 'add', path: `/${part}`, value }];
  return type === 'apply' ? form({ [part]: value }, name) : { [part]: value };
}

function scaled(type: (typeof TYPES)[number], replicas: unknown): unknown {
  return type === 'json' ? [{ op: 'replace', path: '/spec/replicas', value: replicas }] : { spec: { replicas } };
}

const patches = (type: (typeof TYPES)[number]): Row[] => [
  patch(`form: ${type}`, `${V1}/one?fieldManager=m-${type}`, change(type, 'spec', { a: type, n: 2, l: [{ k: '2' }] }), type, managed),
  patch(`form: ${type} v2`, `${V2}/one?fieldManager=m-${type}`, change(type, 'spec', { a: type, n: 3 }, 'v2'), type, managed),
  patch(`form: ${type} of another version`, `${V2}/one?fieldManager=m-${type}`, change(type, 'spec', { a: type, n: 3, l: [{ k: '3' }] }), type, managed),
  patch(`form: ${type} force`, `${V1}/one?fieldManager=m-${type}&force=true`, change(type, 'spec', { a: type }), type, managed),
  patch(`form: ${type} status`, `${V1}/one/status?fieldManager=m-${type}`, change(type, 'status', { r: 1 }), type, managed),
  patch(`form: ${type} status with spec`, `${V1}/one/status?fieldManager=m-${type}`, change(type, 'spec', { a: 'no' }), type, managed),
  patch(`form: ${type} status v2`, `${V2}/one/status?fieldManager=s-${type}`, change(type, 'status', { r: 1, s: 'a=b' }, 'v2'), type, managed),
  patch(`form: ${type} wrong status`, `${V1}/one/status?fieldManager=m-${type}`, change(type, 'status', { r: 'x' }), type),
  patch(`form: ${type} labels by status`, `${V1}/one/status?fieldManager=m-${type}`, change(type, 'metadata', { labels: { a: type } }), type, managed),
  // Upstream cannot apply to a custom resource's scale: it would have the Scale in the resource's own versions.
  ...(type === 'apply' ? [] : [
    patch(`form: ${type} scale`, `${V1}/one/scale?fieldManager=c-${type}`, scaled(type, 7), type, managed),
    patch(`form: ${type} scale of text`, `${V1}/one/scale?fieldManager=c-${type}`, scaled(type, 'x'), type), patch(`form: ${type} scale below zero`, `${V1}/one/scale?fieldManager=c-${type}`, scaled(type, -1), type),
  ]),
  get(`form: after ${type}`, `${V1}/one`, managed), get(`form: after ${type}, v2`, `${V2}/one`, managed),
];

const byWebhook = (path: string): object => ({ conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: `{hook}${path}`, caBundle: '{hookca}' } } } });
const conv = (name: string, fields: object = {}, of = 'v2'): object => ({ apiVersion: `${FORMS}/${of}`, kind: 'Conv', metadata: { name }, ...fields });
const unconverted = (path: string): Row[] => [
  post(`conv: ${path} definition`, CRDS, definition(FORMS, { plural: 'convs', kind: 'Conv' }, { versions: [version('v1', FREE), version('v2', FREE)], ...byWebhook(path) })),
  get(`conv: ${path} served`, CONVS, { until: 200 }),
  post(`conv: ${path} one`, `/apis/${FORMS}/v1/namespaces/{ns}/convs`, conv('one', {}, 'v1')), get(`conv: ${path} as it is`, `/apis/${FORMS}/v1/namespaces/{ns}/convs/one`),
  get(`conv: ${path} get`, `${CONVS}/one`), post(`conv: ${path} post`, CONVS, conv('two')),
  patch(`conv: ${path} merge`, `${CONVS}/one`, { a: 1 }, 'merge'), patch(`conv: ${path} apply`, `${CONVS}/one?fieldManager=m`, conv('one', { a: 1 }), 'apply'),
  remove(`conv: ${path} delete`, `${CONVS}/one?dryRun=All`),
  remove(`conv: ${path} goes`, `${CRDS}/convs.${FORMS}`), get(`conv: ${path} gone`, `${CRDS}/convs.${FORMS}`, { until: 404 }),
];

export const DEFINITIONS: readonly Row[] = [
  post('crd: not structural', CRDS, definition(GROUP, { plural: 'nons', kind: 'Non' }, { versions: [version('v1', { type: 'object', properties: { a: { anyOf: [{ type: 'string' }] } } })] })),
  ...clash('seconds', { kind: 'First', listKind: 'SecondList', singular: 'second' }), ...clash('thirds', { kind: 'Third', shortNames: ['fi', 'th'] }), ...clash('fourths', { kind: 'Fourth', listKind: 'FirstList' }),
  ...clash('fifths', { kind: 'Fifth', singular: 'first' }), ...clash('sixths', { kind: 'Sixth', shortNames: ['firsts'] }), ...clash('sevenths', { kind: 'Seventh', listKind: 'First' }),
  post('crd: protected', CRDS, definition('{ns}.k8s.io', { plural: 'apps', kind: 'App' })),
  post('crd: unapproved', CRDS, definition('{ns}.k8s.io', { plural: 'apps', kind: 'App' }, { annotations: { 'api-approved.kubernetes.io': 'unapproved, experimental' } })),
  get('crd: unapproved, served', '/apis/{ns}.k8s.io/v1/apps', { until: 200 }), get('crd: unapproved, read', `${CRDS}/apps.{ns}.k8s.io`),
  approval('approved badly', 'odd'), approval('approved', 'https://github.com/kubernetes/kubernetes/pull/1'),
  patch('crd: no longer served', `${CRDS}/apps.{ns}.k8s.io`, [{ op: 'replace', path: '/spec/versions/0/served', value: false }], 'json'), get('crd: no longer there', '/apis/{ns}.k8s.io/v1/apps', { until: 404 }),
  patch('crd: stored in none', `${CRDS}/apps.{ns}.k8s.io/status`, { status: { storedVersions: [] } }, 'merge'), patch('crd: stored in another', `${CRDS}/apps.{ns}.k8s.io/status`, { status: { storedVersions: ['v0', 'v1'] } }, 'merge'),
  remove('crd: protected goes', `${CRDS}/apps.{ns}.k8s.io`),
  post('form: definition', CRDS, definition(FORMS, { plural: 'forms', kind: 'Form' }, { versions: [version('v1', FORM, { subresources: SUBRESOURCES }), version('v2', FORM, { subresources: { status: {} } })] })),
  get('form: served', V1, { until: 200 }), get('form: served as v2', V2, { until: 200 }),
  post('form: one', V1, form({ spec: { a: 'x', n: 1, l: [{ k: '1', v: 'a' }] } }), managed),
  ...TYPES.flatMap(patches),
  patch('form: v2 goes', `${CRDS}/forms.${FORMS}`, [{ op: 'remove', path: '/spec/versions/1' }], 'json'), get('form: no v2', V2, { until: 404 }),
  // From the next write on upstream knows no owner of any field.
  get('form: owned in v2', `${V1}/one`, managed), patch('form: merge after v2', `${V1}/one?fieldManager=later`, { spec: { n: 9 } }, 'merge'), patch('form: without spec', `${V1}/one?fieldManager=later`, { spec: null }, 'merge'),
  remove('form: goes', `${CRDS}/forms.${FORMS}`),
  ...['/failing', '/allow'].flatMap(unconverted),
];
