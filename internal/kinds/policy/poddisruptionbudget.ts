// PodDisruptionBudget: rules and row (upstream: pkg/apis/policy).
import { objectAge } from '../../api/age.ts';
import { invalid, notSupported, type FieldError } from '../../api/field-error.ts';
import { copy } from '../../api/meta.ts';
import type { PodDisruptionBudget } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateConditions } from '../condition-validation.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { intOrPercentProblems, nonNegative, notOver100Percent } from '../numbers.ts';

const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;
const POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

export const podDisruptionBudget: KindRules<PodDisruptionBudget> = {
  plainFinalizers: true,
  prepareForCreate: (draft) => { draft.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }; },
  prepareForUpdate: (draft, old) => { if (old.status !== undefined) draft.status = copy(old.status); },
  allowUnconditionalUpdate: false,
  validate,
  validateStatusUpdate: ({ status }) => [...validateConditions(status?.conditions ?? [], 'status.conditions'), ...COUNTS.flatMap((field) => nonNegative(status?.[field], `status.${field}`))],
  cells: (object, now) => [
    object.metadata.name, String(object.spec?.minAvailable ?? 'N/A'), String(object.spec?.maxUnavailable ?? 'N/A'), object.status?.disruptionsAllowed ?? 0, objectAge(object, now),
  ],
};

/** As Go writes a type of its own that has no names for JSON. */
function inGo({ minAvailable, selector, maxUnavailable, unhealthyPodEvictionPolicy }: PodDisruptionBudget['spec']): object {
  return { MinAvailable: minAvailable, Selector: selector ?? null, MaxUnavailable: maxUnavailable, UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null };
}

function validate({ spec }: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) errors.push(invalid('spec', inGo(spec), 'minAvailable and maxUnavailable cannot be both set'));
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value !== undefined) errors.push(...intOrPercentProblems(value, `spec.${field}`), ...notOver100Percent(value, `spec.${field}`));
  }
  errors.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && !POLICIES.includes(policy)) errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, POLICIES));
  return errors;
}
