// Node (upstream: registry/core/node, ValidateNode). Its status belongs to the kubelet and comes in through /status.
import { objectAge } from '../../api/age.ts';
import type { FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { Node } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';
import { validateNode, validateNodeStatus, validateNodeUpdate } from './node-validation.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';

export const node: KindRules<Node> = {
  validateName: subdomainName,
  applyDefaults,
  // A kubelet registers itself with a status, so create keeps it; upstream does the same.
  prepareForCreate: ({ spec, status }) => {
    delete spec?.configSource;
    delete status?.config;
  },
  prepareForUpdate: (draft, { status }) => {
    delete draft.spec?.configSource; // configuration given by the API is gone since 1.24
    if (status === undefined) delete draft.status;
    else draft.status = status;
  },
  prepareForStatusUpdate: ({ status }) => { delete status?.config; },
  validate: (object): FieldError[] => validateNode(object),
  validateUpdate: (object, old): FieldError[] => validateNodeUpdate(object, old),
  validateStatusUpdate: (object, old): FieldError[] => [...validateNodeStatus(object), ...validateNodeUpdate(object, old)],
  cells,
  selectableFields: (object) => ({ 'spec.unschedulable': String(object.spec?.unschedulable ?? false) }),
};

function applyDefaults({ spec, status }: Node): void {
  if (spec?.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  else if (spec?.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
  if (status?.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity };
}

function cells(object: Node, now: number): Cell[] {
  const info = object.status?.nodeInfo;
  const kernel = info?.kernelVersion ? info.kernelVersion : '<unknown>';
  return [
    object.metadata.name, statusOf(object), rolesOf(object), objectAge(object, now), info?.kubeletVersion ?? '',
    addressOf(object, 'InternalIP'), addressOf(object, 'ExternalIP'), info?.osImage ? info.osImage : '<unknown>',
    info?.architecture ? `${kernel} (${info.architecture})` : kernel, info?.containerRuntimeVersion ? info.containerRuntimeVersion : '<unknown>',
  ];
}

function statusOf({ spec, status }: Node): string {
  const ready = status?.conditions?.findLast(({ type }) => type === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (spec?.unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL && value !== '') roles.add(value);
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',');
}

function addressOf({ status }: Node, type: string): string {
  return status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}
