// What an applied configuration must be for its fields to be owned: of the schema's types, without fields the schema lacks, without
// two items of the same keys. Texts are those of sigs.k8s.io/structured-merge-diff.
import type { Definition, Schemas, TypeRef } from '../schema.ts';
import { pathsOf, LEAF } from './field-set.ts';
import { elementOfItem, shapeOf, UnknownItem } from './field-shape.ts';
import { isMembers, type Members } from './members.ts';
import { goFormat, goType } from './strategic-schema.ts';

/** Every problem, or undefined where there is none. */
export function problemsOf(applied: object, definition: Definition, schemas: Schemas): string | undefined {
  const problems: string[] = [];
  checkFields(applied as Members, definition, { path: '', schemas, problems });
  if (problems.length <= 1) return problems[0];
  return ['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n');
}

interface Place { path: string; schemas: Schemas; problems: string[] }

function checkFields(value: Members, definition: Definition, place: Place): void {
  for (const [name, member] of Object.entries(value)) {
    const field = definition.fields.get(name);
    const path = `${place.path}.${name}`;
    if (field === undefined && definition.open === true) continue;
    if (field === undefined) return void place.problems.push(`${path}: field not declared in schema`);
    check(member, field.type, { ...place, path });
  }
}

function check(value: unknown, type: TypeRef, place: Place): void {
  if (value === null || value === undefined || type.type === 'any') return;
  const report = (problem: string): void => void place.problems.push(place.path === '' ? problem : `${place.path}: ${problem}`);
  switch (type.type) {
    case 'object': {
      const definition = place.schemas.get(type.definition);
      if (!isMembers(value)) return report(`expected map, got ${wrapped(value)}`);
      return definition === undefined ? undefined : checkFields(value, definition, place);
    }
    case 'map':
      if (!isMembers(value)) return report(`expected map, got ${wrapped(value)}`);
      for (const [name, member] of Object.entries(value)) check(member, type.values, { ...place, path: `${place.path}.${name}` });
      return undefined;
    case 'list': return Array.isArray(value) ? checkItems(value, type, place) : report(`expected list, got ${wrapped(value)}`);
    case 'string': return typeof value === 'string' ? undefined : report(`expected string, got &value.valueUnstructured{Value:${typeof value === 'object' ? goFormat(value) : JSON.stringify(value)}}`);
    case 'integer':
    case 'number': return typeof value === 'number' || typeof value === 'bigint' ? undefined : report(`expected numeric (int or float), got ${goType(value)}`);
    case 'boolean': return typeof value === 'boolean' ? undefined : report(`expected boolean, got ${wrapped(value)}`);
    case 'bytes': case 'time': case 'microtime': case 'quantity': case 'intOrString':
      return typeof value === 'object' ? report(`expected any scalar, got ${wrapped(value)}`) : undefined;
  }
}

function checkItems(list: unknown[], type: TypeRef & { type: 'list' }, place: Place): void {
  const shape = shapeOf(type, place.schemas);
  const seen = new Set<string>();
  const report = (problem: string): void => void place.problems.push(`${place.path}: ${problem}`);
  for (const [index, item] of list.entries()) {
    let suffix = `[${String(index)}]`;
    if (shape.kind === 'list') {
      try {
        const element = elementOfItem(shape, item);
        suffix = pathsOf({ [element]: LEAF })[0] ?? suffix;
        if (seen.has(element)) report(`duplicate entries for key ${suffix}`);
        seen.add(element);
      } catch (error) {
        if (error instanceof UnknownItem) return report(`element ${String(index)}: ${error.message}`);
        throw error;
      }
    }
    check(item, type.items, { ...place, path: place.path + suffix });
  }
}

// A value as upstream's wrapper of it is printed.
function wrapped(value: unknown): string {
  return `&{${goFormat(value)}}`;
}
