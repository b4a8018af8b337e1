// Lists as bytes are what JSON.stringify makes of them, whichever way their bytes are made or kept.
import t from 'tap';
import { freeze, type KubeObject } from '../../../internal/api/meta.ts';
import type { ObjectList } from '../../../internal/api/request.ts';
import { partialMetadata, tableOf } from '../../../internal/api/table.ts';
import { becomeQuiet } from '../../../internal/base/quiet.ts';
import { listBytes, listPieces, tableBytes, type Table } from '../../../internal/http/object-bytes.ts';
import { payload } from '../../../internal/http/respond.ts';
import { formatYaml } from '../../../internal/api/yaml.ts';
import type { Schemas } from '../../../internal/api/schema.ts';

const objects = (count: number): KubeObject[] => Array.from({ length: count }, (_, index) => freeze({
  apiVersion: 'v1', kind: 'ConfigMap', data: { text: 'ü"\n'.repeat(index % 7) },
  metadata: { name: `m-${String(index)}`, namespace: 'default', uid: String(index), resourceVersion: String(index), creationTimestamp: '2026-01-01T00:00:00Z', labels: { index: String(index) } },
}));
const listOf = (items: KubeObject[]): ObjectList => ({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items });

t.test('a short list, of objects and of metadata, made twice and once more after what was kept is let go', async (t) => {
  const whole = listOf(objects(50));
  const metadata = partialMetadata(whole) as ObjectList;
  for (const list of [whole, metadata, whole, metadata, listOf([])]) {
    t.equal(listPieces(list), undefined);
    t.equal(listBytes(list).toString(), `${JSON.stringify(list)}\n`);
  }
  becomeQuiet();
  for (const list of [whole, metadata]) t.equal(listBytes(list).toString(), `${JSON.stringify(list)}\n`);
});

t.test('custom kinds that are named as forms are', async (t) => {
  const list = listOf([freeze({ apiVersion: 'example.com/v1', kind: 'PartialObjectMetadata', metadata: objects(1)[0]?.metadata, spec: { a: 1 } } as unknown as KubeObject)]);
  t.equal(listBytes(list).toString(), `${JSON.stringify(list)}\n`);
});

t.test('a long one, in pieces', async (t) => {
  const list = listOf(objects(2345));
  t.equal(Buffer.concat([...(listPieces(list) ?? [])]).toString(), `${JSON.stringify({ kind: list.kind, apiVersion: list.apiVersion, metadata: list.metadata, items: list.items })}\n`);
});

t.test('a Table, with all that its rows may carry', async (t) => {
  const kind = { columns: [{ name: 'Name', type: 'string', format: 'name', priority: 0 }], rules: {} };
  for (const items of [objects(50), []]) {
    for (const includeObject of ['None', 'Metadata', 'Object'] as const) {
      const table = tableOf(kind, listOf(items), { includeObject, now: 0, columnsShown: true });
      for (let times = 0; times < 2; times++) t.equal(tableBytes(table as Table).toString(), JSON.stringify(table));
    }
  }
});

t.test('a Table in other forms', async (t) => {
  const kind = { columns: [{ name: 'Name', type: 'string', format: 'name', priority: 0 }], rules: {} };
  const table = tableOf(kind, listOf(objects(3)), { includeObject: 'Metadata', now: 0, columnsShown: true });
  const whole: unknown = JSON.parse(JSON.stringify(table));
  const made = (format: 'json' | 'yaml', pretty: boolean): string => payload(200, table, { form: { format, version: 'v1', pretty }, schemas: {} as Schemas }).bytes.toString();
  t.equal((whole as { rows: unknown[] }).rows.length, 3);
  t.equal(made('yaml', false), formatYaml(whole));
  t.equal(made('json', true), `${JSON.stringify(whole, undefined, 2)}\n`);
});
