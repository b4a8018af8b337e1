// ClusterRole, with rules of its own or gathered from others by labels (upstream: pkg/apis/rbac/validation).
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { pathSegmentProblems } from '../../api/names.ts';
import type { ClusterRole } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { validatePolicyRule } from './rbac.ts';

export const clusterRole: KindRules<ClusterRole> = {
  allowCreateOnUpdate: true,
  validateName: pathSegmentProblems,
  validate: (object) => [...(object.rules ?? []).flatMap((rule, index) => validatePolicyRule(rule, `rules[${String(index)}]`, false)), ...validateAggregation(object)],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
};

function validateAggregation({ aggregationRule }: ClusterRole): FieldError[] {
  if (aggregationRule === undefined) return [];
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return [required('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return selectors.flatMap((selector, index) => {
    const path = `aggregationRule.clusterRoleSelectors[${String(index)}]`;
    const errors = validateLabelSelector(selector, path);
    return errors.length === 0 ? [] : [...errors, invalid(path, null, 'invalid label selector.')];
  });
}
