// What the schema of a definition must be: OpenAPI as far as it is supported, structural, with defaults that hold, list types that can be kept,
// and rules that compile. Upstream: ValidateCustomResourceDefinitionOpenAPISchema and its surroundings, apiextensions-apiserver.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { loadSchemas } from '../../api/schema.ts';
import type { CustomSchema } from './custom-schema.ts';
import { defaultProblems } from './default-validation.ts';
import { ruleDeclarationProblems } from './rule-declaration.ts';
import { structuralProblems } from './structural-validation.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** As upstream's Go fields are called. */
const ROOT_FIELDS = ['Description', 'Type', 'Format', 'Title', 'Maximum', 'ExclusiveMaximum', 'Minimum', 'ExclusiveMinimum', 'MaxLength', 'MinLength', 'Pattern', 'MaxItems', 'MinItems', 'UniqueItems', 'MultipleOf', 'Required', 'Items', 'Properties', 'ExternalDocs', 'Example', 'XPreserveUnknownFields', 'XValidations'];

export interface SchemaContext {
  path: string;
  hasStatus: boolean;
  /** An update that leaves this version's schema as it was: what rules may cost is not asked again. */
  unchanged: boolean;
}

export function validateCrdSchema(schema: CustomSchema, context: SchemaContext): FieldError[] {
  const { path } = context;
  const errors = context.hasStatus ? rootProblems(schema, path) : [];
  if (schema.nullable === true) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  const structural = structuralProblems(schema, path);
  const defaults = structural.length > 0 ? [] : defaultProblems(schema, path, loadSchemas());
  const parts = partProblems(schema, { path, isRoot: true, inMetadata: false, noDefaults: undefined });
  errors.push(...structural, ...defaults, ...parts);
  if (structural.length + defaults.length + parts.length === 0) errors.push(...ruleDeclarationProblems(schema, context));
  return errors;
}

