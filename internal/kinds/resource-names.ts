// Names of what can be asked for and limited, and where each may stand (upstream: pkg/apis/core/helper, validateResourceName and its kin).
import { invalid, type FieldError } from '../api/field-error.ts';
import { labelKeyProblems } from '../api/names.ts';

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const COUNTED = ['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'];
const OF_QUOTAS: ReadonlySet<string> = new Set([...COMPUTE, ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]), 'requests.storage', ...COUNTED]);

/** Any known resource, or one with a domain. */
export function resourceNameProblems(name: string, path: string): FieldError[] {
  const problems = labelKeyProblems(name).map((problem) => invalid(path, name, problem));
  if (problems.length > 0 || name.includes('/') || name === 'storage' || isQuotaResource(name)) return problems;
  return [invalid(path, name, 'must be a standard resource type or fully qualified')];
}

export function containerResourceNameProblems(name: string, path: string): FieldError[] {
  const problems = resourceNameProblems(name, path);
  if (!name.includes('/')) return COMPUTE.includes(name) || isHugePage(name) ? problems : [...problems, invalid(path, name, 'must be a standard resource for containers')];
  return isNativeResource(name) || isExtendedResource(name) ? problems : [...problems, invalid(path, name, "doesn't follow extended resource name standard")];
}

export function quotaResourceNameProblems(name: string, path: string): FieldError[] {
  const problems = resourceNameProblems(name, path);
  return name.includes('/') || isQuotaResource(name) ? problems : [...problems, invalid(path, name, 'must be a standard resource for quota')];
}

/** Known to quotas. */
export function isQuotaResource(name: string): boolean {
  return OF_QUOTAS.has(name) || isHugePage(name) || name.startsWith('requests.hugepages-');
}

/** Counted in whole numbers. */
export function isWholeResource(name: string): boolean {
  return COUNTED.includes(name) || isExtendedResource(name);
}

export function isHugePage(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** May be promised more than once: what a node can take back. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePage(name);
}

/** A resource that somebody beside Kubernetes named: `example.com/dev`. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && labelKeyProblems(`requests.${name}`).length === 0;
}

export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}
