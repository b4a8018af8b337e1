// MutatingAdmissionPolicy held to upstream's validation: what it has of its own, mutations and reinvocation.
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import type { MatchResources, MutatingAdmissionPolicySpec, Mutation } from '../generated/api-types.ts';
import { validateExpression } from './condition-validation.ts';
import { mutationForm, policyForms, type PolicyForms } from './policy-forms.ts';
import { validatePolicyBasics, validateVariables } from './policy-validation.ts';
import { REINVOCATION_POLICIES } from './rule-validation.ts';

const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];
/** There is nothing to change in what is deleted. */
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

export function validateMutatingPolicy(spec: MutatingAdmissionPolicySpec, { conditionsUnchanged }: { conditionsUnchanged: boolean }): FieldError[] {
  const { mutations = [], reinvocationPolicy, matchConstraints } = spec;
  const forms = policyForms(spec, { alwaysVariables: true });
  const extra = (): FieldError[] => operationProblems(matchConstraints, 'spec.matchConstraints');
  return [
    ...validatePolicyBasics(spec, { conditionsUnchanged, extra }),
    ...validateVariables(forms),
    ...(mutations.length === 0 ? [required('spec.mutations', 'mutations must contain at least one item')] : mutations.flatMap((mutation, index) => validateMutation(mutation, `spec.mutations[${String(index)}]`, forms))),
    ...(!reinvocationPolicy ? [required('spec.reinvocationPolicy')] : REINVOCATION_POLICIES.includes(reinvocationPolicy) ? [] : [notSupported('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION_POLICIES)]),
  ];
}

/** Of a policy's constraints and of a binding's. */
export function operationProblems(match: MatchResources | undefined, path: string): FieldError[] {
  const operations = (match?.resourceRules ?? []).flatMap((rule) => rule.operations ?? []);
  return operations.filter((operation) => !OPERATIONS.includes(operation)).map((operation) => notSupported(`${path}.resourceRules.operations`, operation, OPERATIONS));
}

function validateMutation({ patchType, jsonPatch, applyConfiguration }: Partial<Mutation>, path: string, forms: PolicyForms): FieldError[] {
  if (!patchType) return [required(`${path}.patchType`)];
  if (!PATCH_TYPES.includes(patchType)) return [notSupported(`${path}.patchType`, patchType, PATCH_TYPES)];
  const [wanted, other] = patchType === 'JSONPatch' ? ['jsonPatch', 'applyConfiguration'] : ['applyConfiguration', 'jsonPatch'];
  const [given, unwanted] = patchType === 'JSONPatch' ? [jsonPatch, applyConfiguration] : [applyConfiguration, jsonPatch];
  return [
    ...(given === undefined ? [required(`${path}.${wanted ?? ''}`, `must be specified when patchType is ${patchType}`)] : validateMutationExpression(given.expression ?? '', `${path}.${wanted ?? ''}.expression`, { forms, patchType })),
    ...(unwanted === undefined ? [] : [invalid(`${path}.${other ?? ''}`, `{${other ?? ''}}`, `must not be specified when patchType is ${patchType}`)]),
  ];
}

function validateMutationExpression(expression: string, path: string, { forms, patchType }: { forms: PolicyForms; patchType: Mutation['patchType'] }): FieldError[] {
  const trimmed = expression.trim();
  return trimmed === '' ? [required(path)] : validateExpression(trimmed, path, mutationForm(forms.free, patchType));
}
