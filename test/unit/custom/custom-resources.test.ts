// Custom resources from their definition to their end: served once established, defaulted, pruned, validated, converted, selected, cleared up.
import t, { type Test } from 'tap';
import type { StatusError } from '../../../internal/base/errors.ts';
import type { Unstructured } from '../../../internal/api/meta.ts';
import type { WatchEvent } from '../../../internal/api/request.ts';
import { documentOf, openApiV2Members } from '../../../internal/api/openapi.ts';
import type { CustomResourceDefinition } from '../../../internal/kinds/generated/api-types.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../../../internal/kinds/generated/resources.ts';
import { hasCondition } from '../../../internal/kinds/custom/crd-conditions.ts';
import { createScene, crd, foo, foos, key, schemaOf, type Scene } from './scene.ts';

const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

async function scene(t: Test, ...definition: Parameters<typeof crd>): Promise<Scene> {
  const made = await createScene();
  t.teardown(() => made.stop());
  await made.define(crd(...definition));
  return made;
}

async function refused(t: Test, action: Promise<unknown>, reason: string, ...texts: string[]): Promise<void> {
  const error = (await action.then(() => undefined, (thrown: unknown) => thrown)) as StatusError | undefined;
  t.equal(error?.reason, reason, error?.message ?? 'not refused');
  for (const text of texts) t.ok(error?.message.includes(text), `${text} in ${error?.message ?? ''}`);
}

void t.test('what is established is served, and in discovery; what is deleted is gone with its objects, and its watches end', async (t) => {
  const { client, kinds, store, until } = await scene(t, [schemaOf(OPEN)], { names: { shortNames: ['fo'] } });
  t.match(kinds.all().filter(({ group }) => group === 'example.com'), [{ resource: 'foos', singular: 'foo', shortNames: ['fo'], kind: 'Foo', listKind: 'FooList' }]);
  await client.create(foos(), foo('a', { spec: { x: 1 } }));
  t.equal((await client.list(foos())).kind, 'FooList');
  const events: WatchEvent[] = [];
  const watching = (async () => {
    for await (const event of client.watch(foos(), { namespace: 'default' }, new AbortController().signal)) events.push(event);
  })();
  await client.delete(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name: 'foos.example.com' });
  await until('foos.example.com', (stored) => stored === undefined);
  await watching;
  t.equal(store.count({ group: 'example.com', resource: 'foos' }), 0);
  t.equal(kinds.byResource('example.com', 'v1', 'foos'), undefined);
  await refused(t, client.get(foos(), key('a')), 'NotFound', 'could not find the requested resource');
});

void t.test('names that another definition has are refused in its conditions, and taken over when they are given up', async (t) => {
  const { client, until } = await scene(t, [schemaOf(OPEN)]);
  const other = crd([schemaOf(OPEN)], { names: { plural: 'bars', kind: 'Foo' } });
  other.metadata.name = 'bars.example.com';
  await client.create(CUSTOMRESOURCEDEFINITIONS, other);
  let seen: CustomResourceDefinition | undefined;
  await until('bars.example.com', (stored) => (seen = stored)?.status?.conditions?.some(({ type, status }) => type === 'NamesAccepted' && status === 'False') === true);
  t.match(seen?.status?.conditions?.find(({ type }) => type === 'NamesAccepted'), { reason: 'ListKindConflict', message: '"FooList" is already in use' });
  await client.delete(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name: 'foos.example.com' });
  await until('bars.example.com', (stored) => stored !== undefined && hasCondition(stored, 'Established'));
});

void t.test('values are defaulted on the way in, and on the way out when the default came later', async (t) => {
  const { client, kinds } = await scene(t, [schemaOf({ type: 'object', properties: { a: { type: 'string', default: 'A' }, n: { type: 'object', properties: { x: { type: 'integer', default: 3 } } } } })]);
  const created = await client.create(foos(), foo('a', { n: {} }));
  t.match(created, { a: 'A', n: { x: 3 }, metadata: { generation: 1 } });
  const before = kinds.byResource('example.com', 'v1', 'foos');
  const definition = (await client.get(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name: 'foos.example.com' }));
  const next = structuredClone(definition);
  (next.spec.versions[0]?.schema?.openAPIV3Schema?.properties ?? {})['b'] = { type: 'string', default: 'B' as never };
  await client.update(CUSTOMRESOURCEDEFINITIONS, next);
  t.not(kinds.byResource('example.com', 'v1', 'foos'), before);
  t.match(await client.get(foos(), key('a')), { a: 'A', b: 'B' });
  t.equal((await client.get(foos(), key('a'))).metadata.resourceVersion, created.metadata.resourceVersion);
});

