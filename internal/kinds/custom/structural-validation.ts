// Whether a schema is structural: every field has its type outside of the logic (allOf, anyOf, oneOf, not), which only narrows values.
// Upstream: apiextensions-apiserver, pkg/apiserver/schema/validation.go.
import { errorBody, forbidden, invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { patternProblem } from '../../cel/library/regex.ts';
import type { CustomSchema } from './custom-schema.ts';

type Level = 'root' | 'item' | 'field';

export function structuralProblems(schema: CustomSchema, path: string): FieldError[] {
  const text = (error: FieldError): string => `${error.field}: ${errorBody(error)}`;
  return [...invariants(schema, 'root', path), ...completeness(schema, schema, { schema: path, logic: path })].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

const TYPE_NEEDED: Readonly<Record<Level, string>> = { root: 'must not be empty at the root', item: 'must not be empty for specified array items', field: 'must not be empty for specified object fields' };

function invariants(schema: CustomSchema, level: Level, path: string): FieldError[] {
  const { type = '', properties = {}, additionalProperties } = schema;
  const items = Array.isArray(schema.items) ? undefined : schema.items;
  const errors: FieldError[] = [];
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (items !== undefined) errors.push(...invariants(items, 'item', `${path}.items`));
  for (const [name, property] of Object.entries(properties)) errors.push(...invariants(property, 'field', `${path}.properties[${name}]`));
  if (additionalProperties !== undefined && level === 'root') errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  if (typeof additionalProperties === 'object') errors.push(...invariants(additionalProperties, 'field', `${path}.additionalProperties`));
  if (intOrString && open) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, 'must be false if x-kubernetes-int-or-string is true'));
  if (intOrString && embedded) errors.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, 'must be false if x-kubernetes-int-or-string is true'));
  errors.push(...logicInvariants(schema, intOrStringExceptions(schema), path));
  if (embedded && type !== 'object') errors.push(typeError(path, type, 'must be object if x-kubernetes-embedded-resource is true'));
  else if (type === '' && !intOrString && !open) errors.push(required(`${path}.type`, TYPE_NEEDED[level]));
  if (embedded && additionalProperties !== undefined) errors.push(forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
  if (level === 'root' && type !== '' && type !== 'object') errors.push(invalid(`${path}.type`, type, 'must be object at the root'));
  if (level === 'root' || embedded) errors.push(...metaInvariants(properties, level, path));
  if (embedded && !open && Object.keys(properties).length === 0) errors.push(required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'));
  return errors;
}

function typeError(path: string, type: string, words: string): FieldError {
  return type === '' ? required(`${path}.type`, words) : invalid(`${path}.type`, type, words);
}

function metaInvariants(properties: Readonly<Record<string, CustomSchema>>, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const property = properties[name];
    if (property !== undefined && property.type !== 'string') errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'));
  }
  const { metadata } = properties;
  if (metadata === undefined) return errors;
  if (metadata.type !== 'object') errors.push(invalid(`${path}.properties[metadata].type`, metadata.type ?? '', 'must be object'));
  const { type: _type, default: _default, properties: members = {}, ...rest } = metadata;
  const plain = Object.keys(members).every((name) => name === 'name' || name === 'generateName');
  if (level === 'root' && (!plain || Object.keys(rest).length > 0)) errors.push(forbidden(`${path}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  return errors;
}

// ── logic ──

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

/** Where int-or-string may say its two types after all. */
function intOrStringExceptions({ anyOf, allOf }: CustomSchema): { anyOf: boolean; firstAllOf: boolean } {
  return { anyOf: sameJson(anyOf, INT_OR_STRING), firstAllOf: sameJson(allOf?.[0]?.anyOf, INT_OR_STRING) };
}

function logicInvariants(schema: CustomSchema, skip: { anyOf: boolean; firstAllOf: boolean }, path: string): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const badPattern = pattern ? patternProblem(pattern) : undefined;
  const none = { anyOf: false, firstAllOf: false };
  return [
    ...(skip.anyOf ? [] : anyOf.flatMap((each, index) => nestedInvariants(each, none, `${path}.anyOf[${String(index)}]`))),
    ...allOf.flatMap((each, index) => nestedInvariants(each, { anyOf: skip.firstAllOf && index === 0, firstAllOf: false }, `${path}.allOf[${String(index)}]`)),
    ...oneOf.flatMap((each, index) => nestedInvariants(each, none, `${path}.oneOf[${String(index)}]`)),
    ...(not === undefined ? [] : nestedInvariants(not, none, `${path}.not`)),
    ...(badPattern === undefined ? [] : [invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${badPattern}`)]),
  ];
}

/** What may only be said outside of the logic, and in which words it is refused within. */
const OUTSIDE: readonly [field: keyof CustomSchema, words: string][] = [
  ['type', 'must be empty to be structural'], ['additionalProperties', 'must be undefined to be structural'], ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'], ['description', 'must be empty to be structural'], ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'], ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'], ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'], ['x-kubernetes-map-type', 'must be undefined to be structural'], ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nestedInvariants(schema: CustomSchema, skip: { anyOf: boolean; firstAllOf: boolean }, path: string): FieldError[] {
  const { items, properties = {} } = schema;
  return [
    ...logicInvariants(schema, skip, path),
    ...(items === undefined ? [] : nestedInvariants(items, { anyOf: false, firstAllOf: false }, `${path}.items`)),
    ...Object.entries(properties).flatMap(([name, property]) => nestedInvariants(property, { anyOf: false, firstAllOf: false }, `${path}.properties[${name}]`)),
    ...OUTSIDE.filter(([field]) => isSaid(field, schema[field])).map(([field, words]) => forbidden(`${path}.${field}`, words)),
    ...(properties['metadata'] === undefined ? [] : [forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context')]),
  ];
}

function isSaid(field: string, value: unknown): boolean {
  if (field === 'default' || field === 'x-kubernetes-list-type' || field === 'x-kubernetes-map-type') return value !== undefined && value !== null;
  return value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** What the logic speaks of must be there outside of it. */
function completeness(logic: CustomSchema, schema: CustomSchema | undefined, paths: { schema: string; logic: string }): FieldError[] {
  const { not, allOf = [], anyOf = [], oneOf = [] } = logic;
  const below = (each: CustomSchema, step: string): FieldError[] => nestedCompleteness(each, schema, { schema: paths.schema, logic: `${paths.logic}.${step}` });
  return [
    ...(not === undefined ? [] : below(not, 'not')),
    ...allOf.flatMap((each, index) => below(each, `allOf[${String(index)}]`)),
    ...anyOf.flatMap((each, index) => below(each, `anyOf[${String(index)}]`)),
    ...oneOf.flatMap((each, index) => below(each, `oneOf[${String(index)}]`)),
  ];
}

function nestedCompleteness(logic: CustomSchema, schema: CustomSchema | undefined, paths: { schema: string; logic: string }): FieldError[] {
  if (schema === undefined) return [required(paths.schema, `because it is defined in ${paths.logic}`)];
  return [
    ...completeness(logic, schema, paths),
    ...(logic.items === undefined ? [] : nestedCompleteness(logic.items, schema.items, { schema: `${paths.schema}.items`, logic: `${paths.logic}.items` })),
    ...Object.entries(logic.properties ?? {}).flatMap(([name, property]) => nestedCompleteness(property, schema.properties?.[name], { schema: `${paths.schema}.properties[${name}]`, logic: `${paths.logic}.properties[${name}]` })),
  ];
}
