// Server-side apply: ownership, conflicts and pruning, as steps taken one after another on one object.
import t from 'tap';
import { copy, freeze, type KubeObject, type Unstructured } from '../../../internal/api/meta.ts';
import { recordUpdate, serverSideApply } from '../../../internal/api/patch/apply.ts';
import { loadSchemas, type Definition } from '../../../internal/api/schema.ts';
import { StatusError } from '../../../internal/base/errors.ts';

const schemas = loadSchemas();
const NOON = Date.parse('2026-01-02T12:00:00Z');
let clock = NOON;

function definitionOf({ apiVersion, kind }: { apiVersion: string; kind: string }): Definition {
  const slash = apiVersion.indexOf('/');
  const definition = schemas.byKind(apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1), kind);
  if (definition === undefined) throw new Error(`no ${kind}`);
  return definition;
}

interface By { manager?: string; force?: boolean; subresource?: string }

function apply(live: KubeObject | undefined, applied: object, { manager = 'm', force = false, subresource = '' }: By = {}): Unstructured {
  const object = applied as KubeObject;
  const before = JSON.stringify(applied);
  const result = serverSideApply({ ...(live !== undefined && { live }), applied: object, manager, force, definition: definitionOf(object), schemas, subresource, now: (clock += 1000) });
  if (JSON.stringify(applied) !== before) throw new Error('the configuration was changed');
  result.metadata.uid = 'u';
  return freeze(result) as Unstructured;
}
function update(live: KubeObject, next: object, { manager = 'u', subresource = '' }: By = {}): Unstructured {
  const draft = copy(next) as Unstructured;
  recordUpdate({ live, next: draft, manager, definition: definitionOf(draft), schemas, subresource, now: (clock += 1000) });
  return freeze(draft);
}
function failure(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('did not fail');
}

const map = (data: object | undefined, metadata: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'default', ...metadata }, ...(data !== undefined && { data }) });
const owned = (object: KubeObject): unknown => Object.fromEntries((object.metadata.managedFields ?? []).map(({ manager = '', operation = '', subresource = '', fieldsV1 }) => [`${operation} ${manager}${subresource && `/${subresource}`}`, fieldsV1]));
const names = (object: Unstructured): string[] => ((object['spec'] as { containers: { name: string }[] }).containers).map(({ name }) => name);
const pod = (...containers: object[]): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', namespace: 'default' }, spec: { containers } });

