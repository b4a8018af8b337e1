// PriorityClass (upstream: pkg/apis/scheduling).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { PriorityClass } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import type { KindRules } from '../kind.ts';

const USER_MAX = 1_000_000_000;
const SYSTEM: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };

export const priorityClass: KindRules<PriorityClass> = {
  validateName: subdomainName,
  applyDefaults: (draft) => {
    draft.value ??= 0;
    draft.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validateCreate: (object) => [...validateNew(object), ...oneOf(object.preemptionPolicy, 'preemptionPolicy', ['PreemptLowerPriority', 'Never'])],
  validateUpdate,
  cells: (object, now) => [object.metadata.name, object.value ?? 0, object.globalDefault ?? false, objectAge(object, now), object.preemptionPolicy ?? ''],
  tracksGeneration: 'at creation',
};

function validateNew({ metadata: { name = '' }, value = 0, globalDefault = false }: { metadata: { name?: string }; value?: number; globalDefault?: boolean }): FieldError[] {
  if (!name.startsWith('system-')) return value > USER_MAX ? [forbidden('value', `maximum allowed value of a user defined priority is ${String(USER_MAX)}`)] : [];
  const problem = systemClassProblem(name, value, globalDefault);
  return problem === undefined ? [] : [forbidden('metadata.name', `priority class names with 'system-' prefix are reserved for system use only. error: ${problem}`)];
}

function systemClassProblem(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = SYSTEM[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${String(known)}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validateUpdate(object: PriorityClass, old: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (object.value !== old.value) errors.push(forbidden('value', 'may not be changed in an update.'));
  if (object.preemptionPolicy !== old.preemptionPolicy) errors.push(invalid('preemptionPolicy', object.preemptionPolicy, 'field is immutable'));
  return errors;
}
