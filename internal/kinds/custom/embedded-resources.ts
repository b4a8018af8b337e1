// Objects within a custom object (x-kubernetes-embedded-resource) must be objects: with a version, a kind and metadata that holds.
// Upstream: apiextensions-apiserver, pkg/apiserver/schema/objectmeta/validation.go.
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, labelValueProblems, pathSegmentProblems } from '../../api/names.ts';
import { hasMember, isMembers, schemaOfMember, type CustomSchema, type Members } from './custom-schema.ts';

export function embeddedProblems(schema: CustomSchema | undefined, value: unknown, path = ''): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => embeddedProblems(schema.items, item, `${path}[${String(index)}]`));
  if (!isMembers(value)) return [];
  const own = path !== '' && schema['x-kubernetes-embedded-resource'] === true ? problemsOf(value, path) : [];
  return [...own, ...Object.entries(value).flatMap(([name, member]) => embeddedProblems(schemaOfMember(schema, name), member, hasMember(schema, name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`))];
}

function problemsOf(object: Members, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind, metadata } = object;
  if (apiVersion === undefined) errors.push(required(`${path}.apiVersion`));
  else if (typeof apiVersion !== 'string' || apiVersion === '') errors.push(invalid(`${path}.apiVersion`, apiVersion, apiVersion === '' ? 'must not be empty' : 'must be a string'));
  else if (apiVersion.split('/').length > 2) errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  if (kind === undefined) errors.push(required(`${path}.kind`));
  else if (typeof kind !== 'string' || kind === '') errors.push(invalid(`${path}.kind`, kind, kind === '' ? 'must not be empty' : 'must be a string'));
  else if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/i.test(kind)) errors.push(invalid(`${path}.kind`, kind, KIND_WORDS));
  return isMembers(metadata) ? [...errors, ...metadataProblems(metadata, `${path}.metadata`)] : errors;
}

const KIND_WORDS = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

function metadataProblems({ name, generateName, labels }: Members, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (typeof generateName === 'string' && generateName !== '') errors.push(...pathSegmentProblems(generateName, true).map((problem) => invalid(`${path}.generateName`, generateName, problem)));
  if (typeof name === 'string' && name !== '') errors.push(...pathSegmentProblems(name, false).map((problem) => invalid(`${path}.name`, name, problem)));
  for (const [key, value] of Object.entries(isMembers(labels) ? labels : {})) {
    errors.push(...labelKeyProblems(key).map((problem) => invalid(`${path}.labels`, key, problem)));
    if (typeof value === 'string') errors.push(...labelValueProblems(value).map((problem) => invalid(`${path}.labels`, value, problem)));
  }
  return errors;
}
