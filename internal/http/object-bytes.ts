// Objects as bytes, serialised once: the frozen object that the store holds is the key, so a new state is a new entry. Bounded: when the
// kept bytes come to more than the limit, or nobody asks for a while, all are let go, and the hot ones come back by themselves.
import { onQuiet } from '../base/quiet.ts';
import type { KubeObject, ListMeta } from '../api/meta.ts';
import type { ObjectList } from '../api/request.ts';
import type { Row } from '../api/table.ts';
import { createByteWriter } from './byte-writer.ts';

const KEPT_MAX = 4 * 1024 * 1024;
/** Larger objects are rarely asked for and would push out many small ones. */
const ONE_MAX = 64 * 1024;
/** Items of a list, and how many of such are made at once. */
const LONG = 2000;
const PIECE = 200;

let cache = new WeakMap<object, Buffer>();
let kept = 0;
onQuiet(() => letGo());

/** As api/table.ts makes it: rows last. */
export interface Table {
  kind: 'Table';
  rows: Iterable<Row>;
}

export function objectBytes(object: object): Buffer {
  const held = cache.get(object);
  if (held !== undefined) return held;
  const bytes = Buffer.from(JSON.stringify(object));
  if (!Object.isFrozen(object) || bytes.length > ONE_MAX) return bytes;
  kept += bytes.length;
  if (kept > KEPT_MAX) {
    letGo();
    kept = bytes.length;
  }
  cache.set(object, bytes);
  return bytes;
}

function letGo(): void {
  cache = new WeakMap();
  kept = 0;
}

/** A list, put together from its items' bytes. */
export function listBytes(list: ObjectList): Buffer {
  const parts: Buffer[] = [Buffer.from(listHead(list))];
  let partial: Buffer | undefined; // all are of one version
  list.items.forEach((item: KubeObject, index) => {
    if (index > 0) parts.push(COMMA);
    if (isPartial(item)) parts.push((partial ??= Buffer.from(partialHead(item))), objectBytes(item.metadata), END);
    else parts.push(objectBytes(item));
  });
  parts.push(LIST_END);
  return Buffer.concat(parts);
}

/** A Table's rows carry metadata, which is most of them. */
export function tableBytes({ rows, ...table }: Table): Buffer {
  const writer = createByteWriter();
  writer.text(`${JSON.stringify(table).slice(0, -1)},"rows":[`);
  let [comma, end] = ['', ''];
  for (const { cells, conditions, object } of rows) {
    const begin = `${end}${comma}{"cells":${JSON.stringify(cells)},${conditions === undefined ? '' : `"conditions":${JSON.stringify(conditions)},`}"object":`;
    const partial = object !== null && isPartial(object);
    [comma, end] = [',', partial ? '}}' : '}'];
    writer.text(object === null ? `${begin}null` : partial ? `${begin}${partialHead(object)}` : begin);
    if (object !== null) writer.bytes(objectBytes(partial ? object.metadata : object));
  }
  writer.text(`${end}]}`);
  return writer.end();
}

function isPartial({ kind, apiVersion }: KubeObject): boolean {
  return kind === PARTIAL && apiVersion.startsWith('meta.k8s.io/'); // custom kinds may have that name
}

/** Metadata is kept by itself: what is around it is made anew for each answer. */
function partialHead({ apiVersion }: KubeObject): string {
  return `{"kind":"${PARTIAL}","apiVersion":"${apiVersion}","metadata":`;
}

/** A long list, made as it is sent: its bytes are never there all at once, nor do they push out what is asked for again. Undefined: it is short. */
export function listPieces(list: ObjectList): Iterable<Buffer> | undefined {
  return list.items.length > LONG ? piecesOf(list) : undefined;
}

function* piecesOf(list: ObjectList): Generator<Buffer> {
  yield Buffer.from(listHead(list));
  for (let from = 0; from < list.items.length; from += PIECE) {
    const text = list.items.slice(from, from + PIECE).map((item) => JSON.stringify(item)).join(',');
    yield Buffer.from(from === 0 ? text : `,${text}`);
  }
  yield LIST_END;
}

function listHead({ apiVersion, kind, metadata }: ObjectList): string {
  return `${head(apiVersion, kind, metadata)},"items":[`;
}

const PARTIAL = 'PartialObjectMetadata';
const END = Buffer.from('}');
const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}\n');

function head(apiVersion: string, kind: string, metadata: ListMeta): string {
  return JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1);
}
