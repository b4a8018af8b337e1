// What a pod as a whole may ask for and be limited to, beside its containers (upstream: validatePodResources).
import { forbidden, invalid, notSupported, type FieldError } from '../../api/field-error.ts';
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import type { Pod, PodSpec, ResourceRequirements } from '../generated/api-types.ts';
import { isHugePage, resourceNameProblems } from '../resource-names.ts';
import { podLimits, podRequests } from './requirements.ts';
import { validateResources } from './resources.ts';

const SHARED = ['cpu', 'hugepages-', 'memory'];

export function validatePodResources(spec: PodSpec, path: string): FieldError[] {
  const { resources, os } = spec;
  const at = `${path}.resources`;
  if (resources === undefined) return [];
  if (os?.name === 'windows') return [forbidden(at, 'may not be set for a windows pod')];
  const errors = resources.claims === undefined ? [] : [forbidden(`${at}.claims`, 'claims may not be set for Resources at pod-level')];
  errors.push(...validateResources(resources, at, new Set((spec.resourceClaims ?? []).map(({ name }) => name)), sharedNameProblems));
  return everyQuantityReads(spec) ? [...errors, ...besideContainers(spec, resources, at)] : errors;
}

function sharedNameProblems(name: string, path: string): FieldError[] {
  const problems = resourceNameProblems(name, path);
  return problems.length > 0 || SHARED.includes(name) || isHugePage(name) ? problems : [notSupported(path, name, SHARED)];
}

// What cannot be read is told elsewhere, and cannot be added up.
function everyQuantityReads({ resources, containers = [], initContainers = [] }: Partial<PodSpec>): boolean {
  return [resources, ...[...containers, ...initContainers].map((container) => container.resources)].every((part) => [...Object.values(part?.limits ?? {}), ...Object.values(part?.requests ?? {})].every(isQuantity));
}

function besideContainers(spec: PodSpec, { requests = {}, limits = {} }: ResourceRequirements, at: string): FieldError[] {
  const { resources: _own, overhead: _overhead, ...bare } = spec;
  const containers = { spec: bare } as Pod;
  const errors: FieldError[] = [];
  for (const [name, sum] of Object.entries(podRequests(containers))) {
    const own = requests[name];
    if (own !== undefined && compareQuantities(sum, own) > 0) errors.push(invalid(`${at}.requests[${name}]`, own, `must be greater than or equal to aggregate container requests of ${sum}`));
  }
  for (const [name, sum] of Object.entries(podLimits(containers))) {
    const own = limits[name];
    if (isHugePage(name) && own !== undefined && compareQuantities(sum, own) > 0) errors.push(invalid(`${at}.limits[${name}]`, own, `must be greater than or equal to aggregate container limits of ${sum}`));
  }
  (spec.containers ?? []).forEach(({ resources }, index) => {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      const own = limits[name];
      if (own !== undefined && compareQuantities(limit, own) > 0) errors.push(invalid(`${at}.containers[${String(index)}][${name}].limits`, limit, `must be less than or equal to pod limits of ${own}`));
    }
  });
  return errors;
}
