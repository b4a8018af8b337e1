// Whether an object says what its schema knows: types always, unknown and duplicate fields as fieldValidation asks (Strict refuses, Warn
// warns, Ignore drops in silence). The texts are upstream's strict decoder's.
import { StatusError } from '../base/errors.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import type { RequestOptions } from '../api/request.ts';
import type { Schemas } from '../api/schema.ts';
import { checkShape } from '../api/shape.ts';

export interface Expected {
  group: string;
  version: string;
  kind: string;
  /** Definition id. */
  schema: string;
  validation: RequestOptions['fieldValidation'];
  warn(message: string): void;
}

export function checkObject(object: KubeObject, expected: Expected, { duplicates, schemas }: { duplicates: readonly string[]; schemas: Schemas }): void {
  const { group, version, kind, validation = 'Warn', warn } = expected;
  const apiVersion = apiVersionOf(group, version);
  if (object.apiVersion !== apiVersion) throw new StatusError('BadRequest', `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`);
  if (object.kind !== kind) throw cannotHandle(object, kind, `converting (${object.apiVersion}, Kind=${object.kind}) to (${apiVersion}, Kind=${kind}): unknown conversion`);
  const definition = schemas.get(expected.schema);
  const { errors, unknown } = definition === undefined ? { errors: [], unknown: [] } : checkShape(definition, object, schemas);
  const first = errors[0];
  if (first !== undefined) throw cannotHandle(object, kind, first.message);
  if (validation === 'Ignore') return;
  const problems = [...duplicates.map((path) => `duplicate field "${path}"`), ...unknown.map((path) => `unknown field "${path}"`)];
  if (problems.length === 0) return;
  if (validation === 'Strict') throw cannotHandle(object, kind, `strict decoding error: ${problems.join(', ')}`);
  for (const problem of problems) warn(problem);
}

function cannotHandle({ apiVersion, kind: given }: KubeObject, kind: string, why: string): StatusError {
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  return new StatusError('BadRequest', `${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}
