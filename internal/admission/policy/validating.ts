// ValidatingAdmissionPolicy: every policy that is bound to the request judges it by its expressions; what fails is refused, warned of or
// noted for the audit log, as the binding says.
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../kinds/generated/api-types.ts';
import type { KubeObject } from '../../api/meta.ts';
import { forbidden } from '../../authz/forbidden.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { StatusError, type StatusReason } from '../../base/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { converted } from '../forms.ts';
import { isExemptFromPolicies } from '../matching.ts';
import { invocationsOf, isMisconfiguration, namespaceOf, type Invocation, type Sources } from './invocations.ts';
import { judgePolicy, type Judgement } from './validation.ts';

export type PolicyOptions = Sources & { authorizer: Authorizer };

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;
type Bound = Invocation<Policy, Binding>;

interface Denial {
  policy: string;
  binding?: string;
  message: string;
  reason?: string;
}

const ANNOTATION_MAX = 10 * 1024;
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };

export function validatingPolicies(options: PolicyOptions): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    async validate(request) {
      if (isExemptFromPolicies(request)) return;
      const denials: Denial[] = [];
      const annotations = new Map<string, Set<string>>();
      for (const one of await invocationsOf<Policy, Binding>('validating', request, options)) {
        const { policy, binding } = one;
        const place = { policy: policy.metadata.name, ...(binding !== undefined && { binding: binding.metadata.name }) };
        if (isMisconfiguration(one)) {
          if (policy.spec.failurePolicy !== 'Ignore') denials.push({ ...place, message: one.problem });
        } else for (const judgement of await judgementsOf(options, request, one)) denials.push(...consequences(request, one, { judgement, annotations }));
      }
      for (const [key, values] of annotations) request.annotate?.(key, [...values].join(', '));
      const [first] = denials;
      if (first !== undefined) throw refusal(request, first);
    },
  };
}

/** One for each param. */
async function judgementsOf({ store, authorizer }: PolicyOptions, request: AdmissionRequest, { policy, as, params }: Bound): Promise<Judgement[]> {
  const form = (object: KubeObject | undefined): Promise<KubeObject | undefined> => (object === undefined ? Promise.resolve(undefined) : converted(object, { from: request.kind, to: as, subresource: request.subresource }));
  const base = { request, as, object: await form(request.object), old: await form(request.old), authorizer, namespaceObject: namespaceOf(request, store) };
  return params.map((param) => judgePolicy(policy, { ...base, params: param ?? null }));
}

function consequences(request: AdmissionRequest, { policy, binding }: Bound, { judgement, annotations }: { judgement: Judgement; annotations: Map<string, Set<string>> }): Denial[] {
  const names = { policy: policy.metadata.name, binding: binding.metadata.name };
  const { validationActions } = binding.spec;
  const denials: Denial[] = [];
  for (const { index, message, reason } of judgement.failures) {
    if (validationActions.includes('Deny')) denials.push({ ...names, message, reason });
    if (validationActions.includes('Warn')) request.warn(`Validation failed for ValidatingAdmissionPolicy '${names.policy}' with binding '${names.binding}': ${message}`);
    if (validationActions.includes('Audit')) request.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([{ message, policy: names.policy, binding: names.binding, expressionIndex: index, validationActions }]));
  }
  for (const { key, value, error } of judgement.annotations) {
    if (error !== undefined) denials.push({ ...names, message: error });
    else if (value !== undefined) add(annotations, `${names.policy}/${key}`, value.slice(0, ANNOTATION_MAX));
  }
  return denials;
}

function add(annotations: Map<string, Set<string>>, key: string, value: string): void {
  const values = annotations.get(key);
  if (values === undefined) annotations.set(key, new Set([value]));
  else values.add(value);
}

function refusal(request: AdmissionRequest, { policy, binding, message, reason = '' }: Denial): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`} denied request: ${message}`;
  const refused = forbidden(request.kind, nameOf(request), text);
  const shown = reason === '' ? 'Invalid' : reason;
  return new StatusError((shown in CODES || shown === 'Invalid' ? shown : 'Invalid') as StatusReason, refused.message, { code: CODES[shown] ?? 422, shownReason: shown, details: { ...refused.details, causes: [{ message: text }] } });
}

/** As upstream's NewForbidden names it. */
export function nameOf({ name, object }: AdmissionRequest): string {
  if (name !== '') return name;
  return object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
}
