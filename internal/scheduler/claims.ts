// ResourceClaims bind a pod to nodes: those that are allocated to where their devices are, the others to nodes whose devices satisfy them (upstream:
// plugins/dynamicresources). What a pass gives is in the snapshot at once, and written before the pod is bound. Left out: extended resources that a device
// class backs, device binding conditions, taking claims back from pods that could not use them.
import { messageOf } from '../base/errors.ts';
import { formatTime } from '../api/meta.ts';
import type { AllocationResult, DeviceClass, DeviceRequest, Node, NodeSelector, Pod, ResourceClaimResourceV1, ResourceSlice } from '../kinds/generated/api-types.ts';
import { matchesNodeSelector } from '../kinds/node-selection.ts';
import { foreignClaim, isReservedFor, podClaims } from '../kinds/core/pod-claims.ts';
import { candidatesOn, deviceId, findDevices, type ClaimWish, type Given, type Wanted } from './device-search.ts';

export interface Claims {
  claim(namespace: string, name: string): ResourceClaimResourceV1 | undefined;
  all(): readonly ResourceClaimResourceV1[];
  slices(): readonly ResourceSlice[];
  deviceClass(name: string): DeviceClass | undefined;
  /** Allocations that this pass has made, by the claim's uid. */
  readonly made: Map<string, AllocationResult>;
}

export interface ClaimNeeds {
  /** Why no node will do, whichever it is. */
  blocked?: string;
  allocated: ResourceClaimResourceV1[];
  open: ResourceClaimResourceV1[];
  source: Claims | undefined;
}

/** What is written before a pod is bound: its reservation, and the allocation where there was none. */
export interface Grant {
  claim: ResourceClaimResourceV1;
  allocation?: AllocationResult;
}

const RESERVED_MAX = 256;
const NONE: ClaimNeeds = { allocated: [], open: [], source: undefined };

export function claimNeeds(pod: Pod, source: Claims): ClaimNeeds {
  if ((pod.spec.resourceClaims ?? []).length === 0) return NONE;
  const needs: ClaimNeeds = { allocated: [], open: [], source };
  const { namespace = '', name: podName } = pod.metadata;
  for (const { claim: name, ownClaim } of podClaims(pod)) {
    if (name === undefined) return { ...needs, blocked: `pod "${namespace}/${podName}": ResourceClaim not created yet` };
    const claim = source.claim(namespace, name);
    if (claim === undefined) return { ...needs, blocked: `resourceclaim.resource.k8s.io "${name}" not found` };
    if (claim.metadata.deletionTimestamp !== undefined) return { ...needs, blocked: `resourceclaim "${name}" is being deleted` };
    const foreign = ownClaim ? foreignClaim(claim, pod) : undefined;
    if (foreign !== undefined) return { ...needs, blocked: foreign };
    if (!isReservedFor(claim, pod) && (claim.status?.reservedFor ?? []).length >= RESERVED_MAX) return { ...needs, blocked: 'resourceclaim in use' };
    if (allocationOf(claim, source) !== undefined) needs.allocated.push(claim);
    else needs.open.push(claim);
  }
  return needs;
}

function allocationOf({ metadata, status }: ResourceClaimResourceV1, { made }: Claims): AllocationResult | undefined {
  return status?.allocation ?? made.get(metadata.uid);
}

