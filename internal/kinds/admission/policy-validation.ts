// ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings held to upstream's validation
// (pkg/apis/admissionregistration/validation); every expression is compiled.
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, pathSegmentProblems, subdomainProblems } from '../../api/names.ts';
import type { AuditAnnotation, MatchCondition, MatchResources, ParamKind, ParamRef, Validation, ValidatingAdmissionPolicySpec, Variable } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { validateExpression, validateMatchConditions } from './condition-validation.ts';
import { dns1035Problems, isCelIdentifier } from './names.ts';
import { policyForms, type PolicyForms } from './policy-forms.ts';
import { FAILURE_POLICIES, validateMatchResources } from './rule-validation.ts';

const ANNOTATIONS_MAX = 20;
const ANNOTATION_EXPRESSION_MAX = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

export interface CommonSpec {
  failurePolicy?: string;
  matchConditions?: MatchCondition[];
  matchConstraints?: MatchResources;
  paramKind?: ParamKind;
  variables?: Variable[];
}

/** What both kinds of policy have before what they do. */
export function validatePolicyBasics(spec: CommonSpec, { conditionsUnchanged, extra = () => [] }: { conditionsUnchanged: boolean; extra?: () => FieldError[] }): FieldError[] {
  const { failurePolicy, matchConditions = [], matchConstraints, paramKind } = spec;
  return [
    ...(failurePolicy === undefined ? [required('spec.failurePolicy')] : FAILURE_POLICIES.includes(failurePolicy) ? [] : [notSupported('spec.failurePolicy', failurePolicy, FAILURE_POLICIES)]),
    ...(paramKind === undefined ? [] : validateParamKind(paramKind, 'spec.paramKind')),
    ...(matchConstraints === undefined ? [required('spec.matchConstraints')] : [
      ...validateMatchResources(matchConstraints, 'spec.matchConstraints'),
      ...((matchConstraints.resourceRules?.length ?? 0) === 0 ? [required('spec.matchConstraints.resourceRules')] : []),
      ...extra(),
    ]),
    ...(conditionsUnchanged ? [] : validateMatchConditions(matchConditions, 'spec.matchConditions', { params: paramKind !== undefined })),
  ];
}

export function validateValidatingPolicy(name: string, spec: ValidatingAdmissionPolicySpec, { conditionsUnchanged }: { conditionsUnchanged: boolean }): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const forms = policyForms(spec);
  const errors = [...validatePolicyBasics(spec, { conditionsUnchanged }), ...validateVariables(forms)];
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [...errors, required('spec.validations', why), required('spec.auditAnnotations', why)];
  }
  errors.push(...validations.flatMap((validation, index) => validateValidation(validation, `spec.validations[${String(index)}]`, forms)));
  if (auditAnnotations.length > ANNOTATIONS_MAX) errors.push(invalid('spec.auditAnnotations', auditAnnotations.map(({ key, valueExpression }) => ({ Key: key, ValueExpression: valueExpression })), `must not have more than ${String(ANNOTATIONS_MAX)} auditAnnotations`));
  const keys = new Set<string>();
  auditAnnotations.map(({ key = '', valueExpression = '' }: Partial<(typeof auditAnnotations)[number]>) => ({ key, valueExpression })).forEach((annotation, index) => {
    const path = `spec.auditAnnotations[${String(index)}]`;
    errors.push(...validateAnnotation(annotation, path, { policy: name, forms }));
    if (keys.has(annotation.key)) errors.push(duplicate(`${path}.key`, annotation.key));
    keys.add(annotation.key);
  });
  return errors;
}

export function validateVariables({ variables }: PolicyForms): FieldError[] {
  return variables.flatMap(({ name, expression, compiled }, index) => {
    const path = `spec.variables[${String(index)}]`;
    const named = name.trim() === '' ? [required(`${path}.name`, 'name is not specified')] : isCelIdentifier(name) ? [] : [invalid(`${path}.name`, name, 'must be a valid CEL identifier')];
    if (expression.trim() === '') return [...named, required(`${path}.expression`, 'expression is not specified')];
    return 'problem' in compiled ? [...named, invalid(`${path}.expression`, expression, compiled.problem)] : named;
  });
}

function validateValidation({ expression = '', message = '', messageExpression = '', reason }: Partial<Validation>, path: string, forms: PolicyForms): FieldError[] {
  const errors = expression.trim() === '' ? [required(`${path}.expression`, 'expression is not specified')] : validateExpression(expression, `${path}.expression`, forms.validation);
  if (messageExpression !== '' && messageExpression.trim() === '') errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  else if (messageExpression !== '') errors.push(...validateExpression(messageExpression, `${path}.messageExpression`, forms.message));
  if (message !== '' && message.trim() === '') errors.push(invalid(`${path}.message`, message, 'must be non-empty if specified'));
  else if (/[\n\r]/.test(message.trim())) errors.push(invalid(`${path}.message`, message, 'must not contain line breaks'));
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS));
  return errors;
}

