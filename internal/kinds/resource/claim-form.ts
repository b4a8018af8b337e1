// What a claim, or a template of claims, asks for as upstream's messages show it.
import type { ResourceClaimSpec, ResourceClaimTemplate } from '../generated/api-types.ts';
import { ALWAYS, goForm, sortedKeys, type GoForm } from '../go-form.ts';

const TOLERATIONS: GoForm = [['key', 'Key', ''], ['operator', 'Operator', ''], ['value', 'Value', ''], ['effect', 'Effect', ''], ['tolerationSeconds', 'TolerationSeconds', null]];
const CLASS: GoForm = [
  ['deviceClassName', 'DeviceClassName', ''], ['selectors', 'Selectors', null, [['cel', 'CEL', null, [['expression', 'Expression', '']]]]], ['allocationMode', 'AllocationMode', ''], ['count', 'Count', 0],
];
const MORE: GoForm = [['tolerations', 'Tolerations', null, TOLERATIONS], ['capacity', 'Capacity', null, [['requests', 'Requests', null]]]];
const DEVICES: GoForm = [
  ['requests', 'Requests', null, [['name', 'Name', ''], ['exactly', 'Exactly', null, [...CLASS, ['adminAccess', 'AdminAccess', null], ...MORE]], ['firstAvailable', 'FirstAvailable', null, [['name', 'Name', ''], ...CLASS, ...MORE]]]],
  ['constraints', 'Constraints', null, [['requests', 'Requests', null], ['matchAttribute', 'MatchAttribute', null], ['distinctAttribute', 'DistinctAttribute', null]]],
  ['config', 'Config', null, [['requests', 'Requests', null], ['opaque', 'Opaque', null, [['driver', 'Driver', ''], ['parameters', 'Parameters', null]]]]],
];
const CLAIM: GoForm = [['devices', 'Devices', ALWAYS, DEVICES]];
/** Metadata has its own names and order. */
const METADATA = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields'];

export function claimAsGoPrints(spec: ResourceClaimSpec | undefined): object {
  return goForm(CLAIM, spec);
}

export function templateAsGoPrints({ metadata, spec }: Partial<ResourceClaimTemplate['spec']> = {}): object {
  const said: Record<string, unknown> = { ...metadata, labels: sortedKeys(metadata?.labels), annotations: sortedKeys(metadata?.annotations) };
  return { ...Object.fromEntries(METADATA.map((field) => [field, said[field]])), Spec: claimAsGoPrints(spec) };
}