/** Why this node will not do. */
export function claimsRefuse({ allocated, open, source }: ClaimNeeds, node: Node): string | undefined {
  if (source === undefined) return undefined;
  if (!allocated.every((claim) => isWithin(allocationOf(claim, source)?.nodeSelector, node))) return 'resourceclaim not available on the node';
  if (open.length === 0) return undefined;
  try {
    return allocate(open, node, source) === undefined ? 'cannot allocate all claims' : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isWithin(selector: NodeSelector | undefined, node: Node): boolean {
  return selector === undefined || matchesNodeSelector(selector, node);
}

/** Takes what the pod gets on its node out of what is free. */
export function grantClaims({ allocated, open, source }: ClaimNeeds, node: Node, now: number): Grant[] {
  if (source === undefined) return [];
  const results = open.length === 0 ? [] : allocate(open, node, source) ?? [];
  // Given by this pass to a pod before: that pod's binding writes it, and this one's, which may come first, as well.
  const known = allocated.map((claim): Grant => {
    const made = claim.status?.allocation === undefined ? source.made.get(claim.metadata.uid) : undefined;
    return { claim, ...(made !== undefined && { allocation: made }) };
  });
  return [...known, ...open.map((claim, index): Grant => {
    const allocation = { ...results[index], allocationTimestamp: formatTime(now) };
    source.made.set(claim.metadata.uid, allocation);
    return { claim, allocation };
  })];
}

function allocate(open: readonly ResourceClaimResourceV1[], node: Node, source: Claims): AllocationResult[] | undefined {
  const candidates = candidatesOn(node, source.slices());
  const given = findDevices(open.map((claim) => wishOf(claim, source)), candidates, inUse(source));
  return given?.map((devices, index) => resultOf(open[index] as ResourceClaimResourceV1, devices, node, source));
}

function inUse(source: Claims): Set<string> {
  const allocations = [...source.all().flatMap(({ status }) => status?.allocation ?? []), ...source.made.values()];
  return new Set(allocations.flatMap(({ devices }) => devices?.results ?? []).filter(({ adminAccess }) => adminAccess !== true).map(deviceId));
}

function wishOf({ spec }: ResourceClaimResourceV1, source: Claims): ClaimWish {
  return { requests: (spec.devices?.requests ?? []).map((request) => formsOf(request, source)), constraints: spec.devices?.constraints ?? [] };
}

function formsOf({ name, exactly, firstAvailable = [] }: DeviceRequest, source: Claims): Wanted[] {
  const forms = exactly === undefined ? firstAvailable.map((one) => ({ ...one, request: `${name}/${one.name}`, adminAccess: false })) : [{ ...exactly, request: name, adminAccess: exactly.adminAccess === true }];
  return forms.map(({ request, deviceClassName, selectors = [], tolerations = [], adminAccess, allocationMode, count = 1 }) => {
    const deviceClass = source.deviceClass(deviceClassName);
    if (deviceClass === undefined) throw new Error(`request ${request}: device class ${deviceClassName} does not exist`);
    return { request, selectors: [...deviceClass.spec.selectors ?? [], ...selectors], tolerations, adminAccess, count: allocationMode === 'All' ? 'all' : count };
  });
}

function resultOf({ spec }: ResourceClaimResourceV1, given: readonly Given[], node: Node, source: Claims): AllocationResult {
  const results = given.map(({ wanted: { request, adminAccess, tolerations }, candidate: { driver, pool, device } }) => ({ request, driver, pool, device: device.name, ...(adminAccess && { adminAccess }), ...(tolerations.length > 0 && { tolerations: [...tolerations] }) }));
  const config = [...classConfig(spec.devices?.requests ?? [], given, source), ...(spec.devices?.config ?? []).map((one) => ({ source: 'FromClaim' as const, ...one }))];
  const isLocal = given.some(({ candidate: { slice, device } }) => slice.spec.nodeName !== undefined || device.nodeName !== undefined);
  const selector = isLocal ? { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] }] } : given.map(({ candidate: { slice, device } }) => slice.spec.nodeSelector ?? device.nodeSelector).find((one) => one !== undefined);
  return { devices: { results, ...(config.length > 0 && { config }) }, ...(selector !== undefined && { nodeSelector: selector as NodeSelector }) };
}

function classConfig(requests: readonly DeviceRequest[], given: readonly Given[], source: Claims) {
  return requests.flatMap(({ name, exactly, firstAvailable = [] }) => {
    const request = given.find(({ wanted }) => wanted.request === name || wanted.request.startsWith(`${name}/`))?.wanted.request;
    const className = exactly?.deviceClassName ?? firstAvailable.find((one) => `${name}/${one.name}` === request)?.deviceClassName ?? '';
    return request === undefined ? [] : (source.deviceClass(className)?.spec.config ?? []).map((one) => ({ source: 'FromClass' as const, requests: [request], ...one }));
  });
}
