// Built-in kinds (internal/api/schema.ts) → CEL types, for checking policies against the types they match: metadata, spec and all, with
// times as timestamps, quantities as strings, int-or-string and embedded objects as dyn.
import type { Definition, Schemas, TypeRef } from '../api/schema.ts';
import { escapeIdentifier, unescapeIdentifier } from './escape.ts';
import { BOOL, BYTES, DOUBLE, DYN, INT, listOf, mapOf, STRING, TIMESTAMP, type CelType, type ObjectType } from './type.ts';

export function definitionType(definition: Definition, schemas: Schemas): ObjectType {
  return objectOf(definition, schemas, new Map());
}

function objectOf(definition: Definition, schemas: Schemas, known: Map<string, ObjectType>): ObjectType {
  const done = known.get(definition.id);
  if (done !== undefined) return done;
  const fields = new Map<string, CelType>();
  const type: ObjectType = {
    kind: 'object', name: definition.id,
    field(celName) {
      const found = fields.get(celName);
      if (found !== undefined) return found;
      const jsonName = unescapeIdentifier(celName);
      const field = jsonName === undefined ? undefined : definition.fields.get(jsonName);
      if (field === undefined) return undefined;
      const fieldType = refType(field.type, schemas, known);
      fields.set(celName, fieldType);
      return fieldType;
    },
    *fieldNames() {
      for (const name of definition.fields.keys()) {
        const celName = escapeIdentifier(name);
        if (celName !== undefined) yield celName;
      }
    },
  };
  known.set(definition.id, type);
  return type;
}

function refType(ref: TypeRef, schemas: Schemas, known: Map<string, ObjectType>): CelType {
  switch (ref.type) {
    case 'string': case 'quantity': return STRING;
    case 'integer': return INT;
    case 'number': return DOUBLE;
    case 'boolean': return BOOL;
    case 'bytes': return BYTES;
    case 'time': case 'microtime': return TIMESTAMP;
    case 'intOrString': case 'any': return DYN;
    case 'map': return mapOf(STRING, refType(ref.values, schemas, known));
    case 'list': return listOf(refType(ref.items, schemas, known));
    case 'object': {
      const definition = schemas.get(ref.definition);
      return definition === undefined ? DYN : objectOf(definition, schemas, known);
    }
  }
}
