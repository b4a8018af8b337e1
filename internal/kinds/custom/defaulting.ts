// Defaults of a custom object, by its schema: nulls that the schema does not allow go where there is no default, defaults come where
// something is absent (or such a null). In place. Upstream: apiextensions-apiserver, pkg/apiserver/schema/defaulting.
import { copy } from '../../api/meta.ts';
import { applyDefaults } from '../../api/defaults.ts';
import type { Schemas } from '../../api/schema.ts';
import { hasMember, isMembers, OBJECT_FIELDS, schemaOfMember, schemaOfValues, type CustomSchema, type Members } from './custom-schema.ts';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export function fillIn(schema: CustomSchema | undefined, object: Members, schemas: Schemas): void {
  const definition = schemas.get(OBJECT_META);
  if (definition !== undefined && isMembers(object['metadata'])) applyDefaults(definition, object['metadata'], schemas);
  if (schema === undefined) return;
  dropNulls(object, schema, true);
  addDefaults(object, schema);
}

/** Whether `fillIn` would change anything: most stored objects are as they should be. */
export function needsDefaults(schema: CustomSchema | undefined, value: unknown): boolean {
  if (schema === undefined) return false;
  if (Array.isArray(value)) return schema.items !== undefined && value.some((item) => isForbiddenNull(item, schema.items) || needsDefaults(schema.items, item));
  if (!isMembers(value)) return false;
  for (const name in schema.properties) {
    const property = schema.properties[name];
    if (property?.default !== undefined && value[name] === undefined) return true;
  }
  return Object.entries(value).some(([name, member]) => {
    const property = schemaOfMember(schema, name);
    return isForbiddenNull(member, property) || needsDefaults(property, member);
  });
}

function dropNulls(value: unknown, schema: CustomSchema | undefined, isRoot = false): void {
  if (Array.isArray(value)) for (const item of value) dropNulls(item, schema?.items);
  if (!isMembers(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (isRoot && OBJECT_FIELDS.has(name)) continue;
    const property = schemaOfMember(schema, name);
    if (isForbiddenNull(member, property) && property?.default === undefined) delete value[name];
    else dropNulls(member, property);
  }
}

function addDefaults(value: unknown, schema: CustomSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      if (isForbiddenNull(item, schema.items)) value[index] = copy(schema.items?.default ?? null);
      addDefaults(value[index], schema.items);
    });
  }
  if (!isMembers(value)) return;
  for (const name in schema.properties) {
    const property = schema.properties[name];
    if (property?.default !== undefined && property.default !== null && (value[name] === undefined || isForbiddenNull(value[name], property))) value[name] = copy(property.default);
  }
  const values = schemaOfValues(schema);
  for (const name of Object.keys(value)) {
    if (!hasMember(schema, name) && isForbiddenNull(value[name], values)) value[name] = copy(values?.default ?? null);
    addDefaults(value[name], schemaOfMember(schema, name));
  }
}

function isForbiddenNull(value: unknown, schema: CustomSchema | undefined): boolean {
  return value === null && schema !== undefined && schema.nullable !== true;
}