function rootProblems(schema: CustomSchema, path: string): FieldError[] {
  for (const [field, value] of Object.entries(schema)) {
    if (value === undefined || value === false || value === '' || field === 'x-kubernetes-embedded-resource') continue;
    if (field === 'type') {
      if (value !== 'object') return [invalid(`${path}.type`, value, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled')];
    } else if (!ROOT_FIELDS.includes(goField(field))) return [invalid(path, schema, `only [${ROOT_FIELDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`)];
  }
  return [];
}

/** `x-kubernetes-preserve-unknown-fields` → `XPreserveUnknownFields` */
function goField(name: string): string {
  return name.replace('x-kubernetes-', 'x-').split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

interface Place {
  path: string;
  isRoot: boolean;
  inMetadata: boolean;
  /** Why there may be no default here. */
  noDefaults: string | undefined;
}

function partProblems(schema: CustomSchema, place: Place): FieldError[] {
  const { path } = place;
  return [
    ...supportProblems(schema as CustomSchema & Readonly<Record<string, unknown>>, place),
    ...(schema.uniqueItems === true ? [forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')] : []),
    ...memberProblems(schema, place),
    ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap((field) => (schema[field] ?? []).flatMap((each, index) => partProblems(each, { ...place, isRoot: false, path: `${path}.${field}[${String(index)}]` }))),
    ...(schema.not === undefined ? [] : partProblems(schema.not, { ...place, isRoot: false, path: `${path}.not` })),
    ...(schema.items === undefined ? [] : partProblems(schema.items, { ...place, isRoot: false, path: `${path}.items` })),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false ? [invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')] : []),
    ...mapTypeProblems(schema, path),
    ...listTypeProblems(schema, path),
  ];
}

/** JSON Schema's words that are none here. */
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];

function supportProblems(schema: CustomSchema & Readonly<Record<string, unknown>>, { path, inMetadata, noDefaults }: Place): FieldError[] {
  const { type } = schema;
  return [
    ...(type && !TYPES.includes(type) ? [notSupported(`${path}.type`, type, TYPES)] : []),
    ...(schema.default !== undefined && noDefaults !== undefined ? [forbidden(`${path}.default`, `must not be set ${noDefaults}`)] : []),
    ...UNSUPPORTED.filter((field) => schema[field] !== undefined).map((field) => forbidden(`${path}.${field}`, `${field} is not supported`)),
    ...((type as string) === 'null' ? [forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')] : []),
    ...(Array.isArray(schema.items) ? [forbidden(`${path}.items`, 'items must be a schema object and not an array')] : []),
    ...(inMetadata && schema['x-kubernetes-embedded-resource'] === true ? [forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta')] : []),
  ];
}

function memberProblems(schema: CustomSchema, place: Place): FieldError[] {
  const { path, isRoot, inMetadata } = place;
  const { properties = {}, additionalProperties } = schema;
  const errors: FieldError[] = [];
  if (additionalProperties !== undefined && additionalProperties !== true && Object.keys(properties).length > 0) errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (typeof additionalProperties === 'object') errors.push(...partProblems(additionalProperties, { ...place, isRoot: false, path: `${path}.additionalProperties`, ...(inMetadata && { noDefaults: 'inside additionalProperties applying to object metadata' }) }));
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (isRoot || schema['x-kubernetes-embedded-resource'] === true) && ['metadata', 'kind', 'apiVersion'].includes(name);
    errors.push(...partProblems(property, { ...place, isRoot: false, path: `${path}.properties[${name}]`, ...(isMeta && { inMetadata: true }), ...(isMeta && isRoot && { noDefaults: `in top-level ${name}` }) }));
  }
  return errors;
}

function mapTypeProblems({ type = '', 'x-kubernetes-map-type': mapType }: CustomSchema, path: string): FieldError[] {
  if (mapType === undefined) return [];
  const words = 'must be object if x-kubernetes-map-type is specified';
  return [
    ...(type === 'object' ? [] : [type === '' ? required(`${path}.type`, words) : invalid(`${path}.type`, type, words)]),
    ...(['atomic', 'granular'].includes(mapType) ? [] : [notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])]),
  ];
}

function listTypeProblems(schema: CustomSchema, path: string): FieldError[] {
  const { type = '', items, 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys = [] } = schema;
  const errors: FieldError[] = [];
  const words = 'must be array if x-kubernetes-list-type is specified';
  if (listType !== undefined && type !== 'array') errors.push(type === '' ? required(`${path}.type`, words) : invalid(`${path}.type`, type, words));
  else if (listType === 'set') errors.push(...setItemProblems(items, path));
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  const needed = 'must be map if x-kubernetes-list-map-keys is non-empty';
  if (keys.length > 0 && listType !== 'map') errors.push(listType === undefined ? required(`${path}.x-kubernetes-list-type`, needed) : invalid(`${path}.x-kubernetes-list-type`, listType, needed));
  if (listType === 'map') errors.push(...listMapProblems(items, keys, path));
  return listType === 'map' || listType === 'set' ? [...errors, ...keyProblems(items, listType, { keys, path })] : errors;
}

function setItemProblems(items: CustomSchema | undefined, path: string): FieldError[] {
  const words = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items?.['x-kubernetes-list-type'];
  if (items?.type === 'array' && listType !== undefined && listType !== 'atomic') return [invalid(`${path}.items.x-kubernetes-list-type`, listType, words)];
  return items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic' ? [invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, words)] : [];
}

function listMapProblems(items: CustomSchema | undefined, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (keys.length === 0) errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  if (items === undefined) return [...errors, required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object') return [...errors, invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")];
  keys.forEach((key, index) => {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    if (keys.indexOf(key) < index) errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'));
  });
  return errors;
}

function keyProblems(items: CustomSchema | undefined, listType: string, { keys, path }: { keys: readonly string[]; path: string }): FieldError[] {
  const errors: FieldError[] = [];
  if (items?.nullable === true) errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType !== 'map') return errors;
  for (const key of keys) {
    const property = items?.properties?.[key];
    if (property === undefined) continue;
    if (items?.required?.includes(key) !== true && property.default === undefined) errors.push(required(`${path}.items.properties[${key}].default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'));
    if (property.nullable === true) errors.push(forbidden(`${path}.items.properties[${key}].nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
  }
  return errors;
}
