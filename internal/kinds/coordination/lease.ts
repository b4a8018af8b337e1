// Lease: heartbeats and leader election; may be lost with the power (upstream: pkg/apis/coordination/validation).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { Lease } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

export const lease: KindRules<Lease> = {
  plainFinalizers: true,
  durability: 'relaxed',
  validateName: subdomainName,
  prepareForCreate: (draft) => dropCoordination(draft),
  prepareForUpdate: (draft, old) => dropCoordination(draft, old),
  validate,
  cells: (object, now) => [object.metadata.name, object.spec?.holderIdentity ?? '', objectAge(object, now)],
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
};

/** Coordinated leader election is not on by default: its fields are only kept where they are already. */
function dropCoordination({ spec }: Lease, old?: Lease): void {
  for (const field of ['strategy', 'preferredHolder'] as const) if (spec !== undefined && old?.spec?.[field] === undefined) delete spec[field];
}

function validate({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {};
  if (duration !== undefined && duration <= 0) errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  if (transitions !== undefined && transitions < 0) errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  if (spec?.preferredHolder && !spec.strategy) errors.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
  return errors;
}
