// ResourceClaims of pods: made from templates, released when their pods have ended, freed when nobody has them reserved, deleted with the pod they were
// made for (upstream: pkg/controller/resourceclaim). Left out: extended resources that are backed by device classes, claims of pod groups.
import { copy, keyOf, objectKey, parseKey, type Draft } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Index } from '../informer/view.ts';
import type { Pod, ResourceClaimResourceV1, ResourceClaimTemplate } from '../kinds/generated/api-types.ts';
import { PODS, RESOURCECLAIMS, RESOURCECLAIMTEMPLATES } from '../kinds/generated/resources.ts';
import { podClaims } from '../kinds/core/pod-claims.ts';
import { controllerLoop, create, note, remove, update, updateStatus, type Action, type ControllerLoop } from './action.ts';
import { controllerReference } from './pod-state.ts';

const POD_CLAIM = 'resource.kubernetes.io/pod-claim-name';
const FINALIZER = 'resource.kubernetes.io/delete-protection';
const USER = { name: 'resource-claim-controller' };

type Claim = ResourceClaimResourceV1;

const BY_OWNER: Index<Claim> = { name: 'claimOwner', values: ({ metadata }) => (metadata.ownerReferences ?? []).filter(({ kind, controller }) => kind === 'Pod' && controller === true).map(({ uid }) => uid) };

export interface PodClaimsState {
  pod: Pod;
  /** Claims that were made for the pod. */
  owned: readonly Claim[];
  template(name: string): ResourceClaimTemplate | undefined;
}

/** Makes what pods ask for by templates. */
export function podResourceClaimsLoop(): ControllerLoop<PodClaimsState> {
  return controllerLoop<PodClaimsState>({
    ...USER,
    wakes: [
      wake(PODS, (pod) => (needsClaims(pod) ? [keyOf(pod)] : [])),
      wake(RESOURCECLAIMS, ({ metadata }) => (metadata.ownerReferences ?? []).filter(({ kind, controller }) => kind === 'Pod' && controller === true).map(({ name }) => `${metadata.namespace ?? ''}/${name}`)),
      wake(RESOURCECLAIMTEMPLATES, ({ metadata }, views) => views.of(PODS).list().filter((pod) => pod.metadata.namespace === metadata.namespace && needsClaims(pod)).map(keyOf)),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const pod = views.of(PODS).get(namespace, name);
      return pod === undefined || !needsClaims(pod) ? undefined : { pod, owned: views.of(RESOURCECLAIMS).by(BY_OWNER, pod.metadata.uid), template: (template) => views.of(RESOURCECLAIMTEMPLATES).get(namespace, template) };
    },
    plan: planPod,
  });
}

