// Ownership of fields through creates and updates, on the schemas of real kinds.
import t from 'tap';
import { copy, freeze, type KubeObject, type ManagedFieldsEntry, type Unstructured } from '../../../internal/api/meta.ts';
import { recordUpdate } from '../../../internal/api/patch/apply.ts';
import { loadSchemas, type Definition } from '../../../internal/api/schema.ts';

const schemas = loadSchemas();
const NOON = Date.parse('2026-01-02T12:00:00Z');
const META = { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-02T11:00:00Z' };

function definitionOf({ apiVersion, kind }: { apiVersion: string; kind: string }): Definition {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const definition = schemas.byKind(group ?? '', version ?? '', kind);
  if (definition === undefined) throw new Error(`no ${kind}`);
  return definition;
}

function write(live: KubeObject | undefined, next: object, { manager = 'm', subresource = '', now = NOON } = {}): Unstructured {
  const draft = copy(next) as Unstructured;
  recordUpdate({ ...(live !== undefined && { live }), next: draft, manager, definition: definitionOf(draft), schemas, subresource, now });
  return freeze(draft);
}
const configMap = (data: Record<string, string>, metadata: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...META, ...metadata }, data });
const fieldsOf = (object: KubeObject, manager: string): unknown => object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
const managers = (object: KubeObject): string[] => (object.metadata.managedFields ?? []).map(({ manager = '', operation = '', subresource = '' }) => `${operation} ${manager}${subresource && `/${subresource}`}`);

t.test('a creator owns what it gave, and nothing that the server sets', (t) => {
  const created = write(undefined, configMap({ a: '1' }, { labels: { l: '1' }, finalizers: ['x/y'], ownerReferences: [{ uid: 'o', apiVersion: 'v1', kind: 'Node', name: 'n' }] }));
  t.strictSame(created.metadata.managedFields, [{
    manager: 'm', operation: 'Update', apiVersion: 'v1', time: '2026-01-02T12:00:00Z', fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:data': { '.': {}, 'f:a': {} },
      'f:metadata': { 'f:finalizers': { '.': {}, 'v:"x/y"': {} }, 'f:labels': { '.': {}, 'f:l': {} }, 'f:ownerReferences': { '.': {}, 'k:{"uid":"o"}': {} } },
    },
  }]);
  t.equal(JSON.stringify(created.metadata.managedFields?.[0]?.fieldsV1), '{"f:data":{".":{},"f:a":{}},"f:metadata":{"f:finalizers":{".":{},"v:\\"x/y\\"":{}},"f:labels":{".":{},"f:l":{}},"f:ownerReferences":{".":{},"k:{\\"uid\\":\\"o\\"}":{}}}}', 'in upstream\'s order');
  t.end();
});

t.test('structs that are always written are not owned themselves; lists by key, with the defaults of keys', (t) => {
  const deployment = write(undefined, {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: META,
    spec: {
      replicas: 1, selector: { matchLabels: { a: 'b' } }, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', command: ['sh'], ports: [{ containerPort: 80 }], env: [{ name: 'E', valueFrom: { secretKeyRef: { key: 'k' } } }], resources: {} }], securityContext: {}, nodeSelector: { x: 'y' } } },
    },
    status: { replicas: 1 },
  });
  t.strictSame(fieldsOf(deployment, 'm'), {
    'f:spec': {
      'f:replicas': {}, 'f:selector': {}, 'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
      'f:template': {
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:containers': { 'k:{"name":"c"}': {
            '.': {}, 'f:command': {}, 'f:env': { '.': {}, 'k:{"name":"E"}': { '.': {}, 'f:name': {}, 'f:valueFrom': { '.': {}, 'f:secretKeyRef': {} } } }, 'f:image': {}, 'f:name': {},
            'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } }, 'f:resources': {},
          } },
          'f:nodeSelector': {}, 'f:securityContext': {},
        },
      },
    },
  });
  t.end();
});

t.test('an update takes what it changes, and leaves the rest', (t) => {
  const created = write(undefined, configMap({ a: '1', b: '1', c: '1' }));
  const updated = write(created, { ...created, ...configMap({ a: '2', b: '1', d: '1' }, { managedFields: created.metadata.managedFields }) }, { manager: 'other', now: NOON + 5000 });
  t.strictSame(fieldsOf(updated, 'm'), { 'f:data': { '.': {}, 'f:b': {} } });
  t.strictSame(fieldsOf(updated, 'other'), { 'f:data': { 'f:a': {}, 'f:d': {} } });
  t.equal(updated.metadata.managedFields?.[1]?.time, '2026-01-02T12:00:05Z');
  t.equal(updated.metadata.managedFields?.[0]?.time, '2026-01-02T12:00:00Z', 'who only loses fields keeps its time');
  t.end();
});

t.test('an update that changes nothing keeps the entries as they are', (t) => {
  const created = write(undefined, configMap({ a: '1' }));
  t.equal(write(created, copy(created), { manager: 'other' }).metadata.managedFields, created.metadata.managedFields);
  const { managedFields: _, ...metadata } = created.metadata;
  t.equal(write(created, { ...created, metadata }, { manager: 'other' }).metadata.managedFields, created.metadata.managedFields, 'also where the client left them out');
  t.end();
});