function validateAnnotation({ key, valueExpression }: AuditAnnotation, path: string, { policy, forms }: { policy: string; forms: PolicyForms }): FieldError[] {
  const whole = `${policy}/${key}`;
  const errors = policy === '' ? [invalid(`${path}.key`, key, 'requires metadata.name be non-empty')] : labelKeyProblems(whole).map((problem) => invalid(`${path}.key`, whole, problem));
  const trimmed = valueExpression.trim();
  if (trimmed === '') errors.push(required(`${path}.valueExpression`, 'valueExpression is not specified'));
  else if (trimmed.length > ANNOTATION_EXPRESSION_MAX) errors.push(required(`${path}.valueExpression`, `must not exceed ${String(ANNOTATION_EXPRESSION_MAX)} bytes in length`));
  else errors.push(...validateExpression(trimmed, `${path}.valueExpression`, forms.annotation));
  return errors;
}

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: string): FieldError[] {
  return [...validateParamVersion(apiVersion, `${path}.apiVersion`), ...validateParamName(kind, `${path}.kind`)];
}

function validateParamVersion(apiVersion: string, path: string): FieldError[] {
  if (apiVersion === '') return [required(path)];
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  if (parts.length > 2) return [invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const [group = '', version = ''] = parts.length === 1 ? ['', parts[0]] : parts;
  const groupProblems = group === '' ? [] : subdomainProblems(group);
  const versionProblems = version === '' ? [] : dns1035Problems(version);
  return [
    ...(groupProblems.length === 0 ? [] : [invalid(path, group, groupProblems.join(','))]),
    ...(version === '' ? [invalid(path, apiVersion, 'version must be specified')] : versionProblems.length === 0 ? [] : [invalid(path, version, versionProblems.join(','))]),
  ];
}

function validateParamName(kind: string, path: string): FieldError[] {
  if (kind === '') return [required(path)];
  const problems = dns1035Problems(kind.toLowerCase());
  return problems.length === 0 ? [] : [invalid(path, kind, `may have mixed case, but should otherwise match: ${problems.join(',')}`)];
}

// ── bindings ──

export interface BindingSpec {
  policyName?: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];
const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];

export function validateBinding({ policyName = '', paramRef, matchResources }: BindingSpec): FieldError[] {
  return [
    ...(policyName === '' ? [required('spec.policyName')] : subdomainProblems(policyName).map((problem) => invalid('spec.policyName', policyName, problem))),
    ...(paramRef === undefined ? [] : validateParamRef(paramRef, 'spec.paramRef')),
    ...validateMatchResources(matchResources, 'spec.matchResources'),
  ];
}

export function validateActions(actions: readonly string[] = []): FieldError[] {
  const path = 'spec.validationActions';
  const seen = new Set<string>();
  const errors = actions.flatMap((action, index) => {
    const at = `${path}[${String(index)}]`;
    const problems = [...(ACTIONS.includes(action) ? [] : [notSupported(at, action, ACTIONS)]), ...(seen.has(action) ? [duplicate(at, action)] : [])];
    seen.add(action);
    return problems;
  });
  if (seen.has('Deny') && seen.has('Warn')) errors.push(invalid(path, actions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'));
  if (seen.size === 0) errors.push(required(path, 'at least one validation action is required'));
  return errors;
}

function validateParamRef({ name = '', selector, parameterNotFoundAction }: ParamRef, path: string): FieldError[] {
  const errors = name === '' ? [] : pathSegmentProblems(name, false).map((problem) => invalid(`${path}.name`, name, problem));
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '' && selector !== undefined) errors.push(forbidden(`${path}.name`, exclusive));
  errors.push(...validateLabelSelector(selector, `${path}.selector`));
  if (name !== '' && selector !== undefined) errors.push(forbidden(`${path}.selector`, exclusive));
  if (name === '' && selector === undefined) errors.push(required(path, 'one of name or selector must be specified'));
  if (!parameterNotFoundAction) errors.push(required(`${path}.parameterNotFoundAction`));
  else if (!NOT_FOUND_ACTIONS.includes(parameterNotFoundAction)) errors.push(notSupported(`${path}.parameterNotFoundAction`, parameterNotFoundAction, NOT_FOUND_ACTIONS));
  return errors;
}
