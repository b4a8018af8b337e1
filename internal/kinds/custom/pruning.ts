// Which fields of a custom object its schema does not know, and what of its metadata is none. Upstream: apiextensions-apiserver,
// pkg/apiserver/schema/pruning and objectmeta. Told, not done: the decoder takes the strays away, and says so when it is strict.
import { errorBody, invalid } from '../../api/field-error.ts';
import { formatPath } from '../../api/json.ts';
import type { Schemas } from '../../api/schema.ts';
import type { Shape } from '../../api/shape-error.ts';
import { checkShape } from '../../api/shape.ts';
import { hasMember, isMembers, OBJECT_FIELDS, schemaOfMember, takesAnyMember, type CustomSchema, type Members } from './custom-schema.ts';
import { sortedKeys } from './go-values.ts';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

interface Walk {
  found: Shape;
  path: (string | number)[];
  /** Fields of embedded objects' metadata, told after those of the schema. */
  embedded: string[];
  schemas: Schemas;
}

/** Of a whole object: its metadata is held to ObjectMeta, everything else to the schema. */
export function strayFields(schema: CustomSchema | undefined, object: Members, schemas: Schemas): Shape {
  const walk: Walk = { found: { errors: [], unknown: [], strays: [] }, path: [], embedded: [], schemas };
  visit(object, { ...schema, 'x-kubernetes-embedded-resource': true }, walk);
  walk.found.unknown.sort();
  const metadata: Walk = { found: { errors: [], unknown: [], strays: [] }, path: [], embedded: [], schemas };
  checkMetadata(object, metadata);
  return {
    errors: [...metadata.found.errors, ...walk.found.errors],
    unknown: [...metadata.embedded, ...walk.found.unknown, ...walk.embedded.sort()],
    strays: [...metadata.found.strays, ...walk.found.strays],
  };
}

/** Of a value within an object. */
export function strayFieldsOfValue(schema: CustomSchema | undefined, value: unknown, schemas: Schemas): Shape {
  const walk: Walk = { found: { errors: [], unknown: [], strays: [] }, path: ['default'], embedded: [], schemas };
  visit(value, schema, walk);
  return walk.found;
}

/** `isKept`: it is an item of a list whose schema keeps what it does not know. */
function visit(value: unknown, schema: CustomSchema | undefined, walk: Walk, isKept = false): void {
  const keepsUnknown = isKept || schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  if (Array.isArray(value)) {
    value.forEach((item, index) => step(index, walk, () => visit(item, schema?.items, walk, keepsUnknown)));
    return;
  }
  if (value === Infinity || value === -Infinity) walk.found.errors.push({ field: formatPath(walk.path), value, message: `json: cannot unmarshal number ${String(value)} into Go value of type float64` });
  if (!isMembers(value)) return;
  const embedded = schema?.['x-kubernetes-embedded-resource'] === true;
  if (embedded && walk.path.length > 0) checkMetadata(value, walk);
  for (const name of Object.keys(value)) {
    if (embedded && OBJECT_FIELDS.has(name)) continue;
    if (hasMember(schema, name) || takesAnyMember(schema)) step(name, walk, () => visit(value[name], schemaOfMember(schema, name), walk));
    else if (!keepsUnknown) {
      walk.found.strays.push({ owner: value, name });
      walk.found.unknown.push(formatPath([...walk.path, name]));
    }
  }
}

function step(to: string | number, walk: Walk, go: () => void): void {
  walk.path.push(to);
  go();
  walk.path.pop();
}

function checkMetadata(object: Members, walk: Walk): void {
  const definition = walk.schemas.get(OBJECT_META);
  if (walk.path.length > 0) checkTypeMeta(object, walk);
  if (definition === undefined || object['metadata'] === undefined) return;
  const { errors, unknown, strays } = checkShape(definition, object['metadata'], walk.schemas);
  const prefix = formatPath([...walk.path, 'metadata']);
  for (const error of errors) {
    const message = walk.path.length === 0 ? error.message : `${prefix}: ${errorBody(invalid(prefix, sortedKeys(object['metadata']), error.message))}`;
    walk.found.errors.push({ ...error, message, field: `${prefix}.${error.field}` });
  }
  walk.embedded.push(...unknown.map((path) => `${prefix}.${path}`));
  walk.found.strays.push(...strays);
  // Embedded metadata is read into ObjectMeta and written again: what is null says nothing.
  const { metadata } = object;
  if (walk.path.length > 0 && isMembers(metadata)) for (const name of Object.keys(metadata)) if (metadata[name] === null) walk.found.strays.push({ owner: metadata, name });
}

function checkTypeMeta(object: Members, walk: Walk): void {
  for (const name of ['apiVersion', 'kind']) {
    const value = object[name];
    if (value === undefined || typeof value === 'string') continue;
    const field = formatPath([...walk.path, name]);
    walk.found.errors.push({ field, value, message: `${field}: ${errorBody(invalid(field, value, 'must be a string'))}` });
  }
}