export function planPod({ pod, owned, template }: PodClaimsState): Plan<Action> {
  if (isDone(pod)) return { actions: [] };
  const statuses = [...(pod.status?.resourceClaimStatuses ?? [])];
  const creates: Action[] = [];
  for (const { name, resourceClaimTemplateName = '' } of missing(pod)) {
    const made = owned.find(({ metadata }) => metadata.annotations?.[POD_CLAIM] === name);
    if (made !== undefined) {
      statuses.push({ name, resourceClaimName: made.metadata.name });
      continue;
    }
    const of = template(resourceClaimTemplateName);
    const failed = (why: string) => note(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${name}: ${why}`);
    if (of === undefined) creates.push({ type: 'event', note: failed(`resource claim template "${resourceClaimTemplateName}": resourceclaimtemplate.resource.k8s.io "${resourceClaimTemplateName}" not found`) });
    else creates.push(create(RESOURCECLAIMS, claimOf(pod, name, of), { failed: failed('$error') }));
  }
  const known = pod.status?.resourceClaimStatuses?.length ?? 0;
  if (statuses.length === known) return { actions: creates };
  const body = { metadata: { uid: pod.metadata.uid }, status: { resourceClaimStatuses: statuses } };
  return { actions: [...creates, { type: 'patch', resource: PODS, key: objectKey(pod), patch: { type: 'strategic', body }, subresource: 'status' }] };
}

function claimOf(pod: Pod, name: string, { spec: { metadata, spec } }: ResourceClaimTemplate): Draft<Claim> {
  return {
    apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', spec,
    metadata: {
      generateName: `${pod.metadata.name}-${name}-`, namespace: pod.metadata.namespace ?? '', ownerReferences: [controllerReference(pod)], annotations: { ...metadata?.annotations, [POD_CLAIM]: name },
      ...(metadata?.labels !== undefined && { labels: { ...metadata.labels } }),
    },
  };
}

export interface ClaimState {
  claim: Claim;
  /** Pods it is reserved for, and the one it was made for, by uid, as far as they are there. */
  pods: ReadonlyMap<string, Pod>;
}

/** Takes claims back from pods that have ended. */
export function resourceClaimReleaseLoop(): ControllerLoop<ClaimState> {
  return controllerLoop<ClaimState>({
    ...USER,
    wakes: [
      wake(RESOURCECLAIMS, (claim) => ((claim.status?.reservedFor ?? []).length > 0 || isHeld(claim) ? [keyOf(claim)] : [])),
      wake(PODS, (pod, views, previous) => {
        const gone = views.of(PODS).get(pod.metadata.namespace ?? '', pod.metadata.name)?.metadata.uid !== pod.metadata.uid;
        return gone || (isDone(pod) && previous !== undefined) ? podClaims(pod).flatMap(({ claim }) => (claim === undefined ? [] : [`${pod.metadata.namespace ?? ''}/${claim}`])) : [];
      }),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const claim = views.of(RESOURCECLAIMS).get(namespace, name);
      if (claim === undefined) return undefined;
      const names = [...(claim.status?.reservedFor ?? []), ...(claim.metadata.ownerReferences ?? []).filter(({ kind }) => kind === 'Pod')];
      const pods = names.flatMap((one) => views.of(PODS).get(namespace, one.name) ?? []);
      return { claim, pods: new Map(pods.map((pod) => [pod.metadata.uid, pod])) };
    },
    plan: planClaim,
  });
}

export function planClaim({ claim, pods }: ClaimState): Plan<Action> {
  const isLive = (uid: string): boolean => pods.has(uid) && !isDone(pods.get(uid) as Pod);
  const reserved = claim.status?.reservedFor ?? [];
  const valid = reserved.filter(({ resource, uid }) => resource !== 'pods' || isLive(uid));
  const owner = claim.metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Pod' && controller === true);
  const actions: Action[] = [];
  if (valid.length < reserved.length || (valid.length === 0 && isHeld(claim))) actions.push(...release(claim, valid));
  if (valid.length === 0 && owner !== undefined && pods.has(owner.uid) && !isLive(owner.uid) && claim.metadata.deletionTimestamp === undefined) actions.push(remove(RESOURCECLAIMS, claim));
  return { actions };
}

/** With nobody left who has it reserved, its devices are free again, and it may be deleted. */
function release(claim: Claim, valid: NonNullable<NonNullable<Claim['status']>['reservedFor']>): Action[] {
  if (valid.length > 0) return [updateStatus(RESOURCECLAIMS, { ...copy(claim), status: { ...claim.status, reservedFor: [...valid] } })];
  const { reservedFor: _reserved, allocation: _allocation, ...rest } = claim.status ?? {};
  const freed: Claim = { ...copy(claim), status: rest };
  const { resourceVersion: _version, ...metadata } = freed.metadata;
  const bare = { ...freed, metadata: { ...metadata, finalizers: (metadata.finalizers ?? []).filter((name) => name !== FINALIZER) } } as Claim;
  return [updateStatus(RESOURCECLAIMS, freed), update(RESOURCECLAIMS, bare, { tolerate: ['NotFound'] })];
}

/** Allocated by the scheduler. */
function isHeld({ metadata, status }: Claim): boolean {
  return status?.allocation !== undefined && metadata.finalizers?.includes(FINALIZER) === true && (status.reservedFor ?? []).length === 0;
}

function missing({ spec, status }: Pod): NonNullable<Pod['spec']['resourceClaims']> {
  return (spec.resourceClaims ?? []).filter(({ name, resourceClaimTemplateName }) => resourceClaimTemplateName !== undefined && status?.resourceClaimStatuses?.some((one) => one.name === name) !== true);
}

function needsClaims(pod: Pod): boolean {
  return missing(pod).length > 0;
}

function isDone({ metadata, spec, status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' || (metadata.deletionTimestamp !== undefined && (spec.nodeName ?? '') === '');
}
