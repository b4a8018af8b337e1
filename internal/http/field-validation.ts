// Whether an object says what its schema knows: types always, unknown and duplicate fields as fieldValidation asks (Strict refuses, Warn
// warns, Ignore drops in silence). The texts are upstream's strict decoder's.
import { StatusError } from '../base/errors.ts';
import { invalid, invalidObject } from '../api/field-error.ts';
import { visitKeys } from '../api/json.ts';
import { apiVersionOf, parseApiVersion, type KubeObject } from '../api/meta.ts';
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
  /** Versions of the same form that are taken for this one. */
  alsoIn?: readonly string[];
  /** Set for custom kinds, whose objects are decoded whatever kind they say they are. */
  custom?: unknown;
  warn(message: string): void;
}

export function checkObject(object: KubeObject, expected: Expected, { duplicates, schemas, source, converted = false, sorted = false }: { duplicates: readonly string[]; schemas: Schemas; source?: Uint8Array; converted?: boolean; sorted?: boolean }): void {
  const { group, version, kind } = expected;
  const apiVersion = apiVersionOf(group, version);
  const untyped = untypedProblem(object);
  if (untyped !== undefined) throw new StatusError('BadRequest', untyped);
  object.apiVersion ||= apiVersion;
  object.kind ||= kind;
  if (expected.alsoIn?.includes(object.apiVersion) === true && object.kind === kind) object.apiVersion = apiVersion;
  if (expected.custom !== undefined) checkCustomType(object, expected, { duplicates, schemas });
  else if (object.apiVersion !== apiVersion || object.kind !== kind) throw cannotHandle(object, kind, mismatch(object, { group, kind }, schemas));
  const definition = schemas.get(expected.schema);
  const { errors, unknown, strays } = definition === undefined ? { errors: [], unknown: [], strays: [] } : checkShape(definition, object, schemas);
  const first = errors[0];
  if (first !== undefined) throw cannotHandle(object, kind, converted ? (first.conversion ?? first.message) : first.message);
  for (const { owner, name } of strays) delete owner[name];
  tell(object, expected, () => inOrder(problemsOf(duplicates, sorted ? unknown.toSorted() : unknown), duplicates.length > 0 && unknown.length > 0 && expected.custom === undefined ? source : undefined));
}

/** As field validation asks. */
function tell(object: KubeObject, { kind, validation = 'Warn', warn }: Expected, read: () => readonly string[]): void {
  const problems = validation === 'Ignore' ? [] : read();
  if (problems.length > 0 && validation === 'Strict') throw cannotHandle(object, kind, `strict decoding error: ${problems.join(', ')}`);
  for (const problem of problems) warn(asWarning(problem));
}

function problemsOf(duplicates: readonly string[], unknown: readonly string[]): string[] {
  return [...duplicates, ...unknown.map((path) => `unknown field "${path}"`)];
}

/** An object says with strings what it is. */
export function untypedProblem(object: KubeObject): string | undefined {
  const field = (['apiVersion', 'kind'] as const).find((name) => object[name] !== undefined && typeof object[name] !== 'string');
  return field === undefined ? undefined : `couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(object[field])} into Go struct field .${field} of type string`;
}

export function goType(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Go's decoder tells of what it meets as it meets it. */
function inOrder(problems: readonly string[], source: Uint8Array | undefined): readonly string[] {
  if (source === undefined) return problems;
  const found: string[] = [];
  visitKeys(source, (path, again) => {
    const problem = `${again ? 'duplicate' : 'unknown'} field "${path}"`;
    if (problems.includes(problem) && !found.includes(problem)) found.push(problem);
  });
  return found;
}

/** A custom object of another version is refused here, one of another kind by validation; its fields are held to the version that it says. */
function checkCustomType(object: KubeObject, expected: Expected, { duplicates, schemas }: { duplicates: readonly string[]; schemas: Schemas }): void {
  const { apiVersion, kind, metadata } = object;
  const wanted = apiVersionOf(expected.group, expected.version);
  if (apiVersion !== wanted) {
    tell(object, expected, () => problemsOf(duplicates, unknownFields(object, expected, schemas)));
    throw new StatusError('BadRequest', `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`);
  }
  if (kind !== expected.kind) throw invalidObject({ group: expected.group, kind }, metadata?.name ?? '', [invalid('kind', kind, `must be ${expected.kind}`)]);
}

const TYPE_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Of a version that there is not, every field. */
function unknownFields(object: KubeObject, { group, kind }: Expected, schemas: Schemas): string[] {
  const given = parseApiVersion(object.apiVersion);
  if (given.group !== group || object.kind !== kind) return [];
  const definition = schemas.byKind(group, given.version, kind);
  return definition === undefined ? Object.keys(object).filter((name) => !TYPE_FIELDS.has(name)) : checkShape(definition, object, schemas).unknown;
}

/** As a warning, a line of YAML goes without what go-yaml writes before it. */
export function asWarning(problem: string): string {
  return problem.replace(/^(error converting YAML to JSON: )?yaml: unmarshal errors:\n\s*/, '');
}

function cannotHandle({ apiVersion, kind: given }: KubeObject, kind: string, why: string): StatusError {
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  return new StatusError('BadRequest', `${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}

/** Another served kind cannot become this one; any other is not known at all. In the words of Go's scheme, which name its packages. */
function mismatch({ apiVersion, kind: given }: KubeObject, { group, kind }: { group: string; kind: string }, schemas: Schemas): string {
  const { group: givenGroup, version } = parseApiVersion(apiVersion);
  const listed = given.endsWith('List') ? given.slice(0, -'List'.length) : given;
  if (schemas.byKind(givenGroup, version, given) === undefined && schemas.byKind(givenGroup, version, listed) === undefined) return `no kind ${JSON.stringify(given)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
  return `converting (${version}.${given}) to (${goPackage(group)}.${kind}): unknown conversion`;
}

/** Of the server's own types in Go, as errors name them. */
export function goPackage(group: string): string {
  return group === '' || group === 'events.k8s.io' ? 'core' : (group.split('.')[0] ?? '');
}
