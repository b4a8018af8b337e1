// MutatingAdmissionPolicy and its binding: defaults, validation and rows (upstream: pkg/apis/admissionregistration).
import { objectAge } from '../../api/age.ts';
import { sameJson } from '../../api/json-equality.ts';
import { operationProblems, validateMutatingPolicy } from './mutation-validation.ts';
import { bindingCells, matchDefaults, policyKindCell } from './policy-shape.ts';
import { validateBinding } from './policy-validation.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

export const mutatingAdmissionPolicy: KindRules<MutatingAdmissionPolicy> = {
  plainFinalizers: true,
  allowUnconditionalUpdate: false,
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    matchDefaults(spec.matchConstraints);
  },
  validateCreate: ({ spec }) => validateMutatingPolicy(spec ?? {}, { conditionsUnchanged: false }),
  validateUpdate: ({ spec }, old) => validateMutatingPolicy(spec ?? {}, { conditionsUnchanged: sameJson([spec.paramKind ?? null, spec.matchConditions ?? []], [old.spec.paramKind ?? null, old.spec.matchConditions ?? []]) }),
  cells: (object, now) => [object.metadata.name, object.spec.mutations?.length ?? 0, policyKindCell(object.spec.paramKind), objectAge(object, now)],
};

export const mutatingAdmissionPolicyBinding: KindRules<MutatingAdmissionPolicyBinding> = {
  plainFinalizers: true,
  allowUnconditionalUpdate: false,
  applyDefaults: ({ spec }) => matchDefaults(spec?.matchResources),
  validate: ({ spec }) => [...validateBinding(spec ?? {}), ...operationProblems(spec?.matchResources, 'spec.matchResources')],
  cells: bindingCells,
};
