// The schema table of every built-in kind: fields, types, defaults, list and patch semantics, and numbers on the wire.
// One compact text (generated/schema-table.ts); a definition is parsed at its first use and kept. Nothing is parsed at import.
// Custom resources bring definitions of the same shape, so all schema-driven code (shape, defaults, patches) serves them too.
// The table's letters are written by build/schema/schema-table.ts; the two change together.
import { SCHEMA_TABLE } from './generated/schema-table.ts';
import type { GroupVersionKind } from './meta.ts';
import type { Shape } from './shape-error.ts';

export type ListType = 'atomic' | 'set' | 'map';
export type MapType = 'atomic' | 'granular';
/** Values whose JSON shape and wire shape differ by rule rather than by table; all are 'any' in JSON. */
export type RawForm = 'RawExtension' | 'FieldsV1' | 'JSON' | 'JSONSchemaPropsOrArray' | 'JSONSchemaPropsOrBool' | 'JSONSchemaPropsOrStringArray' | 'object';

export type TypeRef =
  | { type: 'string'; enum?: readonly string[]; goType?: string }
  | { type: 'integer'; format: 'int32' | 'int64'; goType?: string }
  | { type: 'number' | 'boolean' | 'bytes' | 'time' | 'microtime' | 'quantity' | 'intOrString'; goType?: string }
  | { type: 'any'; raw: RawForm }
  | { type: 'object'; definition: string }
  | { type: 'map'; values: TypeRef; mapType?: MapType; zeroItems: boolean }
  | { type: 'list'; items: TypeRef; listType?: ListType; listMapKeys?: readonly string[]; mergeKey?: string; patchStrategy?: string; zeroItems: boolean };

export interface Field {
  name: string;
  type: TypeRef;
  required: boolean;
  /** What the API server fills in. Zero values of required fields are not defaults: see `zeroDefault`. */
  default?: unknown;
  /** OpenAPI v3 gives the Go zero value as default ('' 0 false {}). */
  zeroDefault: boolean;
  /** `merge`, `replace`, `retainKeys`, `merge,retainKeys`. */
  patchStrategy?: string;
  mergeKey?: string;
  mapType?: MapType;
  /** Said of what is no list: bytes. */
  listType?: ListType;
  /** A Go pointer: its zero value is told apart from absence and kept. */
  pointer: boolean;
  /** JSON leaves a zero out (omitempty; structs only with omitzero). */
  omitEmpty: boolean;
  omitZero: boolean;
  /** Protobuf field numbers from this message inwards: `[2, 1]` is field 1 of the embedded message in field 2, which JSON inlines. */
  wire: readonly number[];
}

export interface Definition {
  id: string;
  fields: ReadonlyMap<string, Field>;
  /** In upstream's order. */
  required: readonly string[];
  /** Set where the definition is the root of exactly one kind. */
  kind?: GroupVersionKind;
  kinds: readonly GroupVersionKind[];
  mapType?: MapType;
  /** x-kubernetes-unions, as OpenAPI has it. */
  unions?: unknown;
  /** Custom kinds: members that the schema does not name are kept, and nobody knows their form. */
  open?: boolean;
  /** Roots of custom kinds: their own schema rules, not what a trip through Go types makes of an object. */
  custom?: CustomForm;
}

/** How objects of a custom kind are read and filled in (internal/kinds/custom). */
export interface CustomForm {
  /** The status is written through its subresource alone. */
  statusApart: boolean;
  /** What the decoder sees; the fields that it drops are told, not dropped. */
  check(value: Record<string, unknown>, schemas: Schemas): Shape;
  /** Takes out nulls that the schema does not allow, fills in defaults; in place. */
  fillIn(draft: Record<string, unknown>, schemas: Schemas): void;
}

/** Definitions that come and go at run time, in one source's keeping. */
export interface DefinitionSource {
  get(id: string): Definition | undefined;
  byKind(group: string, version: string, kind: string): Definition | undefined;
}

export interface Schemas {
  get(id: string): Definition | undefined;
  byKind(group: string, version: string, kind: string): Definition | undefined;
  /** Every id, in OpenAPI's order. */
  ids(): Iterable<string>;
  /** The form of a definition that is no object of fields (Time, Quantity, RawExtension, …). */
  scalar(id: string): TypeRef | undefined;
  /** Asks this source too, after the table; undefined takes a source away. */
  replace(source: string, definitions: DefinitionSource | undefined): void;
}

const SPECIAL: ReadonlyMap<string, TypeRef> = new Map<string, TypeRef>([
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Time', { type: 'time' }],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime', { type: 'microtime' }],
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', { type: 'quantity' }],
  ['io.k8s.apimachinery.pkg.util.intstr.IntOrString', { type: 'intOrString' }],
  ['io.k8s.apimachinery.pkg.runtime.RawExtension', { type: 'any', raw: 'RawExtension' }],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1', { type: 'any', raw: 'FieldsV1' }],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Patch', { type: 'any', raw: 'object' }],
  ...(['JSON', 'JSONSchemaPropsOrArray', 'JSONSchemaPropsOrBool', 'JSONSchemaPropsOrStringArray'] as const).map((raw): [string, TypeRef] => [
    `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${raw}`, { type: 'any', raw },
  ]),
]);

let shared: Schemas | undefined;

/** The table of built-in kinds; one per process. */
export function loadSchemas(): Schemas {
  return (shared ??= readTable(SCHEMA_TABLE));
}

