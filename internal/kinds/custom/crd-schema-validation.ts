// What the schema of a definition must be: OpenAPI as far as it is supported, structural, with defaults that hold, list types that can be kept,
// and rules that compile. Upstream: ValidateCustomResourceDefinitionOpenAPISchema and its surroundings, apiextensions-apiserver.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { loadSchemas } from '../../api/schema.ts';
import type { CustomSchema } from './custom-schema.ts';
import { defaultProblems } from './default-validation.ts';
import { ruleDeclarationProblems, ruleShapeProblems } from './rule-declaration.ts';
import { schemaAsGoPrints } from './schema-print.ts';
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
  const unreadable = unreadableField(schema as Given);
  const ill = unreadable === undefined ? illFormed(schema, path) : [];
  const broken = new Set<CustomSchema>();
  errors.push(...ill, ...partProblems(schema, { path, isRoot: true, inMetadata: false, noDefaults: undefined, broken }));
  if (unreadable === undefined && ill.length === 0) errors.push(...ruleDeclarationProblems(schema, { ...context, broken }));
  return errors.length === 0 && unreadable !== undefined ? [invalid(path, '', `OpenAPIV3Schema '${unreadable}' is not supported`)] : errors;
}

function illFormed(schema: CustomSchema, path: string): FieldError[] {
  const structural = structuralProblems(schema, path);
  return structural.length > 0 ? structural : defaultProblems(schema, path, loadSchemas());
}

type Given = CustomSchema & Readonly<Record<string, unknown>>;

/** JSON Schema's words that are none here. */
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];

/** The first of them, upstream's own name for it: whether the rest is structural cannot be said then. */
function unreadableField(schema: Given): string | undefined {
  const said = (value: unknown): boolean => value !== undefined && value !== '' && !(typeof value === 'object' && Object.keys(value as object).length === 0);
  const own = ['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'definitions'].find((field) => said(schema[field])) ?? (schema['additionalItems'] === undefined ? undefined : 'additionalItems');
  if (own !== undefined) return own.replace('$schema', 'schema');
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) return 'x-kubernetes-preserve-unknown-fields';
  if (Array.isArray(schema.items) && schema.items.length > 0) return 'items';
  const { items, not, additionalProperties, properties = {}, allOf = [], anyOf = [], oneOf = [] } = schema;
  const below = [...allOf, ...anyOf, ...oneOf, not, Array.isArray(items) ? undefined : items, ...Object.values(properties), additionalProperties];
  for (const each of below) {
    const found = typeof each === 'object' ? unreadableField(each as Given) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first field, in Go's order, that may not be said where the status is looked at apart. */
function rootProblems(schema: CustomSchema, path: string): FieldError[] {
  const printed = schemaAsGoPrints(schema) ?? {};
  for (const [field, value] of Object.entries(printed)) {
    if (value === null || value === false || value === '') continue;
    if (field === 'Type') {
      if (value !== 'object') return [invalid(`${path}.type`, value, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled')];
    } else if (!ROOT_FIELDS.includes(field)) return [invalid(path, printed, `only [${ROOT_FIELDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`)];
  }
  return [];
}

interface Place {
  path: string;
  isRoot: boolean;
  inMetadata: boolean;
  /** Why there may be no default here. */
  noDefaults: string | undefined;
  /** Takes those that something is wrong with, in them or below. */
  broken: Set<CustomSchema>;
}

function partProblems(schema: CustomSchema, place: Place): FieldError[] {
  const { path } = place;
  const below = (each: CustomSchema | undefined, step: string): FieldError[] => (each === undefined ? [] : partProblems(each, { ...place, isRoot: false, path: `${path}.${step}` }));
  const all = (field: 'allOf' | 'oneOf' | 'anyOf'): FieldError[] => (schema[field] ?? []).flatMap((each, index) => below(each, `${field}[${String(index)}]`));
  const items: unknown = schema.items;
  const errors = [
    ...supportProblems(schema as Given, place),
    ...(schema.uniqueItems === true ? [forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')] : []),
    ...memberProblems(schema, place),
    ...below(schema.not, 'not'), ...all('allOf'), ...all('oneOf'), ...all('anyOf'),
    ...(Array.isArray(items) ? (items as CustomSchema[]).flatMap((each, index) => below(each, `items[${String(index)}]`)) : below(schema.items, 'items')),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false ? [invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')] : []),
    ...mapTypeProblems(schema, path),
    ...listTypeProblems(schema, path),
    ...ruleShapeProblems(schema, path),
  ];
  if (errors.length > 0) place.broken.add(schema);
  return errors;
}

function supportProblems(schema: Given, { path, inMetadata, noDefaults }: Place): FieldError[] {
  const { type } = schema;
  return [
    ...(type && !TYPES.includes(type) ? [notSupported(`${path}.type`, type, TYPES)] : []),
    ...(schema.default !== undefined && noDefaults !== undefined ? [forbidden(`${path}.default`, `must not be set ${noDefaults}`)] : []),
    ...UNSUPPORTED.filter((field) => schema[field] !== undefined).map((field) => forbidden(`${path}.${field}`, `${field} is not supported`)),
    ...((type as string) === 'null' ? [forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')] : []),
    ...(Array.isArray(schema.items) && schema.items.length > 0 ? [forbidden(`${path}.items`, 'items must be a schema object and not an array')] : []),
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
