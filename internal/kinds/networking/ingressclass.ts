// IngressClass: defaults, validation and row (upstream: pkg/apis/networking).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, notSupported, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import type { IngressClass, IngressClassParametersReference } from '../generated/api-types.ts';
import { validateReference } from './ingress-validation.ts';
import type { KindRules } from '../kind.ts';

const CONTROLLER_MAX = 250;
const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

export const ingressClass: KindRules<IngressClass> = {
  applyDefaults: ({ spec }) => { if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster'; },
  validate: ({ spec }) => [...validateController(spec?.controller ?? ''), ...(spec?.parameters === undefined ? [] : validateParameters(spec.parameters, 'spec.parameters'))],
  validateUpdate: ({ spec }, old) => (spec?.controller === old.spec?.controller ? [] : [invalid('spec.controller', spec?.controller ?? '', 'field is immutable')]),
  changesFirst: true,
  cells: (object, now) => {
    const { metadata, spec = {} } = object as Partial<IngressClass> & Pick<IngressClass, 'metadata'>;
    const { parameters } = spec;
    const isDefault = metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
    const text = parameters === undefined ? '<none>' : `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`;
    return [isDefault ? `${metadata.name} (default)` : metadata.name, spec.controller ?? '', text, objectAge(object, now)];
  },
};

function validateController(controller: string): FieldError[] {
  const path = 'spec.controller';
  const errors = controller.length > CONTROLLER_MAX ? [tooLong(path, CONTROLLER_MAX)] : [];
  if (controller === '') return [required(path)];
  const slash = controller.indexOf('/');
  const [domain, rest] = [controller.slice(0, Math.max(slash, 0)), controller.slice(slash + 1)];
  if (domain === '' || rest === '') return [...errors, invalid(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  errors.push(...subdomainProblems(domain).map((problem) => invalid(path, domain, problem)));
  return new RegExp(`^${PATH}$`).test(rest) ? errors : [...errors, invalid(path, rest, `Invalid path (regex used for validation is '${PATH}')`)];
}

function validateParameters(parameters: IngressClassParametersReference, path: string): FieldError[] {
  const { scope, namespace } = parameters;
  const errors = validateReference(parameters, path);
  if (scope === undefined) errors.push(required(`${path}.scope`));
  else if (scope !== 'Cluster' && scope !== 'Namespace') errors.push(notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace']));
  else if (scope === 'Cluster' && namespace !== undefined) errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  else if (scope === 'Namespace' && namespace === undefined) errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  else if (namespace !== undefined) errors.push(...dnsLabelProblems(namespace).map((problem) => invalid(`${path}.namespace`, namespace, problem)));
  return errors;
}
