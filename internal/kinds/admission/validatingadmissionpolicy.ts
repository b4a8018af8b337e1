// ValidatingAdmissionPolicy and its binding: defaults, validation and rows (upstream: pkg/apis/admissionregistration).
import { objectAge } from '../../api/age.ts';
import { required, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { bindingCells, matchDefaults, policyKindCell } from './policy-shape.ts';
import { validateActions, validateBinding, validateValidatingPolicy } from './policy-validation.ts';
import { validateConditions } from '../condition-validation.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../generated/api-types.ts';
import { keepMetadata, WRITERS_OWN } from '../kept-metadata.ts';
import type { KindRules } from '../kind.ts';

export const validatingAdmissionPolicy: KindRules<ValidatingAdmissionPolicy> = {
  plainFinalizers: true,
  allowUnconditionalUpdate: false,
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    matchDefaults(spec.matchConstraints);
  },
  prepareForCreate: (draft) => void (draft.status = {}),
  prepareForUpdate(draft, old) {
    if (old.status === undefined) delete draft.status;
    else draft.status = copy(old.status);
  },
  prepareForStatusUpdate: (draft, old) => keepMetadata(WRITERS_OWN, draft, old),
  validateCreate: ({ metadata, spec }) => validateValidatingPolicy(metadata.name, spec ?? {}, { conditionsUnchanged: false }),
  validateUpdate: ({ metadata, spec }, old) => validateValidatingPolicy(metadata.name, spec ?? {}, { conditionsUnchanged: sameJson([spec.paramKind ?? null, spec.matchConditions ?? []], [old.spec.paramKind ?? null, old.spec.matchConditions ?? []]) }),
  validateStatusUpdate: ({ status }) => [
    ...(status?.typeChecking?.expressionWarnings ?? []).flatMap(({ fieldRef, warning }, index) => warningProblems(fieldRef, warning, `status.typeChecking.expressionWarnings[${String(index)}]`)),
    ...validateConditions(status?.conditions ?? [], 'status.conditions'),
  ],
  cells: (object, now) => [object.metadata.name, object.spec.validations?.length ?? 0, policyKindCell(object.spec.paramKind), objectAge(object, now)],
};

export const validatingAdmissionPolicyBinding: KindRules<ValidatingAdmissionPolicyBinding> = {
  plainFinalizers: true,
  allowUnconditionalUpdate: false,
  applyDefaults: ({ spec }) => matchDefaults(spec?.matchResources),
  validate: ({ spec }): FieldError[] => [...validateBinding(spec ?? {}), ...validateActions(spec?.validationActions)],
  cells: bindingCells,
};

function warningProblems(fieldRef: string, warning: string, path: string): FieldError[] {
  return [...(warning === '' ? [required(`${path}.warning`)] : []), ...(fieldRef.trim() === '' ? [required(`${path}.fieldRef`)] : [])];
}
