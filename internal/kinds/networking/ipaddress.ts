// IPAddress: its name is the address, in the one form that a comparison needs (upstream: pkg/apis/networking).
import { objectAge } from '../../api/age.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { pathSegmentProblems, subdomainProblems } from '../../api/names.ts';
import type { IPAddress, ParentReference } from '../generated/api-types.ts';
import { canonicalIp, ipProblems } from './ip-address.ts';
import type { KindRules } from '../kind.ts';

const PATH = 'spec.parentRef';

export const ipAddress: KindRules<IPAddress> = {
  validateName(name) {
    const problems = ipProblems(name);
    return problems.length > 0 || canonicalIp(name) === name ? problems : [`must be in canonical form (${JSON.stringify(canonicalIp(name))})`];
  },
  validateCreate: ({ spec }) => validateParent(spec?.parentRef),
  validateUpdate: ({ spec }, old) => (sameSemantically(spec?.parentRef, old.spec.parentRef) ? [] : [invalid(PATH, spec?.parentRef ?? null, 'field is immutable')]),
  // The age is a cell of no column, as upstream.
  cells: (object, now) => [object.metadata.name, parentCell(object.spec?.parentRef), objectAge(object, now)],
};

function parentCell(parent: ParentReference | undefined): string {
  if (parent === undefined) return '<none>';
  const { group = '', resource, namespace = '', name } = parent;
  return [(group === '' ? resource : `${resource}.${group}`).toLowerCase(), ...(namespace === '' ? [] : [namespace]), name].join('/');
}

function validateParent(parent: ParentReference | undefined): FieldError[] {
  if (parent === undefined) return [required(PATH)];
  const { group = '', resource = '', name = '', namespace = '' } = parent as Partial<ParentReference>;
  const errors = group === '' ? [] : subdomainProblems(group).map((problem) => invalid(`${PATH}.group`, group, problem));
  for (const [field, value, isNeeded] of [['resource', resource, true], ['name', name, true], ['namespace', namespace, false]] as const) {
    if (value === '' && isNeeded) errors.push(required(`${PATH}.${field}`));
    errors.push(...pathSegmentProblems(value, false).map((problem) => invalid(`${PATH}.${field}`, value, problem)));
  }
  return errors;
}
