// What the four RBAC kinds share: defaults, validation and rows of roles and bindings (upstream: pkg/apis/rbac).
import { objectAge } from '../../api/age.ts';
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { pathSegmentProblems, subdomainProblems } from '../../api/names.ts';
import type { ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef, SubjectRbacV1 as Subject } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';

const GROUP = 'rbac.authorization.k8s.io';
type Binding = RoleBinding | ClusterRoleBinding;

/** Rules of a binding kind; a RoleBinding may name roles of its namespace and cluster roles, a ClusterRoleBinding cluster roles alone. */
export function bindingRules<T extends Binding>(roleKinds: readonly string[], namespaced: boolean): KindRules<T> {
  return {
    allowCreateOnUpdate: true,
    validateName: pathSegmentProblems,
    applyDefaults: bindingDefaults,
    validate: (object) => [...validateRoleRef(object.roleRef, roleKinds), ...(object.subjects ?? []).flatMap((subject, index) => validateSubject(subject, `subjects[${String(index)}]`, namespaced))],
    validateUpdate: (object, old) => (sameJson(object.roleRef, old.roleRef) ? [] : [invalid('roleRef', inGo(object.roleRef), 'cannot change roleRef')]),
    cells: bindingCells,
  };
}

function bindingDefaults(draft: Binding): void {
  if (draft.roleRef !== undefined) draft.roleRef.apiGroup ||= GROUP;
  for (const subject of draft.subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP;
}

/** As Go names the fields. */
function inGo({ apiGroup = '', kind = '', name = '' }: Partial<RoleRef>): object {
  return { APIGroup: apiGroup, Kind: kind, Name: name };
}

function validateRoleRef(roleRef: Partial<RoleRef>, kinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroup = '', kind = '' } = roleRef;
  if (apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', apiGroup, [GROUP]));
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds));
  if (!roleRef.name) errors.push(required('roleRef.name'));
  else for (const problem of pathSegmentProblems(roleRef.name, false)) errors.push(invalid('roleRef.name', roleRef.name, problem));
  return errors;
}

function validateSubject(subject: Subject, path: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!subject.name) errors.push(required(`${path}.name`));
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name) for (const problem of subdomainProblems(subject.name)) errors.push(invalid(`${path}.name`, subject.name, problem));
      if (subject.apiGroup) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup, ['']));
      if (!namespaced && !subject.namespace) errors.push(required(`${path}.namespace`));
      break;
    case 'User':
    case 'Group':
      if (subject.apiGroup !== GROUP) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup ?? '', [GROUP]));
      break;
    default: errors.push(notSupported(`${path}.kind`, (subject as Partial<Subject>).kind ?? '', ['ServiceAccount', 'User', 'Group']));
  }
  return errors;
}

export function validatePolicyRule(rule: PolicyRule, path: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs: urls = [] } = rule;
  if ((rule.verbs ?? []).length === 0) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (urls.length > 0) {
    if (namespaced) errors.push(invalid(`${path}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      errors.push(invalid(`${path}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return errors;
  }
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

function bindingCells(object: Binding, now: number): Cell[] {
  const named = (kind: string): string => (object.subjects ?? []).filter((subject) => subject.kind === kind).map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name)).join(', ');
  return [object.metadata.name, `${object.roleRef.kind}/${object.roleRef.name}`, objectAge(object, now), named('User'), named('Group'), named('ServiceAccount')];
}
