// What a strategic merge needs of the schema, and the errors upstream gives where a patch does not fit it.
// Three formats are the client's fault (BadRequest); all else upstream lets through as an unclassified error (500), and so do we.
import { StatusError } from '../../base/errors.ts';
import type { Definition, Field, Schemas, TypeRef } from '../schema.ts';
import { isMembers, type Members } from './members.ts';

/** Where in the schema a merge stands. */
export interface Place {
  type: TypeRef;
  schemas: Schemas;
  /** Given where it is known already (the root, definitions of custom resources). */
  definition?: Definition;
}

export function fieldOf(place: Place, name: string): { place: Place; strategy: string } {
  const field = lookUp(place, name);
  return { place: { type: field.type, schemas: place.schemas }, strategy: strategyOf(field) };
}

export function elementOf(place: Place, name: string): { element: Place; strategy: string; mergeKey: string } {
  const field = lookUp(place, name);
  if (field.type.type !== 'list') throw internal('expected slice or array type, but got: struct');
  return { element: { type: field.type.items, schemas: place.schemas }, strategy: strategyOf(field), mergeKey: field.mergeKey ?? '' };
}

function lookUp({ type, schemas, definition }: Place, name: string): Field {
  if (type.type !== 'object' && type.type !== 'any') throw internal(`merging an object in json but data type is not struct, instead is: ${type.type === 'list' ? 'slice' : type.type}`);
  const found = definition ?? (type.type === 'object' ? schemas.get(type.definition) : undefined);
  const field = found?.fields.get(name);
  if (field !== undefined) return field;
  const struct = type.type === 'any' ? type.raw : type.definition.slice(type.definition.lastIndexOf('.') + 1);
  throw internal(`unable to find api field in struct ${struct} for the json field ${JSON.stringify(name)}`);
}

// `retainKeys` concerns whoever writes the patch; what is left is how to merge.
function strategyOf({ patchStrategy = '' }: Field): string {
  return patchStrategy.split(',').find((word) => word !== 'retainKeys') ?? '';
}

export function internal(message: string): StatusError {
  return new StatusError('InternalError', message);
}

export function badFormat(what: 'retainKeys' | 'setElementOrder list' | 'primitive list'): StatusError {
  return new StatusError('BadRequest', `invalid patch format of ${what}`);
}

/** What 422 looks like from the API server's generic answer: the reason itself is not told. */
export function unprocessable(cause?: unknown): StatusError {
  return new StatusError('Invalid', 'the server rejected our request due to an error in our request', { details: {}, ...(cause !== undefined && { cause }) });
}

export const wrongType = {
  list: (value: unknown): StatusError => internal(`expected a []interface {}, but received a ${goType(value)}`),
  members: (value: unknown): StatusError => internal(`expected a map[string]interface {}, but received a ${goType(value)}`),
  patch: (directive: unknown, patch: Members): StatusError => internal(`unknown patch type: ${goFormat(directive)} in map: ${goFormat(patch)}`),
  mergeKey: (item: Members, mergeKey: string): StatusError => internal(`map: ${goFormat(item)} does not contain declared merge key: ${mergeKey}`),
};

/** The type of a decoded JSON value as Go names it. */
export function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (value === null) return '%!s(<nil>)';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return { object: 'map[string]interface {}', boolean: 'bool' }[typeof value as string] ?? typeof value;
}

/** A value as Go's %v writes it. */
export function goFormat(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goFormat).join(' ')}]`;
  if (isMembers(value)) return `map[${Object.keys(value).toSorted().map((key) => `${key}:${goFormat(value[key])}`).join(' ')}]`;
  return String(value as string | number | boolean);
}
