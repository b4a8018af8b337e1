// Validation of nodes (upstream: ValidateNode, ValidateNodeUpdate in pkg/apis/core/validation).
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, labelValueProblems } from '../../api/names.ts';
import { compareQuantities, quantityMilliValue } from '../../api/quantity.ts';
import type { Node, Taint } from '../generated/api-types.ts';
import { cidrProblems } from '../networking/ip-address.ts';
import { isWholeResource } from '../resource-names.ts';

const FEATURE_MAX = 253;
const FEATURE = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const FEATURE_WORDS = "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateNode({ spec, status }: Node): FieldError[] {
  const errors = validateTaints(spec?.taints ?? [], 'metadata.taints'); // where upstream says that they are
  const cidrs = spec?.podCIDRs ?? [];
  cidrs.forEach((cidr, index) => errors.push(...cidrProblems(cidr).map((problem) => invalid(`spec.podCIDRs[${String(index)}]`, cidr, problem))));
  if (cidrs.length > 2 || (cidrs.length === 2 && cidrs.every((cidr) => cidr.includes(':')) !== cidrs.some((cidr) => !cidr.includes(':')))) errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  return [...errors, ...validateResources(status), ...validateFeatures(status?.declaredFeatures ?? [], 'status.declaredFeatures')];
}

/** As a kubelet writes it. */
export function validateNodeStatus({ status }: Node): FieldError[] {
  const addresses = (status?.addresses ?? []).map(({ type, address }) => ({ Type: type ?? '', Address: address ?? '' }));
  const keys = addresses.map((address) => JSON.stringify(address));
  return [
    ...validateResources(status), ...validateFeatures(status?.declaredFeatures ?? [], 'status.declaredFeatures'),
    ...addresses.flatMap((address, index) => (keys.indexOf(JSON.stringify(address)) < index ? [duplicate(`status.addresses[${String(index)}]`, address)] : [])),
  ];
}

function validateResources(status: Node['status']): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) => Object.entries(status?.[list] ?? {}).flatMap(([name, quantity]) => {
    const at = `status.${list}.${name}`;
    if (compareQuantities(quantity, '0') < 0) return [invalid(at, quantity, 'must be greater than or equal to 0')];
    return isWholeResource(name) && quantityMilliValue(quantity) % 1000 !== 0 ? [invalid(at, quantity, 'must be an integer')] : [];
  }));
}

function validateFeatures(features: readonly string[], path: string): FieldError[] {
  return features.flatMap((feature, index) => {
    const problem = feature.length > FEATURE_MAX ? `must be no more than ${String(FEATURE_MAX)} characters` : FEATURE.test(feature) ? undefined : FEATURE_WORDS;
    const errors = problem === undefined ? [] : [invalid(`${path}[${String(index)}]`, feature, `invalid feature name ${JSON.stringify(feature)}: ${problem}`)];
    const next = features[index + 1];
    if (next === feature) errors.push(duplicate(`${path}[${String(index + 1)}]`, next));
    else if (next !== undefined && feature > next) errors.push(invalid(`${path}[${String(index + 1)}]`, next, 'list must be sorted alphabetically'));
    return errors;
  });
}

export function validateNodeUpdate({ spec }: Node, { spec: old }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const was = old?.podCIDRs ?? [];
  const cidrs = spec?.podCIDRs ?? [];
  if (was.length > 0 && (was.length !== cidrs.length || was.some((cidr, index) => cidr !== cidrs[index]))) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if ((spec?.externalID ?? '') !== (old?.externalID ?? '')) errors.push(forbidden('spec.externalID', 'may not be updated'));
  if (old?.providerID && spec?.providerID !== old.providerID) errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  return errors;
}

function validateTaints(taints: readonly Taint[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  taints.forEach((taint, index) => {
    const at = `${path}[${String(index)}]`;
    for (const problem of labelKeyProblems(taint.key ?? '')) errors.push(invalid(`${at}.key`, taint.key ?? '', problem));
    for (const problem of labelValueProblems(taint.value ?? '')) errors.push(invalid(`${at}.value`, taint.value ?? '', problem));
    if (!taint.effect) errors.push(required(`${at}.effect`));
    else if (!EFFECTS.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, EFFECTS));
    const identity = `${taint.key}:${taint.effect}`;
    if (seen.has(identity)) errors.push({ ...duplicate(at, { Key: taint.key, Value: taint.value ?? '', Effect: taint.effect, TimeAdded: taint.timeAdded ?? null }), detail: 'taints must be unique by key and effect pair' });
    seen.add(identity);
  });
  return errors;
}