void t.test('values are held to the schema, in the words of upstream', async (t) => {
  const { client } = await scene(t, [schemaOf({
    type: 'object', required: ['spec'],
    properties: { spec: { type: 'object', required: ['a'], properties: {
      a: { type: 'string', enum: ['x', 'y'] }, n: { type: 'integer', minimum: 2, maximum: 4 }, s: { type: 'string', minLength: 2, maxLength: 3, pattern: '^a' },
      ip: { type: 'string', format: 'ipv4' }, l: { type: 'array', maxItems: 1, items: { type: 'string' } }, u: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      m: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } } },
      i: { 'x-kubernetes-int-or-string': true }, o: { type: 'object', properties: { p: { type: 'string' }, q: { type: 'string' } }, oneOf: [{ required: ['p'] }, { required: ['q'] }] },
    } } },
  })]);
  const bad = (spec: object, ...texts: string[]): Promise<void> => refused(t, client.create(foos(), foo('a', { spec })), 'Invalid', ...texts);
  await refused(t, client.create(foos(), foo('a')), 'Invalid', 'Foo.example.com "a" is invalid: spec: Required value');
  await bad({}, 'spec.a: Required value');
  await bad({ a: 'z' }, 'spec.a: Unsupported value: "z": supported values: "x", "y"');
  await bad({ a: 'x', n: 'one' }, 'spec.n: Invalid value: "string": spec.n in body must be of type integer: "string"');
  await bad({ a: 'x', n: 1 }, 'spec.n: Invalid value: 1: spec.n in body should be greater than or equal to 2');
  await bad({ a: 'x', n: 5 }, 'spec.n: Invalid value: 5: spec.n in body should be less than or equal to 4');
  await bad({ a: 'x', s: 'a' }, 'spec.s: Invalid value: "a": spec.s in body should be at least 2 chars long');
  await bad({ a: 'x', s: 'aaaa' }, 'spec.s: Too long: may not be more than 3 bytes');
  await bad({ a: 'x', s: 'bb' }, "spec.s: Invalid value: \"bb\": spec.s in body should match '^a'");
  await bad({ a: 'x', ip: '1.2.3' }, 'spec.ip: Invalid value: "1.2.3": spec.ip in body must be of type ipv4: "1.2.3"');
  await bad({ a: 'x', l: ['1', '2'] }, 'spec.l: Too many: 2: must have at most 1 item');
  await bad({ a: 'x', u: ['1', '1'] }, 'spec.u[1]: Duplicate value: "1"');
  await bad({ a: 'x', m: [{ k: '1' }, { k: '1' }] }, 'spec.m[1]: Duplicate value: {"k":"1"}');
  await bad({ a: 'x', i: true }, 'spec.i: Invalid value: "boolean": spec.i in body must be of type integer,string: "boolean"');
  await bad({ a: 'x', o: { p: '', q: '' } }, '"spec.o" must validate one and only one schema (oneOf). Found 2 valid alternatives');
  await client.create(foos(), foo('a', { spec: { a: 'x', n: 3, s: 'aa', ip: '1.2.3.4', l: ['1'], u: ['1', '2'], m: [{ k: '1' }], i: '50%', o: { p: '' } } }));
});

void t.test('what was wrong before and did not change is let be; what changes must be right', async (t) => {
  const { client } = await scene(t, [schemaOf({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } })]);
  await client.create(foos(), foo('a', { a: 'wrong', b: 'fine' }));
  const definition = structuredClone(await client.get(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name: 'foos.example.com' }));
  Object.assign(definition.spec.versions[0]?.schema?.openAPIV3Schema ?? {}, { properties: { a: { type: 'string', maxLength: 2 }, b: { type: 'string', maxLength: 5 } } });
  await client.update(CUSTOMRESOURCEDEFINITIONS, definition);
  const patch = (body: object): Promise<Unstructured> => client.patch(foos(), key('a'), { type: 'merge', body });
  t.match(await patch({ b: 'other' }), { a: 'wrong', b: 'other', metadata: { generation: 2 } });
  await refused(t, patch({ b: 'too long' }), 'Invalid', 'b: Too long');
  await refused(t, patch({ a: 'worse' }), 'Invalid', 'a: Too long');
});

