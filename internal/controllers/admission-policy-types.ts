// Status of ValidatingAdmissionPolicies: each new generation is checked once against the types it matches, and what is found is told.
import { wake, type Plan } from '../informer/loop.ts';
import { checkTypes, type TypeSources } from '../kinds/admission/type-check.ts';
import type { ValidatingAdmissionPolicy } from '../kinds/generated/api-types.ts';
import { VALIDATINGADMISSIONPOLICIES } from '../kinds/generated/resources.ts';
import { controllerLoop, type Action, type ControllerLoop } from './action.ts';

export function admissionPolicyTypesLoop(types: TypeSources): ControllerLoop<ValidatingAdmissionPolicy> {
  return controllerLoop<ValidatingAdmissionPolicy>({
    name: 'validatingadmissionpolicy-status-controller',
    wakes: [wake(VALIDATINGADMISSIONPOLICIES, ({ metadata }) => [metadata.name])],
    observe: (name, views) => views.of(VALIDATINGADMISSIONPOLICIES).get('', name),
    plan: (policy) => plan(policy, types),
  });
}

export function plan(policy: ValidatingAdmissionPolicy, types: TypeSources): Plan<Action> {
  const { metadata: { name, generation = 0 }, status } = policy;
  if (generation <= (status?.observedGeneration ?? 0)) return { actions: [] };
  const expressionWarnings = checkTypes(policy, types);
  const typeChecking = { expressionWarnings: expressionWarnings.length === 0 ? null : expressionWarnings };
  return { actions: [{ type: 'patch', resource: VALIDATINGADMISSIONPOLICIES, key: { namespace: '', name }, subresource: 'status', patch: { type: 'merge', body: { status: { observedGeneration: generation, typeChecking } } } }] };
}