t.test('an owner of nothing is gone; removing is not owning', (t) => {
  const created = write(undefined, configMap({ a: '1' }));
  const taken = write(created, configMap({ a: '2' }), { manager: 'other' });
  t.strictSame(managers(taken), ['Update m', 'Update other'], 'data itself is still the first one\'s');
  const emptied = write(taken, { apiVersion: 'v1', kind: 'ConfigMap', metadata: META }, { manager: 'third' });
  t.equal(emptied.metadata.managedFields, undefined);
  t.end();
});

t.test('a manager writing again keeps one entry', (t) => {
  const created = write(undefined, configMap({ a: '1' }));
  const again = write(created, configMap({ a: '2', b: '1' }), { now: NOON + 1000 });
  t.strictSame(again.metadata.managedFields?.map(({ fieldsV1, time }) => ({ fieldsV1, time })), [{ fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } }, time: '2026-01-02T12:00:01Z' }]);
  t.end();
});

t.test('subresources have entries of their own, and status is theirs alone', (t) => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: META, spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }, status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  const created = write(undefined, node);
  t.strictSame(fieldsOf(created, 'm'), { 'f:spec': { 'f:podCIDR': {}, 'f:podCIDRs': { '.': {}, 'v:"10.0.0.0/24"': {} } } });
  const ready = write(created, { ...created, spec: {}, status: { conditions: [{ type: 'Ready', status: 'True' }] } }, { manager: 'kubelet', subresource: 'status' });
  t.strictSame(managers(ready), ['Update m', 'Update kubelet/status']
    .toSorted((a, b) => a.split(' ')[1]!.localeCompare(b.split(' ')[1]!)));
  t.strictSame(fieldsOf(ready, 'kubelet'), { 'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': { 'f:status': {} } } } });
  t.strictSame(fieldsOf(ready, 'm'), fieldsOf(created, 'm'));
  t.end();
});

t.test('an empty list or an empty entry forgets all owners, until the next apply', (t) => {
  const created = write(undefined, configMap({ a: '1' }));
  for (const managedFields of [[], [{}]]) {
    const reset = write(created, { ...created, metadata: { ...created.metadata, managedFields } });
    t.equal(reset.metadata.managedFields, undefined);
    t.equal(write(reset, configMap({ a: '2' })).metadata.managedFields, undefined);
  }
  t.end();
});

t.test('a client may edit the entries; what cannot be read does not count', (t) => {
  const created = write(undefined, configMap({ a: '1' }));
  const entry: ManagedFieldsEntry = { manager: 'mine', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:z': {}, 'f:a': {} } } };
  const edited = write(created, { ...created, metadata: { ...created.metadata, managedFields: [entry] } });
  t.equal(JSON.stringify(edited.metadata.managedFields), JSON.stringify([{ ...entry, fieldsV1: { 'f:data': { 'f:a': {}, 'f:z': {} } } }]));
  for (const bad of [{ ...entry, operation: 'Explode' }, { ...entry, fieldsV1: { x: 'y' } }, { ...entry, fieldsType: 'V7' }]) {
    t.strictSame(managers(write(created, { ...created, metadata: { ...created.metadata, managedFields: [bad] } })), ['Update m']);
  }
  t.end();
});

t.test('the oldest of more than ten updaters become one', (t) => {
  let object = write(undefined, configMap({ k0: '0' }), { manager: 'm0' });
  for (let i = 1; i < 14; i++) {
    const data = object['data'] as Record<string, string>;
    object = write(object, { ...object, data: { ...data, [`k${String(i)}`]: '1' } }, { manager: `m${String(i)}`, now: NOON + i * 1000 });
  }
  t.strictSame(managers(object), ['Update ancient-changes', ...Array.from({ length: 9 }, (_, i) => `Update m${String(i + 5)}`)]);
  t.strictSame(fieldsOf(object, 'ancient-changes'), { 'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {}, 'f:k4': {} } });
  t.equal(object.metadata.managedFields?.[0]?.time, '2026-01-02T12:00:04Z');
  t.end();
});

t.test('items that share their keys are owned as one; items without keys end the tracking', (t) => {
  const service = (ports: object[]): object => ({ apiVersion: 'v1', kind: 'Service', metadata: META, spec: { ports } });
  const twins = write(undefined, service([{ port: 80, name: 'a' }, { port: 80, name: 'b' }]));
  t.strictSame(fieldsOf(twins, 'm'), { 'f:spec': { 'f:ports': { '.': {}, 'k:{"port":80,"protocol":"TCP"}': {} } } });
  const one = write(twins, service([{ port: 80, name: 'a' }]), { manager: 'other' });
  t.strictSame(fieldsOf(one, 'other'), { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } } });
  const unkeyed = { apiVersion: 'v1', kind: 'Pod', metadata: META, spec: { containers: ['no object'] } };
  t.equal(write(undefined, unkeyed).metadata.managedFields, undefined);
  t.end();
});

t.test('labels named like inherited members are owned like any other', (t) => {
  const created = write(undefined, configMap({ constructor: '1', toString: '2' }));
  t.strictSame(fieldsOf(created, 'm'), { 'f:data': { '.': {}, 'f:constructor': {}, 'f:toString': {} } });
  t.end();
});