t.test('an apply creates, and owns what it says', (t) => {
  const object = apply(undefined, map({ a: '1' }, { labels: { l: '1' } }));
  t.strictSame(object['data'], { a: '1' });
  t.strictSame(object.metadata.managedFields, [{
    manager: 'm', operation: 'Apply', apiVersion: 'v1', time: new Date(clock).toISOString().replace('.000', ''), fieldsType: 'FieldsV1',
    fieldsV1: { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:l': {} } } },
  }]);
  t.end();
});

t.test('what is no longer applied goes, what others own stays', (t) => {
  const first = apply(undefined, map({ a: '1', b: '1', c: '1' }));
  const shared = apply(first, map({ b: '1' }), { manager: 'other' });
  t.strictSame(owned(shared), { 'Apply m': { 'f:data': { 'f:a': {}, 'f:b': {}, 'f:c': {} } }, 'Apply other': { 'f:data': { 'f:b': {} } } });
  const less = apply(shared, map({ a: '1' }));
  t.strictSame(less['data'], { a: '1', b: '1' });
  t.strictSame(owned(less), { 'Apply m': { 'f:data': { 'f:a': {} } }, 'Apply other': { 'f:data': { 'f:b': {} } } });
  const nothing = apply(apply(less, map(undefined)), map(undefined), { manager: 'other' });
  t.equal(nothing['data'], undefined);
  t.equal(nothing.metadata.managedFields, undefined);
  t.equal(nothing.metadata.uid, 'u');
  t.end();
});

t.test('changing what another applied is a conflict, unless forced', (t) => {
  const first = apply(undefined, map({ a: '1', b: '1' }));
  const error = failure(() => apply(first, map({ a: '2' }), { manager: 'other' }));
  t.equal(error.reason, 'Conflict');
  t.equal(error.message, 'Apply failed with 1 conflict: conflict with "m": .data.a');
  t.strictSame(error.details, { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "m"', field: '.data.a' }] });
  const forced = apply(first, map({ a: '2' }), { manager: 'other', force: true });
  t.strictSame(owned(forced), { 'Apply m': { 'f:data': { 'f:b': {} } }, 'Apply other': { 'f:data': { 'f:a': {} } } });
  t.end();
});

t.test('conflicts with updates name their version and subresource, all of them', (t) => {
  const first = apply(undefined, map({ a: '1', b: '1' }));
  const changed = update(first, { ...first, data: { a: '2', b: '2' } }, { manager: 'x' });
  t.equal(failure(() => apply(changed, map({ a: '1', b: '2' }))).message, 'Apply failed with 1 conflict: conflict with "x" using v1: .data.a');
  t.equal(failure(() => apply(changed, map({ a: '1', b: '1' }))).message, 'Apply failed with 2 conflicts: conflicts with "x" using v1:\n- .data.a\n- .data.b');
  const scaled = update(changed, { ...changed, data: { a: '2', b: '3' } }, { manager: 'x', subresource: 'scale' });
  const error = failure(() => apply(scaled, map({ a: '1', b: '1' })));
  t.equal(error.message, 'Apply failed with 2 conflicts: conflicts with "x" with subresource "scale" using v1:\n- .data.b\nconflicts with "x" using v1:\n- .data.a');
  t.strictSame(error.details?.causes?.map(({ field }) => field), ['.data.b', '.data.a']);
  t.end();
});

t.test('an update takes fields from an applier; applying the same value shares them', (t) => {
  const first = apply(undefined, map({ a: '1' }));
  const taken = update(first, { ...first, data: { a: '2' } });
  t.strictSame(owned(taken), { 'Update u': { 'f:data': { 'f:a': {} } } });
  const joined = apply(taken, map({ a: '2' }));
  t.strictSame(owned(joined), { 'Apply m': { 'f:data': { 'f:a': {} } }, 'Update u': { 'f:data': { 'f:a': {} } } });
  const left = apply(joined, map(undefined));
  t.strictSame(left['data'], { a: '2' }, 'an updater owns it still');
  t.end();
});

t.test('applying the same again changes nothing', (t) => {
  const first = apply(undefined, map({ a: '1' }));
  t.strictSame(apply(first, map({ a: '1' })), first);
  t.end();
});

t.test('lists merge by key and keep the applied order', (t) => {
  const first = apply(undefined, pod({ name: 'a', image: '1' }, { name: 'b', image: '1' }));
  const more = apply(first, pod({ name: 'c', image: '1' }, { name: 'b', tty: true }), { manager: 'other' });
  t.strictSame(names(more), ['a', 'c', 'b']);
  const reordered = apply(more, pod({ name: 'b', image: '1' }, { name: 'a', image: '1' }));
  t.strictSame(names(reordered), ['c', 'b', 'a']);
  const less = apply(reordered, pod({ name: 'a', image: '1' }));
  t.strictSame(names(less), ['c', 'b', 'a'], 'b belongs to the other still');
  t.strictSame((less['spec'] as { containers: object[] }).containers[1], { name: 'b', tty: true });
  t.equal(failure(() => apply(less, pod({ name: 'a', image: '2' }), { manager: 'other' })).message, 'Apply failed with 1 conflict: conflict with "m": .spec.containers[name="a"].image');
  t.end();
});

t.test('atomic lists are one field', (t) => {
  const first = apply(undefined, pod({ name: 'a', args: ['x', 'y'] }));
  t.equal(failure(() => apply(first, pod({ name: 'a', args: ['x'] }), { manager: 'other' })).message, 'Apply failed with 1 conflict: conflict with "m": .spec.containers[name="a"].args');
  t.end();
});

t.test('keys have their defaults', (t) => {
  const first = apply(undefined, pod({ name: 'a', ports: [{ containerPort: 80 }] }));
  const second = apply(first, pod({ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP', name: 'http' }, { containerPort: 80, protocol: 'UDP' }] }));
  t.strictSame((second['spec'] as { containers: { ports: object[] }[] }).containers[0]?.ports, [{ containerPort: 80, protocol: 'TCP', name: 'http' }, { containerPort: 80, protocol: 'UDP' }]);
  t.end();
});

t.test('a whole branch goes when its last field does', (t) => {
  const base = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: 'default', annotations: { a: '1' } } };
  const first = apply(undefined, { ...base, spec: { replicas: 1, template: { spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } } } } });
  const second = apply(first, { ...base, metadata: { name: 'x', namespace: 'default' }, spec: { replicas: 1 } });
  t.strictSame(second['spec'], { replicas: 1 });
  t.equal(second.metadata.annotations, undefined);
  t.equal(second.metadata.name, 'x');
  t.end();
});

t.test('what was there before ownership was tracked belongs to those times', (t) => {
  const old = freeze({ ...map({ a: '1', b: '1' }), metadata: { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: 't' } }) as unknown as Unstructured;
  const applied = apply(old, map({ a: '1' }));
  t.strictSame(owned(applied), { 'Apply m': { 'f:data': { 'f:a': {} } }, 'Update before-first-apply': { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } } });
  t.equal(failure(() => apply(old, map({ a: '2' }))).message, 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a');
  t.end();
});

t.test('status is applied through its subresource only', (t) => {
  const config = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
  const first = apply(undefined, config);
  t.strictSame(owned(first), { 'Apply m': { 'f:spec': { 'f:unschedulable': {} } } });
  const status = apply(first, config, { subresource: 'status' });
  t.strictSame(owned(status), { 'Apply m': { 'f:spec': { 'f:unschedulable': {} } }, 'Apply m/status': { 'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:status': {}, 'f:type': {} } } } } });
  t.end();
});