void t.test('status and scale are written by themselves', async (t) => {
  const { client } = await scene(t, [{ ...schemaOf(OPEN), subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } } }]);
  t.equal((await client.create(foos(), foo('a', { spec: { replicas: 1 }, status: { replicas: 9 } })))['status'], undefined);
  const withStatus = await client.updateStatus(foos(), { ...(await client.get(foos(), key('a'))), spec: { replicas: 7 }, status: { replicas: 2, selector: 'a=b' } } as Unstructured);
  t.match(withStatus, { spec: { replicas: 1 }, status: { replicas: 2 }, metadata: { generation: 1 } });
  const scaled = await client.patch(foos(), key('a'), { type: 'merge', body: { spec: { replicas: 3 } } }, { subresource: 'scale' });
  t.match(scaled, { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 3 }, status: { replicas: 2, selector: 'a=b' } });
  t.match(await client.get(foos(), key('a')), { spec: { replicas: 3 }, metadata: { generation: 2 } });
});

void t.test('rules in CEL: transitions, messages, reasons', async (t) => {
  const { client } = await scene(t, [schemaOf({ type: 'object', properties: { spec: {
    type: 'object', properties: { min: { type: 'integer' }, max: { type: 'integer' }, fixed: { type: 'string', maxLength: 9 } },
    'x-kubernetes-validations': [{ rule: 'self.min <= self.max', message: 'min above max' }, { rule: 'self.fixed == oldSelf.fixed', reason: 'FieldValueForbidden', fieldPath: '.fixed', message: 'is fixed' }],
  } } })]);
  await refused(t, client.create(foos(), foo('a', { spec: { min: 2, max: 1, fixed: 'x' } })), 'Invalid', 'spec: Invalid value: min above max');
  await client.create(foos(), foo('a', { spec: { min: 1, max: 2, fixed: 'x' } }));
  await refused(t, client.patch(foos(), key('a'), { type: 'merge', body: { spec: { fixed: 'y' } } }), 'Invalid', 'spec.fixed: Forbidden: is fixed');
});

void t.test('server-side apply knows the schema: owners by key, unknown fields refused', async (t) => {
  const { client } = await scene(t, [schemaOf({ type: 'object', properties: { ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port'], items: { type: 'object', required: ['port'], properties: { port: { type: 'integer' }, name: { type: 'string' } } } } } })]);
  const apply = (manager: string, fields: object): Promise<Unstructured> => client.patch(foos(), key('a'), { type: 'apply', body: foo('a', fields) }, { fieldManager: manager });
  await apply('one', { ports: [{ port: 1, name: 'a' }] });
  const both = await apply('two', { ports: [{ port: 2, name: 'b' }] });
  t.same(both['ports'], [{ port: 1, name: 'a' }, { port: 2, name: 'b' }]);
  await refused(t, apply('two', { ports: [{ port: 1, name: 'c' }] }), 'Conflict', '.ports[port=1].name');
  await refused(t, apply('one', { bogus: 1 }), 'InternalError', '.bogus: field not declared in schema');
});

void t.test('selectable fields choose in lists and watches', async (t) => {
  const { client } = await scene(t, [{ ...schemaOf({ type: 'object', properties: { color: { type: 'string' } } }), selectableFields: [{ jsonPath: '.color' }] }]);
  const events: string[] = [];
  const ended = new AbortController();
  const stream = client.watch(foos(), { namespace: 'default', fieldSelector: 'color=red' }, ended.signal);
  for (const [name, color] of [['a', 'red'], ['b', 'blue']]) await client.create(foos(), foo(name ?? '', { color }));
  await client.patch(foos(), key('a'), { type: 'merge', body: { color: 'blue' } });
  for await (const { type, object } of stream) {
    events.push(`${type} ${object.metadata.name}`);
    if (type === 'DELETED') break;
  }
  ended.abort();
  t.same(events, ['ADDED a', 'DELETED a']);
  t.same((await client.list(foos(), { fieldSelector: 'color=blue' })).items.map(({ metadata }) => metadata.name), ['a', 'b']);
  await refused(t, client.list(foos(), { fieldSelector: 'size=1' }), 'BadRequest', 'field label not supported: size');
});

void t.test('OpenAPI v2 says the schema as it is, but for what v2 cannot say', async (t) => {
  const schema = { type: 'object', description: 'a foo', properties: { spec: { type: 'object', description: 'spec', properties: { bars: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string', description: 'n' } } } }, none: { type: 'string', nullable: true } } } } };
  const { kinds, schemas } = await scene(t, [schemaOf(schema)]);
  const { definitions } = documentOf(openApiV2Members({ schemas, resources: kinds.all(), version: '1.36' })) as { definitions: Record<string, { properties: object }> };
  const { apiVersion: _a, kind: _k, metadata: _m, ...own } = (definitions['com.example.v1.Foo']?.properties ?? {}) as Record<string, unknown>;
  t.same(own, { spec: { ...schema.properties.spec, properties: { ...schema.properties.spec.properties, none: {} } } });
  t.match(definitions['com.example.v1.FooList'], { required: ['items'], properties: { items: { type: 'array' } } });
});
