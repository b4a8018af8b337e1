// Writes the schema table: one line a definition, tab-separated: id, group/version/kinds, marks, fields. internal/api/schema.ts reads it
// and says what each letter means; the two change together.
import { definitionId, type Facts, type Schema, type WireField } from './facts.ts';
import type { GoField } from './go-fields.ts';

type GoFields = ReadonlyMap<string, ReadonlyMap<string, GoField>>;
const SCALARS: Record<string, string> = { 'string': 's', 'string byte': 'y', 'integer int32': 'i', 'integer int64': 'l', 'number double': 'd', 'boolean': 'b', 'object': 'o' };

export function schemaTable(facts: Facts, goFields: GoFields): string {
  const schemas = unionOfV3(facts);
  const ids = Object.keys(facts.v2.definitions).sort();
  const packages = [...new Set(ids.map(packageOf))];
  const shorten = (id: string): string => `${packages.indexOf(packageOf(id)).toString(36)}:${id.slice(packageOf(id).length + 1)}`;
  const lines = ids.map((id) => {
    const v2 = facts.v2.definitions[id] ?? {};
    const v3 = schemas.get(id) ?? {};
    const numbers = wireNumbers(facts, id);
    const go = goFieldsOf(goFields, id);
    const fields = Object.keys(v3.properties ?? {}).sort().map((name) => fieldText(name, {
      v3: v3.properties?.[name] ?? {}, required: v3.required?.indexOf(name) ?? -1, number: numbers.get(name), go: go.get(name), shorten,
    }));
    const kinds = (v2['x-kubernetes-group-version-kind'] ?? []).map((gvk) => `${gvk.group}/${gvk.version}/${gvk.kind}`);
    return [shorten(id), kinds.join(' '), marks(v3), ...fields].join('\t');
  });
  return [packages.join(' '), ...lines].join('\n');
}

interface FieldFacts {
  v3: Schema;
  required: number;
  number: string | undefined;
  go: GoField | undefined;
  shorten: (id: string) => string;
}

function fieldText(name: string, { v3, required, number, go, shorten }: FieldFacts): string {
  const parts = [name, typeText(v3, shorten)];
  if (required >= 0) parts.push(`*${String(required)}`);
  if (number !== undefined) parts.push(`#${number}`);
  if ('default' in v3) parts.push(isZero(v3.default) ? '~' : `=${JSON.stringify(v3.default)}`);
  const listType = v3['x-kubernetes-list-type'];
  if (listType !== undefined) parts.push(`L${listType}${v3['x-kubernetes-list-map-keys'] === undefined ? '' : `:${v3['x-kubernetes-list-map-keys'].join(',')}`}`);
  if (v3['x-kubernetes-map-type'] !== undefined) parts.push(`M${v3['x-kubernetes-map-type']}`);
  if (v3['x-kubernetes-patch-strategy'] !== undefined) parts.push(`P${v3['x-kubernetes-patch-strategy']}`);
  if (v3['x-kubernetes-patch-merge-key'] !== undefined) parts.push(`K${v3['x-kubernetes-patch-merge-key']}`);
  if (go?.pointer === true) parts.push('p');
  if (go?.omitEmpty === true) parts.push('e');
  if (go?.omitZero === true) parts.push('z');
  if (go !== undefined && isNamedScalar(v3, go.type)) parts.push(`G${go.type}`);
  return parts.join(' ');
}

function isNamedScalar(schema: Schema, goType: string): boolean {
  return schema.$ref === undefined && schema.allOf === undefined && schema.type !== 'array' && schema.type !== 'object'
    && !/^(string|int32|int64|int|bool|float64|\[\]byte)$/.test(goType);
}

function typeText(schema: Schema, shorten: (id: string) => string): string {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref !== undefined) return `@${shorten(ref.slice(ref.lastIndexOf('/') + 1))}`;
  if (schema.type === 'array') return `[${nestedText(schema.items ?? {}, shorten)}`;
  if (schema.additionalProperties !== undefined) return `{${nestedText(schema.additionalProperties, shorten)}`;
  const scalar = SCALARS[[schema.type, schema.format].filter(Boolean).join(' ')];
  if (scalar === undefined) throw new Error(`no letter for ${JSON.stringify(schema)}`);
  return schema.enum === undefined ? scalar : `${scalar}<${schema.enum.join(',')}>`;
}

function nestedText(schema: Schema, shorten: (id: string) => string): string {
  return ('default' in schema ? '~' : '') + typeText(schema, shorten);
}

// A: atomic map; X: no type at all; O: an object without properties; U…: unions as JSON.
function marks(schema: Schema): string {
  return [
    schema['x-kubernetes-map-type'] === 'atomic' ? 'A' : '',
    schema.properties === undefined && schema.type === undefined && schema.oneOf === undefined ? 'X' : '',
    schema['x-kubernetes-unions'] === undefined ? '' : `U${JSON.stringify(schema['x-kubernetes-unions'])}`,
  ].join('');
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || JSON.stringify(value) === '{}';
}

// The JSON field's numbers on the wire: `2`, or `2.1` where JSON inlines a message that the wire nests.
function wireNumbers(facts: Facts, id: string): Map<string, string> {
  const numbers = new Map<string, string>();
  const properties = facts.v2.definitions[id]?.properties;
  if (properties === undefined) return numbers;
  const visit = (message: string, prefix: string): void => {
    const short = message.slice(message.lastIndexOf('.') + 1);
    for (const field of facts.wire.get(message) ?? []) {
      const [number, name, label, type] = field;
      const json = facts.renamed.get(`${short} ${name}`) ?? name;
      if (json in properties) numbers.set(json, `${prefix}${String(number)}`);
      else if (isEmbedded(field, facts) && label === 'optional') visit(definitionId(type), `${prefix}${String(number)}.`);
    }
  };
  visit(id, '');
  return numbers;
}

function isEmbedded([, , , type]: WireField, facts: Facts): boolean {
  return facts.wire.has(definitionId(type));
}

function goFieldsOf(goFields: GoFields, id: string): Map<string, GoField> {
  const merged = new Map<string, GoField>();
  for (const [name, field] of goFields.get(id) ?? []) {
    if (name !== '@') merged.set(name, field);
    else for (const [inner, innerField] of goFieldsOf(goFields, `${packageOf(id)}.${field.type}`)) if (!merged.has(inner)) merged.set(inner, innerField);
  }
  return merged;
}

function unionOfV3(facts: Facts): Map<string, Schema> {
  const schemas = new Map<string, Schema>();
  for (const document of Object.values(facts.v3)) for (const [id, schema] of Object.entries(document.components.schemas ?? {})) schemas.set(id, schema);
  return schemas;
}

function packageOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'));
}
