// A custom kind's schema as definitions of the schema table, so that what works by them (field ownership, server-side apply) works for custom
// objects. A nested object's definition is named by its root's id and the way to it; each is made when somebody asks for it.
import type { CustomForm, Definition, DefinitionSource, Field, MapType, TypeRef } from '../../api/schema.ts';
import type { GroupVersionKind } from '../../api/meta.ts';
import { fillIn } from './defaulting.ts';
import { strayFields } from './pruning.ts';
import { schemaOfValues, takesAnyMember, type CustomSchema } from './custom-schema.ts';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export interface DefinedKind extends GroupVersionKind {
  schema: CustomSchema | undefined;
  hasStatus: boolean;
}

/** `stable.example.com`, `v1`, `Foo` → `com.example.stable.v1.Foo`: the name it is published under. */
export function definitionId({ group, version, kind }: GroupVersionKind): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

export function definitionsOf(kinds: readonly DefinedKind[]): DefinitionSource {
  const known = new Map<string, Definition>();
  const roots = new Map(kinds.map((kind) => [definitionId(kind), kind]));
  const get = (id: string): Definition | undefined => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const [rootId = '', ...path] = id.split('#');
    const root = roots.get(rootId);
    if (root === undefined) return undefined;
    const definition = path.length === 0 ? rootDefinition(id, root) : nestedDefinition(id, path.reduce(schemaAt, root.schema));
    known.set(id, definition);
    return definition;
  };
  return {
    get,
    byKind(group, version, kind) {
      const id = definitionId({ group, version, kind });
      return roots.get(id)?.kind === kind && roots.get(id)?.group === group ? get(id) : undefined;
    },
  };
}

// Steps of a path: `.name` into a property, `*` into the values of a map, `[]` into a list.
function schemaAt(schema: CustomSchema | undefined, to: string): CustomSchema | undefined {
  if (to === '[]') return schema?.items;
  return to === '*' ? schemaOfValues(schema) : schema?.properties?.[to.slice(1)];
}

function rootDefinition(id: string, { schema, group, version, kind, hasStatus }: DefinedKind): Definition {
  const custom: CustomForm = {
    statusApart: hasStatus,
    check: (value, schemas) => strayFields(schema, value, schemas),
    fillIn: (draft, schemas) => fillIn(schema, draft, schemas),
  };
  const gvk = { group, version, kind };
  const root = nestedDefinition(id, { ...schema, 'x-kubernetes-embedded-resource': true });
  // Metadata is always there: what is in it is owned, not itself.
  const fields = new Map(root.fields).set('metadata', { ...fieldOf('metadata', { type: 'object', definition: OBJECT_META }, false), wire: [1] });
  return { ...root, fields, kind: gvk, kinds: [gvk], custom };
}

function nestedDefinition(id: string, schema: CustomSchema | undefined): Definition {
  const required = schema?.required ?? [];
  const fields = new Map<string, Field>();
  if (schema?.['x-kubernetes-embedded-resource'] === true) {
    for (const name of ['apiVersion', 'kind']) fields.set(name, fieldOf(name, { type: 'string' }, false));
    fields.set('metadata', fieldOf('metadata', { type: 'object', definition: OBJECT_META }, false));
  }
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    if (!fields.has(name)) fields.set(name, withSchema(fieldOf(name, typeOf(`${id}#.${name}`, property), required.includes(name)), property));
  }
  const mapType = schema?.['x-kubernetes-map-type'];
  const open = schema === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return { id, fields, required, kinds: [], ...(mapType === 'atomic' && { mapType }), ...(open && { open }) };
}

function fieldOf(name: string, type: TypeRef, required: boolean): Field {
  return { name, type, required, zeroDefault: false, pointer: false, omitEmpty: false, omitZero: false, wire: [] };
}

function withSchema(field: Field, schema: CustomSchema): Field {
  const mapType: MapType | undefined = schema['x-kubernetes-map-type'];
  return { ...field, ...(schema.default !== undefined && { default: schema.default }), ...(mapType !== undefined && { mapType }) };
}

function typeOf(id: string, schema: CustomSchema): TypeRef {
  if (schema['x-kubernetes-int-or-string'] === true) return { type: 'intOrString' };
  switch (schema.type ?? '') {
    case 'string': return { type: 'string' };
    case 'boolean': return { type: 'boolean' };
    case 'integer': return { type: 'integer', format: 'int64' };
    case 'number': return { type: 'number' };
    case 'array': return listOf(id, schema);
    case 'object': return objectOf(id, schema);
    default: return { type: 'any', raw: 'JSON' };
  }
}

function listOf(id: string, schema: CustomSchema): TypeRef {
  const [listType, listMapKeys] = [schema['x-kubernetes-list-type'], schema['x-kubernetes-list-map-keys']];
  const items: TypeRef = schema.items === undefined ? { type: 'any', raw: 'JSON' } : typeOf(`${id}#[]`, schema.items);
  return { type: 'list', items, zeroItems: false, ...(listType !== undefined && { listType }), ...(listMapKeys !== undefined && { listMapKeys }) };
}

function objectOf(id: string, schema: CustomSchema): TypeRef {
  if (schema.properties !== undefined || schema['x-kubernetes-embedded-resource'] === true) return { type: 'object', definition: id };
  const [values, mapType] = [schemaOfValues(schema), schema['x-kubernetes-map-type']];
  if (values !== undefined) return { type: 'map', values: typeOf(`${id}#*`, values), zeroItems: false, ...(mapType !== undefined && { mapType }) };
  if (takesAnyMember(schema) || schema['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'any', raw: 'JSON' };
  return { type: 'object', definition: id };
}
