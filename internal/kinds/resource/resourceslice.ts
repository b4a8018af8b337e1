// ResourceSlice: validation and row (upstream: pkg/apis/resource). Left out: devices' capacities, taints and counters.
import { objectAge } from '../../api/age.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import { validateSet } from './device-requests.ts';
import { poolNameProblems, validateAttribute } from './device-values.ts';
import type { Device, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { driverNameProblems } from '../storage/storage-validation.ts';

const DEVICES_MAX = 128;
const COUNTER_SETS_MAX = 8;
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

export const resourceSlice: KindRules<ResourceSlice> = {
  applyDefaults: ({ spec }) => dropWhatIsOff(spec?.devices ?? []),
  validate: ({ spec }) => validate(spec ?? {}),
  validateUpdate: ({ spec }, { spec: old }) => [
    ...(spec.pool.name === old.pool.name ? [] : [invalid('spec.pool.name', spec.pool.name ?? '', 'field is immutable')]),
    ...(spec.driver === old.driver ? [] : [invalid('spec.driver', spec.driver ?? '', 'field is immutable')]),
    ...(spec.nodeName === old.nodeName ? [] : [invalid('spec.nodeName', spec.nodeName ?? null, 'field is immutable')]),
  ],
  cells: (object, now) => [object.metadata.name, object.spec.nodeName ?? '', object.spec.driver, object.spec.pool?.name ?? '', objectAge(object, now)],
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver }),
};

/** Lists as attributes and mappings to a node's resources are of features that are off in 1.36. */
function dropWhatIsOff(devices: readonly Device[]): void {
  for (const device of devices) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) for (const list of ['ints', 'bools', 'strings', 'versions'] as const) delete attribute[list];
  }
}

function validate(spec: Partial<ResourceSliceSpec>): FieldError[] {
  const { driver = '', pool = {}, devices, sharedCounters } = spec;
  const named = { max: DEVICES_MAX, validate: ({ name }: { name: string }, path: string) => dnsLabelProblems(name ?? '').map((problem) => invalid(`${path}.name`, name ?? '', problem)), keyOf: ({ name }: { name: string }) => name };
  return [
    ...driverNameProblems(driver, 'spec.driver'), ...validatePool(pool), ...validatePlace(spec),
    ...(devices !== undefined && sharedCounters !== undefined ? [invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')] : []),
    ...validateSet(devices ?? [], 'spec.devices', { ...named, validate: (device: Device, path: string) => [...named.validate(device, path), ...Object.entries(device.attributes ?? {}).flatMap(([name, attribute]) => validateAttribute(attribute, `${path}.attributes[${name}]`))] }), ...validateSet(sharedCounters ?? [], 'spec.sharedCounters', { ...named, max: COUNTER_SETS_MAX }),
  ];
}

function validatePool({ name = '', resourceSliceCount: count = 0, generation = 0 }: Partial<ResourcePool>): FieldError[] {
  const errors = poolNameProblems(name, 'spec.pool.name');
  if (count <= 0) errors.push(invalid('spec.pool.resourceSliceCount', count, 'must be greater than zero'));
  return generation < 0 ? [...errors, invalid('spec.pool.generation', generation, 'must be greater than or equal to zero')] : errors;
}

function validatePlace({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: Partial<ResourceSliceSpec>): FieldError[] {
  const errors: FieldError[] = [];
  if (nodeName === '') errors.push(invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
  else if (nodeName !== undefined) errors.push(...subdomainProblems(nodeName).map((problem) => invalid('spec.nodeName', nodeName, problem)));
  if (nodeSelector !== undefined && (nodeSelector.nodeSelectorTerms ?? []).length !== 1) errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', nodeSelector.nodeSelectorTerms ?? null, 'must have exactly one node selector term'));
  for (const [field, value] of [['allNodes', allNodes], ['perDeviceNodeSelection', perDeviceNodeSelection]] as const) if (value === false) errors.push(invalid(`spec.${field}`, value, 'must be either unset or set to true'));
  const set = [[Boolean(nodeName), 'nodeName'], [nodeSelector !== undefined, 'nodeSelector'], [allNodes === true, 'allNodes'], [perDeviceNodeSelection === true, 'perDeviceNodeSelection']].filter(([is]) => is === true).map(([, name]) => `\`${String(name)}\``);
  if (set.length === 0) errors.push(required('spec', ONE_PLACE));
  if (set.length > 1) errors.push(invalid('spec', `{${set.join(', ')}}`, `${ONE_PLACE}, but multiple fields are set`));
  return errors;
}
