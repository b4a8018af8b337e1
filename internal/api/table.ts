// Table v1 and PartialObjectMetadata (meta/v1): what `kubectl get` and metadata informers ask for instead of objects. Knows no kind: columns
// come from the discovery table, cells from the kind's rules.
import { ageOf } from './age.ts';
import type { KubeObject, ListMeta } from './meta.ts';

interface Column {
  name: string;
  type: string;
  format: string;
  priority: number;
  description?: string;
}
type Cell = string | number | bigint | boolean | null;

export interface RowCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface Row {
  cells: Cell[];
  conditions?: readonly RowCondition[];
  object: KubeObject | null;
}

export interface Tabular<T extends KubeObject> {
  columns: readonly Column[];
  rules: { cells?(object: T, now: number): Cell[]; rowConditions?(object: T): readonly RowCondition[] | undefined; compareRows?(a: T, b: T): number };
}

export interface TableOptions {
  /** How much of each object its row carries. */
  includeObject: 'None' | 'Metadata' | 'Object';
  /** Epoch ms, for ages. */
  now: number;
  /** false: a later event of a watch, whose client knows the columns. */
  columnsShown: boolean;
  /** Of meta.k8s.io. */
  version?: string;
}

interface List {
  metadata: ListMeta;
  items: KubeObject[];
}

/** A Table of one object, or of a list with its metadata. Its rows are made each time that they are read: thousands need not be there at once. */
export function tableOf<T extends KubeObject>(kind: Tabular<T>, answer: KubeObject | List, { includeObject, now, columnsShown, version = 'v1' }: TableOptions): object {
  const objects = 'items' in answer ? inRowOrder(kind, answer.items) : [answer];
  const { resourceVersion, continue: more, remainingItemCount } = answer.metadata as ListMeta;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: { ...(resourceVersion !== undefined && { resourceVersion }), ...(more !== undefined && more !== '' && { continue: more }), ...(remainingItemCount !== undefined && { remainingItemCount }) },
    columnDefinitions: columnsShown ? kind.columns.map(({ name, type, format, priority, description = '' }) => ({ name, type, format, description, priority })) : null,
    rows: lazily(objects, (object) => {
      const conditions = kind.rules.rowConditions?.(object as T);
      return { cells: cellsOf(kind, object as T, now), ...(conditions !== undefined && { conditions }), object: carried(object, includeObject, version) };
    }),
  };
}

function inRowOrder<T extends KubeObject>({ rules: { compareRows } }: Tabular<T>, items: KubeObject[]): KubeObject[] {
  return compareRows === undefined ? items : (items as T[]).toSorted(compareRows);
}

/** In JSON an array. */
function lazily(objects: readonly KubeObject[], rowOf: (object: KubeObject) => Row): Iterable<Row> & { toJSON(): Row[] } {
  return {
    * [Symbol.iterator]() {
      for (const object of objects) yield rowOf(object);
    },
    toJSON: () => objects.map(rowOf),
  };
}

/** PartialObjectMetadata of an object, PartialObjectMetadataList of a list. */
export function partialMetadata(answer: KubeObject | List, version = 'v1'): object {
  if ('items' in answer) return { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata: withoutEmptyContinue(answer.metadata), items: answer.items.map((item) => metadataOnly(item, version)) };
  return metadataOnly(answer, version);
}

/** Lists of custom resources say that nothing is left; these forms do not. */
function withoutEmptyContinue({ continue: more, ...metadata }: ListMeta): ListMeta {
  return { ...metadata, ...(more && { continue: more }) };
}

function metadataOnly({ metadata }: KubeObject, version: string): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata };
}

function cellsOf<T extends KubeObject>({ rules, columns }: Tabular<T>, object: T, now: number): Cell[] {
  if (rules.cells !== undefined) return rules.cells(object, now);
  return columns.map((column) => defaultCell(column, object, now));
}

// Upstream's default table has the names and when they were created; an Age column shows how long ago.
function defaultCell({ name }: Column, { metadata }: KubeObject, now: number): Cell {
  switch (name) {
    case 'Name': return metadata.name;
    case 'Created At': return metadata.creationTimestamp ?? '';
    case 'Age': return ageOf(metadata.creationTimestamp, now);
    default: return '';
  }
}

function carried(object: KubeObject, includeObject: TableOptions['includeObject'], version: string): KubeObject | null {
  if (includeObject === 'None') return null;
  return includeObject === 'Object' ? object : metadataOnly(object, version);
}