/** The index holds one offset a line; parsing waits for the first use. */
export function readTable(table: string): Schemas {
  const packages = table.slice(0, table.indexOf('\n')).split(' ');
  const expand = (short: string): string => `${packages[Number.parseInt(short, 36)] ?? ''}${short.slice(short.indexOf(':')).replace(':', '.')}`;
  const offsets = new Map<string, number>();
  const kinds = new Map<string, string>();
  for (let start = table.indexOf('\n') + 1; start > 0; start = table.indexOf('\n', start) + 1) {
    const tab = table.indexOf('\t', start);
    const id = expand(table.slice(start, tab));
    offsets.set(id, start);
    const gvks = table.slice(tab + 1, table.indexOf('\t', tab + 1));
    for (const gvk of gvks.split(' ')) if (gvk !== '' && !kinds.has(gvk)) kinds.set(gvk, id);
  }
  const parsed = new Map<string, Definition>();
  const get = (id: string): Definition | undefined => {
    const known = parsed.get(id);
    if (known !== undefined) return known;
    const start = offsets.get(id);
    if (start === undefined) return undefined;
    const end = table.indexOf('\n', start);
    const definition = parseLine(id, table.slice(start, end < 0 ? undefined : end), expand);
    parsed.set(id, definition);
    return definition;
  };
  const sources = new Map<string, DefinitionSource>();
  const elsewhere = (ask: (source: DefinitionSource) => Definition | undefined): Definition | undefined => {
    for (const source of sources.values()) {
      const found = ask(source);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    get: (id) => get(id) ?? elsewhere((source) => source.get(id)),
    byKind: (group, version, kind) => get(kinds.get(`${group}/${version}/${kind}`) ?? '') ?? elsewhere((source) => source.byKind(group, version, kind)),
    ids: () => offsets.keys(),
    scalar: (id) => SPECIAL.get(id),
    replace(source, definitions) {
      if (definitions === undefined) sources.delete(source);
      else sources.set(source, definitions);
    },
  };
}

function parseLine(id: string, line: string, expand: (short: string) => string): Definition {
  const [, gvks = '', marks = '', ...texts] = line.split('\t');
  const fields = new Map<string, Field>();
  const required: string[] = [];
  for (const text of texts) {
    if (text === '') continue;
    const field = parseField(text, { required, expand });
    fields.set(field.name, field);
  }
  const kinds = gvks.split(' ').filter(Boolean).map((gvk) => {
    const [group = '', version = '', kind = ''] = gvk.split('/');
    return { group, version, kind };
  });
  const unions = marks.indexOf('U');
  return {
    id, fields, required, kinds,
    ...(kinds.length === 1 && kinds[0] !== undefined && { kind: kinds[0] }),
    ...(marks.startsWith('A') && { mapType: 'atomic' as const }),
    ...(unions >= 0 && { unions: JSON.parse(marks.slice(unions + 1)) as unknown }),
  };
}

function parseField(text: string, { required, expand }: { required: string[]; expand: (short: string) => string }): Field {
  const [name = '', typeText = '', ...marks] = text.includes('<') ? text.split(/ (?![^<]*>)/) : text.split(' ');
  const mark = (letter: string): string | undefined => marks.find((word) => word.startsWith(letter))?.slice(1);
  const place = mark('*');
  if (place !== undefined) required[Number(place)] = name;
  const patchStrategy = mark('P');
  const mergeKey = mark('K');
  const mapType = mark('M') as MapType | undefined;
  const [listType, listMapKeys] = (mark('L') ?? '').split(':');
  const real = mark('=');
  const type = parseType(typeText, expand);
  if (type.type === 'list') {
    if (listType) type.listType = listType as ListType;
    if (listMapKeys !== undefined) type.listMapKeys = listMapKeys.split(',');
    if (mergeKey !== undefined) type.mergeKey = mergeKey;
    if (patchStrategy !== undefined) type.patchStrategy = patchStrategy;
  }
  if (type.type === 'map' && mapType !== undefined) type.mapType = mapType;
  const goType = mark('G');
  if (goType !== undefined) (type as { goType?: string }).goType = goType;
  return {
    name, type, required: place !== undefined, zeroDefault: marks.includes('~'),
    pointer: marks.includes('p'), omitEmpty: marks.includes('e'), omitZero: marks.includes('z'),
    wire: (mark('#') ?? '').split('.').filter(Boolean).map(Number),
    ...(real !== undefined && { default: JSON.parse(real) as unknown }),
    ...(patchStrategy !== undefined && { patchStrategy }),
    ...(mergeKey !== undefined && { mergeKey }),
    ...(mapType !== undefined && { mapType }),
    ...(type.type === 'bytes' && listType && { listType: listType as ListType }),
  };
}

function parseType(text: string, expand: (short: string) => string): TypeRef {
  const inner = (): { zeroItems: boolean; of: TypeRef } => ({ zeroItems: text[1] === '~', of: parseType(text.slice(text[1] === '~' ? 2 : 1), expand) });
  switch (text.charAt(0)) {
    case 's': return text.length > 1 ? { type: 'string', enum: text.slice(2, -1).split(',') } : { type: 'string' };
    case 'i': return { type: 'integer', format: 'int32' };
    case 'l': return { type: 'integer', format: 'int64' };
    case 'd': return { type: 'number' };
    case 'b': return { type: 'boolean' };
    case 'y': return { type: 'bytes' };
    case 'o': return { type: 'any', raw: 'object' };
    case '[': { const { of, zeroItems } = inner(); return { type: 'list', items: of, zeroItems }; }
    case '{': { const { of, zeroItems } = inner(); return { type: 'map', values: of, zeroItems }; }
    default: { const id = expand(text.slice(1)); return { ...(SPECIAL.get(id) ?? { type: 'object', definition: id }) } as TypeRef; }
  }
}
