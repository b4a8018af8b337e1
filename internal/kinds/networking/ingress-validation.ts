// Validation of Ingresses (upstream: pkg/apis/networking/validation).
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, pathSegmentProblems, portNameProblems, portNumberProblems, regexpWords, subdomainProblems } from '../../api/names.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS } from '../generated/api-types.ts';
import { ipProblems } from './ip-address.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const NOT_IN_PATHS = ['//', '/./', '/../', '%2f', '%2F'];
const NOT_AT_END = ['/..', '/.'];
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const WILDCARD = `\\*\\.${LABEL}(\\.${LABEL})*`;
const WILDCARD_WORDS = regexpWords("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character", WILDCARD, ['*.example.com']);
const NAME_MAX = 253;

export function validateIngress({ spec = {} }: { spec?: Ingress['spec'] }): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName: className } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && defaultBackend === undefined) errors.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend !== undefined) errors.push(...validateBackend(defaultBackend, 'spec.defaultBackend'));
  rules.forEach((rule, index) => errors.push(...validateRule(rule, `spec.rules[${String(index)}]`)));
  tls.forEach((one, index) => errors.push(...validateTls(one, `spec.tls[${String(index)}]`)));
  if (className !== undefined) errors.push(...subdomainProblems(className).map((problem) => invalid('spec.ingressClassName', className, problem)));
  return errors;
}

export function validateIngressStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const path = `status.loadBalancer.ingress[${String(index)}]`;
    return [
      ...(ip ? ipProblems(ip).map((problem) => invalid(`${path}.ip`, ip, problem)) : []),
      ...(hostname ? subdomainProblems(hostname).map((problem) => invalid(`${path}.hostname`, hostname, problem)) : []),
      ...(hostname && ipProblems(hostname).length === 0 ? [invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address')] : []),
    ];
  });
}

function validateRule({ host = '', http }: IngressRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host !== '' && ipProblems(host).length === 0) errors.push(invalid(`${path}.host`, host, 'must be a DNS name, not an IP address'));
  if (host !== '') errors.push(...hostProblems(host).map((problem) => invalid(`${path}.host`, host, problem)));
  if (http === undefined) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  paths.forEach((one, index) => errors.push(...validatePath(one, `${path}.http.paths[${String(index)}]`)));
  return errors;
}

function validatePath({ path = '', pathType, backend }: HTTPIngressPath, at: string): FieldError[] {
  if (pathType === undefined) return [required(`${at}.pathType`, 'pathType must be specified')];
  const errors: FieldError[] = [];
  const isMatched = pathType === 'Exact' || pathType === 'Prefix';
  if (!PATH_TYPES.includes(pathType)) errors.push(notSupported(`${at}.pathType`, pathType, PATH_TYPES));
  else if (!path.startsWith('/') && (isMatched || path !== '')) errors.push(invalid(`${at}.path`, path, 'must be an absolute path'));
  if (isMatched) {
    for (const part of NOT_IN_PATHS) if (path.includes(part)) errors.push(invalid(`${at}.path`, path, `must not contain '${part}'`));
    for (const end of NOT_AT_END) if (path.endsWith(end)) errors.push(invalid(`${at}.path`, path, `cannot end with '${end}'`));
  }
  return [...errors, ...validateBackend(backend ?? {}, `${at}.backend`)];
}

function validateBackend({ resource, service }: IngressBackend, path: string): FieldError[] {
  if (resource !== undefined && service !== undefined) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (resource !== undefined) return validateReference(resource, `${path}.resource`);
  if (service === undefined) return [invalid(path, '', 'resource or service backend is required')];
  const errors = service.name ? dnsLabelProblems(service.name).map((problem) => invalid(`${path}.service.name`, service.name, problem)) : [required(`${path}.service.name`)];
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (name !== '') errors.push(...portNameProblems(name).map((problem) => invalid(`${path}.service.port.name`, name, problem)));
  else if (number !== 0) errors.push(...portNumberProblems(number).map((problem) => invalid(`${path}.service.port.number`, number, problem)));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}

/** A reference by kind and name, and group where it has one. */
export function validateReference({ apiGroup, kind, name }: { apiGroup?: string; kind?: string; name?: string }, path: string): FieldError[] {
  const errors = apiGroup === undefined ? [] : subdomainProblems(apiGroup).map((problem) => invalid(`${path}.apiGroup`, apiGroup, problem));
  for (const [field, value] of [['kind', kind], ['name', name]] as const) {
    if (!value) errors.push(required(`${path}.${field}`));
    else errors.push(...pathSegmentProblems(value, false).map((problem) => invalid(`${path}.${field}`, value, problem)));
  }
  return errors;
}

function validateTls({ hosts = [], secretName }: IngressTLS, path: string): FieldError[] {
  const errors = hosts.flatMap((host, index) => hostProblems(host).map((problem) => invalid(`${path}.hosts[${String(index)}]`, host, problem)));
  return secretName ? [...errors, ...subdomainProblems(secretName).map((problem) => invalid(`${path}.secretName`, secretName, problem))] : errors;
}

function hostProblems(host: string): string[] {
  if (!host.includes('*')) return subdomainProblems(host);
  const problems = host.length > NAME_MAX ? [`must be no more than ${String(NAME_MAX)} characters`] : [];
  return new RegExp(`^${WILDCARD}$`).test(host) ? problems : [...problems, WILDCARD_WORDS];
}
