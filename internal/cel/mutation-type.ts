// What the expressions of a MutatingAdmissionPolicy may build: `Object{spec: Object.spec{replicas: 3}}` of any fields, and
// `JSONPatch{op: "add", path: "/spec/replicas", value: 3}`.
import { DYN, objectType, opaque, STRING, type ObjectType } from './type.ts';
import { ListValue, MapValue, StructValue, typeNameOf, type Value } from './value.ts';

const PATCH_FIELDS = objectType('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN });
/** A field that a patch has not: upstream finds it, with a type that nothing has. */
const NO_TYPE = opaque('');
const JSON_PATCH: ObjectType = { ...PATCH_FIELDS, field: (name) => PATCH_FIELDS.field(name) ?? NO_TYPE };

/** The `types` of an Environment. */
export function mutationTypes(name: string): ObjectType | undefined {
  if (name === JSON_PATCH.name) return JSON_PATCH;
  if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
  return { kind: 'object', name, field: () => DYN, fieldNames: () => [] };
}

export const APPLY_CONFIGURATION_TYPE: ObjectType = { kind: 'object', name: 'Object', field: () => DYN, fieldNames: () => [] };
/** What one patch of a JSONPatch expression is; the expression gives a list of them. */
export const JSON_PATCH_TYPE: ObjectType = JSON_PATCH;

/** Objects named otherwise than their place in the whole: upstream refuses them. */
export function misnamedObjects(value: unknown): string[] {
  return problemsOf(value as Value, typeNameOf(value as Value));
}

function problemsOf(value: Value, expected: string): string[] {
  if (value instanceof StructValue) {
    const { name } = value.type;
    const own = name === expected ? [] : [`unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`];
    return [...own, ...Array.from(value.fields).flatMap(([field, inner]) => problemsOf(inner, `${expected}.${field}`))];
  }
  if (value instanceof ListValue) return value.toArray().flatMap((item) => problemsOf(item, expected));
  if (value instanceof MapValue) return Array.from(value.keys()).flatMap((key) => problemsOf(value.find(key) ?? null, expected));
  return [];
}
