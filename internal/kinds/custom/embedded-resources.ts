// Objects within a custom object (x-kubernetes-embedded-resource) must be objects: with a version, a kind and metadata that holds.
// Upstream: apiextensions-apiserver, pkg/apiserver/schema/objectmeta/validation.go.
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, labelValueProblems, pathSegmentProblems } from '../../api/names.ts';
import { dns1035Problems } from '../admission/names.ts';
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
  else errors.push(...kindProblems(kind, `${path}.kind`));
  return isMembers(metadata) ? [...errors, ...metadataProblems(metadata, `${path}.metadata`)] : errors;
}

function kindProblems(kind: string, path: string): FieldError[] {
  const problems = dns1035Problems(kind.toLowerCase());
  return problems.length === 0 ? [] : [invalid(path, kind, `may have mixed case, but should otherwise match: ${problems.join(',')}`)];
}

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
