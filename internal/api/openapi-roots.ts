// Paths of OpenAPI that belong to no resource: discovery, version, and the keys of service account tokens. Each is a document of its own in v3.
import { apiVersionOf } from './meta.ts';
import { capital, groupWord, tagOf } from './openapi-names.ts';
import { pathItem, TEXT_ANSWER, type Operation, type PathContext } from './openapi-operations.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const RESOURCES = 'get available resources';

/** By the name of the v3 document (`apis/apps`), the one path in it (`/apis/apps/`). */
export function rootPaths(builtInGroups: Iterable<string>, context: PathContext): Map<string, Record<string, object>> {
  const roots = new Map<string, Record<string, object>>();
  const add = (name: string, operation: Omit<Operation, 'method' | 'parameters' | 'codes'>): void => {
    roots.set(name, { [`/${name}/`]: pathItem(`/${name}/`, [{ ...operation, method: 'get', parameters: [], codes: [200] }], { kind: '', context }) });
  };
  add('.well-known/openid-configuration', { id: 'getServiceAccountIssuerOpenIDConfiguration', tag: 'WellKnown', description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'", consumes: [], produces: ['application/json'], answer: TEXT_ANSWER });
  add('api', { id: 'getCoreAPIVersions', tag: 'core', description: 'get available API versions', consumes: TYPES, produces: TYPES, answer: `${META}.APIVersions` });
  add('apis', { id: 'getAPIVersions', tag: 'apis', description: 'get available API versions', consumes: TYPES, produces: TYPES, answer: `${META}.APIGroupList` });
  for (const group of builtInGroups) if (group !== '') add(`apis/${group}`, { id: `get${capital(groupWord(group))}APIGroup`, tag: tagOf({ group }), description: 'get information of a group', consumes: TYPES, produces: TYPES, answer: `${META}.APIGroup` });
  add('openid/v1/jwks', { id: 'getServiceAccountIssuerOpenIDKeyset', tag: 'openid', description: 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)', consumes: [], produces: ['application/jwk-set+json'], answer: TEXT_ANSWER });
  add('version', { id: 'getCodeVersion', tag: 'version', description: 'get the version information for this server', consumes: ['application/json'], produces: ['application/json'], answer: 'io.k8s.apimachinery.pkg.version.Info' });
  return roots;
}

/** `/apis/apps/v1/` */
export function resourcesPath(group: string, version: string, context: PathContext): Record<string, object> {
  const path = group === '' ? `/api/${version}/` : `/apis/${apiVersionOf(group, version)}/`;
  const operation: Operation = {
    method: 'get', id: `get${capital(groupWord(group))}${capital(version)}APIResources`, tag: tagOf({ group, version }), description: RESOURCES, parameters: [], consumes: TYPES, produces: TYPES,
    answer: `${META}.APIResourceList`, codes: [200],
  };
  return { [path]: pathItem(path, [operation], { kind: '', context }) };
}
