// Validation of resource requests and limits (upstream: ValidateResourceRequirements).
import { duplicate, fieldNotFound as notFound, forbidden, invalid, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems } from '../../api/names.ts';
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import type { ResourceRequirements } from '../generated/api-types.ts';
import { containerResourceNameProblems, isExtendedResource, isHugePage, isOvercommitAllowed } from '../resource-names.ts';

type NameRule = (name: string, path: string) => FieldError[];

export function validateResources(resources: ResourceRequirements | undefined, path: string, claims: ReadonlySet<string>, nameProblems: NameRule = containerResourceNameProblems): FieldError[] {
  if (resources === undefined) return [];
  const { limits = {}, requests = {} } = resources;
  const errors = [...quantityMapProblems(limits, `${path}.limits`, nameProblems)];
  for (const [name, request] of Object.entries(requests)) {
    errors.push(...quantityMapProblems({ [name]: request }, `${path}.requests`, nameProblems));
    if (isQuantity(request)) errors.push(...validateAgainstLimit(name, request, limits[name], path));
  }
  const all = [...Object.keys(limits), ...Object.keys(requests)];
  if (all.some(isHugePage) && !all.includes('cpu') && !all.includes('memory')) errors.push(forbidden(path, 'HugePages require cpu or memory'));
  const seen = new Set<string>();
  (resources.claims ?? []).forEach(({ name, request }, index) => {
    const at = `${path}.claims[${String(index)}]`;
    if (!name) return void errors.push(required(at));
    const key = request ? `${name}/${request}` : name;
    const whole = seen.has(name) || (!request && [...seen].some((one) => one.startsWith(`${name}/`)));
    if (request && !seen.has(name)) errors.push(...dnsLabelProblems(request).map((problem) => invalid(`${at}.request`, request, problem)));
    if (whole || seen.has(key)) errors.push(duplicate(at, whole ? name : key));
    seen.add(seen.has(name) ? name : key);
    if (!claims.has(name)) errors.push({ ...notFound(at, name), detail: `must be one of the names in pod.spec.resourceClaims${claims.size === 0 ? ' which is empty' : `: ${[...claims].sort().join(', ')}`}` });
  });
  return errors;
}

/** Quantities that parse and are not negative, under names that may stand there. */
export function quantityMapProblems(quantities: Record<string, string> | undefined, path: string, nameProblems?: NameRule): FieldError[] {
  return Object.entries(quantities ?? {}).flatMap(([name, quantity]) => {
    const at = `${path}[${name}]`;
    const errors = nameProblems?.(name, at) ?? [];
    if (!isQuantity(quantity)) return [...errors, invalid(at, quantity, 'must be a valid quantity')];
    if (compareQuantities(quantity, '0') < 0) errors.push(invalid(at, quantity, 'must be greater than or equal to 0'));
    if (isExtendedResource(name) && !/^-?\d+([kKMGTPE]i?)?$/.test(quantity)) errors.push(invalid(at, quantity, 'must be an integer'));
    return errors;
  });
}

function validateAgainstLimit(name: string, request: string, limit: string | undefined, path: string): FieldError[] {
  const overcommit = isOvercommitAllowed(name);
  if (limit === undefined) return overcommit ? [] : [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  if (!isQuantity(limit)) return [];
  const order = compareQuantities(request, limit);
  if (order !== 0 && !overcommit) return [invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`)];
  return order > 0 ? [invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}
