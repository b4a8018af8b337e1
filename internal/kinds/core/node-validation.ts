// Validation of nodes (upstream: ValidateNode, ValidateNodeUpdate in pkg/apis/core/validation).
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, labelValueProblems } from '../../api/names.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { Node, Taint } from '../generated/api-types.ts';
import { cidrProblems } from '../networking/ip-address.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateNode({ spec, status }: Node): FieldError[] {
  const errors = validateTaints(spec?.taints ?? [], 'metadata.taints'); // where upstream says that they are
  const cidrs = spec?.podCIDRs ?? [];
  cidrs.forEach((cidr, index) => errors.push(...cidrProblems(cidr).map((problem) => invalid(`spec.podCIDRs[${String(index)}]`, cidr, problem))));
  if (cidrs.length > 2 || (cidrs.length === 2 && cidrs.every((cidr) => cidr.includes(':')) !== cidrs.some((cidr) => !cidr.includes(':')))) errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, quantity] of Object.entries(status?.[list] ?? {})) if (compareQuantities(quantity, '0') < 0) errors.push(invalid(`status.${list}.${name}`, quantity, 'must be greater than or equal to 0'));
  }
  return errors;
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
