// Role (upstream: pkg/apis/rbac/validation). Its row shows when it was created, as a date.
import { pathSegmentProblems } from '../../api/names.ts';
import type { Role } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validatePolicyRule } from './rbac.ts';

export const role: KindRules<Role> = {
  allowCreateOnUpdate: true,
  validateName: pathSegmentProblems,
  validate: ({ rules = [] }) => (rules ?? []).flatMap((rule, index) => validatePolicyRule(rule, `rules[${String(index)}]`, true)),
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
};
