// ServiceCIDRs say that they are ready, and are not gone before the last cluster address that only they hold (upstream: controller/servicecidrs,
// its words).
import { formatTime } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Views } from '../informer/view.ts';
import type { ServiceCIDR } from '../kinds/generated/api-types.ts';
import { IPADDRESSES, SERVICECIDRS } from '../kinds/generated/resources.ts';
import { isAllocated } from '../kinds/networking/cluster-address.ts';
import { isStrictSubset, networkGives } from '../kinds/networking/ip-address.ts';
import { controllerLoop, type Action, type ControllerLoop } from './action.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
const MANAGER = 'service-cidr-controller';
/** From the deletion on, so that no Service that was given an address meanwhile is overlooked. */
const GRACE_MS = 10_000;

export interface ServiceCidrState {
  serviceCidr: ServiceCIDR;
  /** It is to go, and addresses would be left without a network. */
  isNeeded: boolean;
}

interface Ready {
  status: string;
  reason: string;
  message: string;
}

const READY: Ready = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const STAYS: Ready = { status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR' };

export function serviceCidrLoop(): ControllerLoop<ServiceCidrState> {
  return controllerLoop<ServiceCidrState>({
    name: 'service-cidrs-controller',
    wakes: [
      wake(SERVICECIDRS, ({ metadata }, views) => [...new Set([metadata.name, ...goingIn(views)])]),
      wake(IPADDRESSES, (address, views) => (isAllocated(address) ? goingIn(views) : [])),
    ],
    observe(name, views) {
      const serviceCidr = views.of(SERVICECIDRS).get('', name);
      return serviceCidr === undefined ? undefined : { serviceCidr, isNeeded: isGoing(serviceCidr) && isNeeded(serviceCidr, views) };
    },
    plan,
  });
}

export function plan({ serviceCidr, isNeeded: mustStay }: ServiceCidrState, now: number): Plan<Action> {
  const { deletionTimestamp, finalizers = [] } = serviceCidr.metadata;
  const isHeld = finalizers.includes(FINALIZER);
  if (deletionTimestamp === undefined) return { actions: [...(isHeld ? [] : [finalizersPatch(serviceCidr, { finalizers: [FINALIZER] })]), ...told(serviceCidr, READY, now)] };
  if (mustStay) return { actions: told(serviceCidr, STAYS, now) };
  const againInMs = Date.parse(deletionTimestamp) + GRACE_MS - now;
  if (againInMs > 0) return { actions: [], againInMs };
  return { actions: isHeld ? [finalizersPatch(serviceCidr, { '$deleteFromPrimitiveList/finalizers': [FINALIZER] })] : [] };
}

function finalizersPatch(serviceCidr: ServiceCIDR, metadata: object): Action {
  return { type: 'patch', resource: SERVICECIDRS as unknown as Resource, key: { namespace: '', name: serviceCidr.metadata.name }, patch: { type: 'strategic', body: { metadata } } };
}

function told({ metadata: { name }, status }: ServiceCIDR, ready: Ready, now: number): Action[] {
  const known = status?.conditions?.find(({ type }) => type === 'Ready');
  if (known !== undefined && known.status === ready.status && (known.reason ?? '') === ready.reason && known.message === ready.message) return [];
  const condition = { type: 'Ready', ...ready, lastTransitionTime: formatTime(now) };
  const body = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, status: { conditions: [condition] } };
  return [{ type: 'patch', resource: SERVICECIDRS as unknown as Resource, key: { namespace: '', name }, patch: { type: 'apply', body }, subresource: 'status', options: { fieldManager: MANAGER, force: true } }];
}

/** Addresses are in no other network, and it is not itself within others. */
function isNeeded({ metadata: { name }, spec }: ServiceCIDR, views: Views): boolean {
  const cidrs = spec.cidrs ?? [];
  const others = views.of(SERVICECIDRS).list().filter((other) => other.metadata.name !== name).flatMap((other) => other.spec.cidrs ?? []);
  if (cidrs.every((cidr) => others.some((other) => other === cidr || isStrictSubset(other, cidr)))) return false;
  const isOnlyHere = (ip: string): boolean => cidrs.some((cidr) => networkGives(cidr, ip)) && !others.some((other) => networkGives(other, ip));
  return views.of(IPADDRESSES).list().some((address) => isAllocated(address) && isOnlyHere(address.metadata.name));
}

function goingIn(views: Views): string[] {
  return views.of(SERVICECIDRS).list().filter(isGoing).map(({ metadata }) => metadata.name);
}

function isGoing({ metadata }: ServiceCIDR): boolean {
  return metadata.deletionTimestamp !== undefined;
}
