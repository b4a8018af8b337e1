// The rules by which webhooks and policies choose requests, held to upstream's validation (pkg/apis/admissionregistration/validation).
import { duplicate, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { pathSegmentProblems } from '../../api/names.ts';
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const MATCH_POLICIES = ['Equivalent', 'Exact'];

export function validateRule({ operations = [], apiGroups = [], apiVersions = [], resources = [], scope }: RuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const onlyWildcard = (values: readonly string[], field: string, others: string): void => {
    if (values.length === 0) errors.push(required(`${path}.${field}`));
    if (values.length > 1 && values.includes('*')) errors.push(invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${others}`));
  };
  onlyWildcard(operations, 'operations', 'operations');
  operations.forEach((operation, index) => {
    if (!OPERATIONS.includes(operation)) errors.push(notSupported(`${path}.operations[${String(index)}]`, operation, OPERATIONS));
  });
  onlyWildcard(apiGroups, 'apiGroups', 'API groups');
  onlyWildcard(apiVersions, 'apiVersions', 'API versions');
  apiVersions.forEach((version, index) => {
    if (version === '') errors.push(required(`${path}.apiVersions[${String(index)}]`));
  });
  errors.push(...validateResources(resources, `${path}.resources`));
  if (scope !== undefined && !SCOPES.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, SCOPES));
  return errors;
}

function validateResources(resources: readonly string[], path: string): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  const allSubresourcesOf = new Set<string>();
  const everywhere = new Set<string>();
  let plain = false;
  for (const [index, pattern] of resources.entries()) {
    const at = `${path}[${String(index)}]`;
    if (pattern === '') {
      errors.push(required(at));
      continue;
    }
    const slash = pattern.indexOf('/');
    if (slash < 0) {
      plain = pattern !== '*';
      continue;
    }
    const [resource, subresource] = [pattern.slice(0, slash), pattern.slice(slash + 1)];
    if (allSubresourcesOf.has(resource)) errors.push(invalid(at, pattern, `if '${resource}/*' is present, must not specify ${pattern}`));
    if (everywhere.has(subresource)) errors.push(invalid(at, pattern, `if '*/${subresource}' is present, must not specify ${pattern}`));
    if (subresource === '*') allSubresourcesOf.add(resource);
    if (resource === '*') everywhere.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && plain) errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  (rule.resourceNames ?? []).forEach((name, index) => {
    const at = `${path}.resourceNames[${String(index)}]`;
    errors.push(...pathSegmentProblems(name, false).map((problem) => invalid(at, name, problem)));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
  return [...errors, ...validateRule(rule, path)];
}

/** What a policy or its binding is about. */
export function validateMatchResources(resources: MatchResources | undefined, path: string): FieldError[] {
  if (resources === undefined) return [];
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = resources;
  return [
    ...(matchPolicy === undefined ? [required(`${path}.matchPolicy`)] : validateMatchPolicy(matchPolicy, path)),
    ...(namespaceSelector === undefined ? [required(`${path}.namespaceSelector`)] : validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`)),
    ...(objectSelector === undefined ? [required(`${path}.objectSelector`)] : validateLabelSelector(objectSelector, `${path}.objectSelector`)),
    ...resourceRules.flatMap((rule, index) => validateNamedRule(rule, `${path}.resourceRules[${String(index)}]`)),
    ...excludeResourceRules.flatMap((rule, index) => validateNamedRule(rule, `${path}.excludeResourceRules[${String(index)}]`)),
  ];
}

export function validateMatchPolicy(policy: string | undefined, path: string): FieldError[] {
  return policy === undefined || MATCH_POLICIES.includes(policy) ? [] : [notSupported(`${path}.matchPolicy`, policy, MATCH_POLICIES)];
}

export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];
