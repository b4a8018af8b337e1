// Which ResourceClaims a pod uses: those it names, and those that were made for it from templates, as its status says.
import type { ObjectKey } from '../../api/meta.ts';
import type { Pod, ResourceClaimResourceV1 } from '../generated/api-types.ts';

export interface PodClaim {
  /** As the pod's containers name it. */
  name: string;
  /** Undefined: it is to be made, and is not yet. */
  claim: string | undefined;
  /** Made for this pod alone. */
  ownClaim: boolean;
}

/** Of templates that turned out to need no claim, none is given. */
export function podClaims({ spec, status }: Pod): PodClaim[] {
  return (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName, resourceClaimTemplateName }): PodClaim[] => {
    if (resourceClaimName !== undefined) return [{ name, claim: resourceClaimName, ownClaim: false }];
    const made = status?.resourceClaimStatuses?.find((one) => one.name === name);
    if (made !== undefined) return made.resourceClaimName === undefined ? [] : [{ name, claim: made.resourceClaimName, ownClaim: true }];
    return resourceClaimTemplateName === undefined ? [] : [{ name, claim: undefined, ownClaim: true }];
  });
}

export function claimKey({ metadata }: Pod, name: string): ObjectKey {
  return { namespace: metadata.namespace ?? '', name };
}

export function isReservedFor(claim: ResourceClaimResourceV1, pod: Pod): boolean {
  return claim.status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) === true;
}

/** In upstream's words, why the claim is not this pod's; undefined when it is. */
export function foreignClaim(claim: ResourceClaimResourceV1, { metadata }: Pod): string | undefined {
  if (claim.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === metadata.uid) === true) return undefined;
  return `ResourceClaim ${claim.metadata.namespace ?? ''}/${claim.metadata.name} was not created for Pod ${metadata.namespace ?? ''}/${metadata.name} (Pod is not owner)`;
}