t.test('kubectl takes over what it applied from the client', (t) => {
  const last = JSON.stringify(map({ a: '1' }));
  const created = freeze({ ...map({ a: '1', b: '1' }, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': last } }) }) as unknown as Unstructured;
  const draft = copy(created);
  recordUpdate({ next: draft, manager: 'kubectl-client-side-apply', definition: definitionOf(draft), schemas, subresource: '', now: NOON });
  freeze(draft);
  const taken = apply(draft, map({ a: '2' }), { manager: 'kubectl' });
  t.strictSame(taken['data'], { a: '2', b: '1' });
  t.equal(taken.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"x","namespace":"default"}}\n');
  t.equal(failure(() => apply(draft, map({ a: '2', b: '2' }), { manager: 'kubectl' })).message, 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.b');
  t.end();
});

for (const [says, applied, message] of [
  ['fields the schema lacks', { ...map({}), bogus: 1 }, 'failed to create typed patch object (default/x; /v1, Kind=ConfigMap): .bogus: field not declared in schema'],
  ['values of another type', { ...pod(), spec: { containers: [{ name: 'a', image: 1, tty: 'x' }], hostNetwork: 'x', terminationGracePeriodSeconds: '3' } }, 'failed to create typed patch object (default/x; /v1, Kind=Pod): errors:\n  .spec.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:1}\n  .spec.containers[name="a"].tty: expected boolean, got &{x}\n  .spec.hostNetwork: expected boolean, got &{x}\n  .spec.terminationGracePeriodSeconds: expected numeric (int or float), got string'],
  ['items of the same keys', pod({ name: 'a' }, { name: 'a' }), 'failed to create typed patch object (default/x; /v1, Kind=Pod): .spec.containers: duplicate entries for key [name="a"]'],
  ['objects where lists belong', { ...pod(), spec: { containers: {} } }, 'failed to create typed patch object (default/x; /v1, Kind=Pod): .spec.containers: expected list, got &{map[]}'],
  ['managedFields', map({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
] as const) {
  t.test(`${says} cannot be applied`, (t) => {
    t.equal(failure(() => apply(undefined, applied)).message, message);
    t.end();
  });
}

t.test('what was owned in a version that is gone is nobody\'s: neither in the way of others, nor taken back when its manager applies without it', (t) => {
  const versions = (apiVersion: string): 'same' | 'gone' => (apiVersion === 'v1' ? 'same' : 'gone');
  const owner = (manager: string, apiVersion: string, field: string): object => ({ manager, operation: 'Apply', apiVersion, fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { [`f:${field}`]: {} } } });
  const live = freeze({ ...map({ a: '1', b: '1' }, { managedFields: [owner('m', 'v0', 'a'), owner('other', 'v0', 'b'), owner('third', 'v1', 'b')] }) } as unknown as KubeObject);
  const asked = { live, manager: 'm', force: false, definition: definitionOf(live), schemas, subresource: '', versions, now: NOON };
  const object = serverSideApply({ ...asked, applied: map({ c: '1' }) as KubeObject }) as Unstructured;
  t.strictSame(object['data'], { a: '1', b: '1', c: '1' });
  t.strictSame(owned(object), { 'Apply m': { 'f:data': { 'f:c': {} } }, 'Apply third': { 'f:data': { 'f:b': {} } } });
  t.match(failure(() => serverSideApply({ ...asked, applied: map({ b: '2' }) as KubeObject })), { message: 'Apply failed with 1 conflict: conflict with "third": .data.b' });
  t.end();
});
