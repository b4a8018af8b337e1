// Lists of type set hold no item twice, lists of type map no keys twice. Upstream: apiextensions-apiserver, pkg/apiserver/schema/listtype.
import { duplicate, invalid, type FieldError } from '../../api/field-error.ts';
import { hasMember, isMembers, schemaOfMember, type CustomSchema, type Members } from './custom-schema.ts';

export function listTypeProblems(schema: CustomSchema | undefined, value: unknown, path = ''): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return [...ofList(schema, value, path), ...value.flatMap((item, index) => listTypeProblems(schema.items, item, `${path}[${String(index)}]`))];
  if (!isMembers(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const below = hasMember(schema, name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
    return listTypeProblems(schemaOfMember(schema, name), member, below);
  });
}

function ofList(schema: CustomSchema, list: unknown[], path: string): FieldError[] {
  if (schema['x-kubernetes-list-type'] === 'set') return secondOnes(list).map((index) => duplicate(`${path}[${String(index)}]`, list[index]));
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const odd = list.findIndex((item) => item !== null && !isMembers(item));
  if (odd >= 0) return [invalid(`${path}[${String(odd)}]`, list[odd], 'must be an object for an array of list-type map')];
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  const keys = list.map((item) => keysOf(item as Members | null, names));
  return secondOnes(keys).map((index) => duplicate(`${path}[${String(index)}]`, keys[index]));
}

function keysOf(item: Members | null, names: readonly string[]): Members {
  return Object.fromEntries(names.filter((name) => item?.[name] !== undefined).map((name) => [name, item?.[name]]));
}

/** Where a value comes for the second time: a third is not told of again. */
function secondOnes(list: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  return list.flatMap((value, index) => {
    const text = canonical(value);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return times === 2 ? [index] : [];
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isMembers(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member));
}
