// Which devices of a node satisfy the requests of claims together: a search that goes back where a choice leads nowhere (upstream:
// dynamic-resource-allocation/structured). Devices are tried in the order of their slices. Left out, so that such devices are not given to anyone: counters
// that devices share. A device that may be given to several is given to one.
import type { Device, DeviceConstraint, DeviceSelector, DeviceToleration, Node, ResourceSlice } from '../kinds/generated/api-types.ts';
import { matchesNodeSelector, tolerates } from '../kinds/node-selection.ts';
import { deviceMatches } from './device-selectors.ts';

export interface Candidate {
  driver: string;
  pool: string;
  device: Device;
  slice: ResourceSlice;
}

/** One device that is wanted; `alternatives`: of a prioritized list, tried in order as a whole. */
export interface Wanted {
  /** `request` or `request/subrequest`. */
  request: string;
  selectors: readonly DeviceSelector[];
  tolerations: readonly DeviceToleration[];
  adminAccess: boolean;
  /** 'all': every device that matches. */
  count: number | 'all';
}

export interface ClaimWish {
  /** Of each request, the forms it may take, the first preferred. */
  requests: readonly (readonly Wanted[])[];
  constraints: readonly DeviceConstraint[];
}

export interface Given {
  wanted: Wanted;
  candidate: Candidate;
}

/** How many choices are looked at before a node counts as having none. */
const STEPS_MAX = 20_000;

/** Of complete pools, in their newest generation, what is within the node's reach. */
export function candidatesOn(node: Node, slices: readonly ResourceSlice[]): Candidate[] {
  const pools = Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`);
  return [...pools.values()].flatMap((all) => {
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    const current = all.filter(({ spec }) => spec.pool.generation === newest);
    if (current.length !== current[0]?.spec.pool.resourceSliceCount) return [];
    return current.flatMap((slice) => (slice.spec.devices ?? []).filter((device) => reaches(node, slice, device) && (device.consumesCounters ?? []).length === 0).map((device) => ({ driver: slice.spec.driver, pool: slice.spec.pool.name, device, slice })));
  });
}

function reaches(node: Node, { spec }: ResourceSlice, device: Device): boolean {
  const { nodeName, nodeSelector, allNodes } = spec.perDeviceNodeSelection === true ? device : spec;
  return allNodes === true || nodeName === node.metadata.name || (nodeSelector !== undefined && matchesNodeSelector(nodeSelector, node));
}

export function deviceId({ driver, pool, device }: { driver: string; pool: string; device: string }): string {
  return `${driver}/${pool}/${device}`;
}

/** For each claim what it gets; undefined: they cannot all be satisfied. */
export function findDevices(claims: readonly ClaimWish[], candidates: readonly Candidate[], inUse: ReadonlySet<string>): Given[][] | undefined {
  const used = new Set(inUse);
  const given: Given[][] = claims.map(() => []);
  let steps = 0;

  function solve(claim: number, request: number): boolean {
    const wish = claims[claim];
    if (wish === undefined) return true;
    const forms = wish.requests[request];
    if (forms === undefined) return solve(claim + 1, 0);
    return forms.some((wanted) => {
      const fitting = candidates.filter((candidate) => fits(wanted, candidate));
      const count = wanted.count === 'all' ? fitting.length : wanted.count;
      // All of them, and at least one, must be free.
      if (wanted.count === 'all' && (count === 0 || (!wanted.adminAccess && fitting.some((candidate) => used.has(idOf(candidate)))))) return false;
      return take({ claim, request, wanted, fitting, from: 0, left: count });
    });
  }

  function take(at: { claim: number; request: number; wanted: Wanted; fitting: readonly Candidate[]; from: number; left: number }): boolean {
    const { claim, request, wanted, fitting, from, left } = at;
    if (left === 0) return solve(claim, request + 1);
    const own = given[claim] ?? [];
    for (let index = from; index < fitting.length && steps++ < STEPS_MAX; index++) {
      const candidate = fitting[index] as Candidate;
      const id = idOf(candidate);
      if (!wanted.adminAccess && used.has(id)) continue;
      own.push({ wanted, candidate });
      if (!wanted.adminAccess) used.add(id);
      if (claims[claim]?.constraints.every((constraint) => holds(constraint, own)) === true && take({ ...at, from: index + 1, left: left - 1 })) return true;
      own.pop();
      if (!wanted.adminAccess) used.delete(id);
    }
    return false;
  }

  return solve(0, 0) ? given : undefined;
}

function idOf({ driver, pool, device }: Candidate): string {
  return deviceId({ driver, pool, device: device.name });
}

function fits({ selectors, tolerations }: Wanted, { driver, device }: Candidate): boolean {
  const repelled = (device.taints ?? []).some((taint) => ['NoSchedule', 'NoExecute'].includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration as never, taint as never)));
  return !repelled && selectors.every(({ cel }) => cel === undefined || deviceMatches(cel.expression, driver, device));
}

function holds({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, given: readonly Given[]): boolean {
  const name = matchAttribute ?? distinctAttribute;
  if (name === undefined) return true;
  const concerned = given.filter(({ wanted: { request } }) => requests.length === 0 || requests.includes(request) || requests.includes(request.split('/')[0] ?? ''));
  const values = concerned.map(({ candidate }) => attributeOf(candidate, name));
  if (values.includes(undefined)) return false;
  return matchAttribute !== undefined ? new Set(values).size <= 1 : new Set(values).size === values.length;
}

/** As text, with its type; undefined: the device has no such attribute. */
function attributeOf({ driver, device }: Candidate, name: string): string | undefined {
  const { attributes = {} } = device;
  const value = attributes[name] ?? (name.startsWith(`${driver}/`) ? attributes[name.slice(driver.length + 1)] : undefined);
  return value === undefined ? undefined : JSON.stringify(value);
}
