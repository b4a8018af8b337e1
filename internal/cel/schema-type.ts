// OpenAPI schemas of custom resources → CEL types, by Kubernetes' rules (apiserver pkg/cel/common SchemaDeclType): what has no type CEL
// can name (preserve-unknown-fields without properties) is left out, int-or-string is dyn, and bounds feed the cost estimate.
import { escapeIdentifier, unescapeIdentifier } from './escape.ts';
import type { CelType, ListType, ObjectType } from './type.ts';

/** The parts of a structural schema that CEL looks at. */
export interface TypeSchema {
  type?: string;
  format?: string;
  properties?: Readonly<Record<string, TypeSchema>>;
  items?: TypeSchema;
  additionalProperties?: boolean | TypeSchema;
  required?: readonly string[];
  enum?: readonly unknown[];
  default?: unknown;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: readonly string[];
}

const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
const STRING_MAX = REQUEST_BYTES_MAX - 2;
const FORMATS: Readonly<Record<string, { kind: 'timestamp' | 'duration'; maxElements: number; minSize: number }>> = {
  duration: { kind: 'duration', maxElements: 32, minSize: 3 },
  date: { kind: 'timestamp', maxElements: 12, minSize: 12 },
  'date-time': { kind: 'timestamp', maxElements: 32, minSize: 21 },
};
const TYPE_AND_NAME: Readonly<Record<string, TypeSchema>> = {
  kind: { type: 'string' }, apiVersion: { type: 'string' }, metadata: { type: 'object', properties: { name: { type: 'string' }, generateName: { type: 'string' } } },
};

/**
 * undefined where the schema is nothing CEL can name. At the root of a resource kind, apiVersion and metadata's name and generateName
 * are always there. `name` is what error texts call the objects in it (upstream: `selfType` and a number).
 */
export function schemaType(schema: TypeSchema, options: { resourceRoot?: boolean; name?: string } = {}): CelType | undefined {
  return typeOf(schema, options.resourceRoot === true || schema['x-kubernetes-embedded-resource'] === true, options.name ?? 'object');
}

/** How often a value of the type can stand in one request: multiplies the cost of a rule under unbounded lists and maps. */
export function maxCardinality(type: CelType): number {
  return Math.floor(REQUEST_BYTES_MAX / (minSizeOf(type) + 1));
}

function typeOf(schema: TypeSchema, root: boolean, name: string): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'dyn', minSize: 1, maxElements: stringMax(schema, STRING_MAX) };
  switch (schema.type) {
    case 'array': return listType(schema, name);
    case 'object': return typeof schema.additionalProperties === 'object' && !root ? mapType(schema, schema.additionalProperties, name) : objectOf(schema, root, name);
    case 'string': return stringType(schema);
    case 'boolean': return { kind: 'bool', minSize: 4 };
    case 'number': return { kind: 'double', minSize: 1 };
    case 'integer': return { kind: 'int', minSize: 1 };
    default: return undefined;
  }
}

function listType(schema: TypeSchema, name: string): CelType | undefined {
  const items = schema.items === undefined ? undefined : typeOf(schema.items, schema.items['x-kubernetes-embedded-resource'] === true, `${name}.@idx`);
  if (items === undefined) return undefined;
  const { 'x-kubernetes-list-type': kind, 'x-kubernetes-list-map-keys': keys } = schema;
  const merging: Pick<ListType, 'listType' | 'mapKeys'> = kind === 'set' ? { listType: 'set' } : kind === 'map' ? { listType: 'map', mapKeys: (keys ?? []).map((key) => escapeIdentifier(key) ?? key) } : {};
  return { kind: 'list', of: items, maxElements: bound(schema.maxItems) ?? Math.floor(STRING_MAX / (minSizeOf(items) + 1)), minSize: 2, ...merging };
}

function mapType(schema: TypeSchema, values: TypeSchema, name: string): CelType | undefined {
  const value = typeOf(values, values['x-kubernetes-embedded-resource'] === true, `${name}.@elem`);
  if (value === undefined) return undefined;
  return { kind: 'map', key: { kind: 'string' }, value, maxElements: bound(schema.maxProperties) ?? Math.floor(STRING_MAX / (minSizeOf(value) + 6)), minSize: 2 };
}

// Fields become types when an expression first names them: most of a large schema never does.
function objectOf(schema: TypeSchema, root: boolean, name: string): ObjectType {
  const properties = root ? { ...schema.properties, ...withNames(schema.properties) } : (schema.properties ?? {});
  const known = new Map<string, CelType | undefined>();
  const field = (jsonName: string): CelType | undefined => {
    const property = Object.hasOwn(properties, jsonName) ? properties[jsonName] : undefined;
    if (property === undefined) return undefined;
    if (!known.has(jsonName)) known.set(jsonName, typeOf(property, property['x-kubernetes-embedded-resource'] === true, `${name}.${jsonName}`));
    return known.get(jsonName);
  };
  let size: number | undefined;
  return {
    kind: 'object', name,
    field: (celName) => {
      const jsonName = unescapeIdentifier(celName);
      if (jsonName === undefined) return undefined;
      // A keyword may be said as it is, too.
      const escaped = escapeIdentifier(jsonName);
      return escaped === celName || escaped === `__${celName}__` ? field(jsonName) : undefined;
    },
    *fieldNames() {
      for (const jsonName of Object.keys(properties)) {
        const celName = escapeIdentifier(jsonName);
        if (celName !== undefined && field(jsonName) !== undefined) yield celName;
      }
    },
    get minSize() {
      return (size ??= objectSize(properties, schema.required ?? [], field));
    },
  };
}

function withNames(properties: Readonly<Record<string, TypeSchema>> = {}): Readonly<Record<string, TypeSchema>> {
  const { kind, apiVersion, metadata } = properties;
  const whole = kind?.type === 'string' && apiVersion?.type === 'string' && metadata?.type === 'object' && metadata.properties?.['name']?.type === 'string' && metadata.properties['generateName']?.type === 'string';
  return whole ? {} : TYPE_AND_NAME;
}

// `{}`, and `"name":value,` of each required field that has no default.
function objectSize(properties: Readonly<Record<string, TypeSchema>>, required: readonly string[], field: (name: string) => CelType | undefined): number {
  let size = 2;
  for (const name of new Set(required)) {
    const type = field(name);
    if (type !== undefined && properties[name]?.default === undefined) size += Buffer.byteLength(name) + minSizeOf(type) + 4;
  }
  return size;
}

function stringType(schema: TypeSchema): CelType {
  if (schema.format === 'byte') return { kind: 'bytes', minSize: 2, maxElements: bound(schema.maxLength) ?? STRING_MAX };
  const format = schema.format === undefined ? undefined : FORMATS[schema.format];
  if (format !== undefined) return { ...format };
  const longest = schema.enum === undefined || schema.enum.length === 0 ? STRING_MAX : Math.max(0, ...schema.enum.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
  return { kind: 'string', minSize: 2, maxElements: stringMax(schema, longest) };
}

// maxLength counts code points, of up to four bytes.
function stringMax({ maxLength }: TypeSchema, otherwise: number): number {
  const length = bound(maxLength);
  return length === undefined ? otherwise : length * 4;
}

function bound(limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit);
}

function minSizeOf(type: CelType): number {
  return 'minSize' in type ? (type.minSize ?? 0) : 0;
}
