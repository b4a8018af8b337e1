// persistentVolumeClaimRetentionPolicy: claims outlive their pods, unless the set says otherwise; then they belong to the set (gone when it
// is deleted) or, once scaled away, to the pod (gone with it), and the garbage collector does the rest. Claims that someone else manages,
// or a set or pod of the same name that is gone, are left alone (upstream: stateful_set_utils.go).
import { copy, type KubeObject, type OwnerReference } from '../../api/meta.ts';
import type { PersistentVolumeClaim, StatefulSet } from '../../kinds/generated/api-types.ts';
import { controllerReference } from '../pod-state.ts';
import { isInRange, ordinalOf } from './pods.ts';

/** The owner as far as references go: a pod that is not made yet has no uid. */
type Owner = Pick<KubeObject, 'apiVersion' | 'kind'> & { metadata: { name: string; uid: string } };

/** The claim with the owners it should have; undefined when it has them, or is not ours to change. */
export function claimWithOwners(claim: PersistentVolumeClaim, set: StatefulSet, pod: KubeObject): PersistentVolumeClaim | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  if (isStale(references, set) || isStale(references, pod)) return undefined;
  const foreign = hasForeignController(references, set, pod);
  const ours = references.filter(({ uid }) => uid === set.metadata.uid || uid === pod.metadata.uid);
  const wanted = foreign ? [] : wantedOwners(set, pod);
  const same = ours.length === wanted.length && ours.every(({ uid, controller }) => (foreign || controller === true) && wanted.some(({ metadata }) => metadata.uid === uid));
  if (same) return undefined;
  const next = copy(claim);
  next.metadata.ownerReferences = [...references.filter((reference) => !names(reference, set) && !names(reference, pod)), ...wanted.map(controllerReference)];
  return next;
}

/** A new pod may not take over a claim that is about to go with its predecessor. */
export function isClaimStale(claim: PersistentVolumeClaim, set: StatefulSet, pod: Owner): boolean {
  return set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete' && isStale(claim.metadata.ownerReferences ?? [], pod);
}

function wantedOwners(set: StatefulSet, pod: KubeObject): KubeObject[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const scaledAway = !isInRange(set, ordinalOf(pod));
  if (whenScaled === 'Delete' && scaledAway) return [pod];
  return whenDeleted === 'Delete' ? [set] : [];
}

function hasForeignController(references: readonly OwnerReference[], set: StatefulSet, pod: Owner): boolean {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false;
  return references.some((reference) => reference.controller === true && !names(reference, set) && !names(reference, pod));
}

function isStale(references: readonly OwnerReference[], owner: Owner): boolean {
  const reference = references.find((each) => names(each, owner));
  return reference !== undefined && reference.uid !== owner.metadata.uid;
}

function names({ apiVersion, kind, name }: OwnerReference, owner: Owner): boolean {
  return apiVersion === owner.apiVersion && kind === owner.kind && name === owner.metadata.name;
}
