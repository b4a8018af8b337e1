// Storage that is in use outlives its deletion: a finalizer (put on at creation by admission, StorageObjectInUseProtection) goes when a claim has no
// pod left on a node, a volume is bound no more, an attributes class is named by none.
import { parseKey, type KubeObject } from '../../api/meta.ts';
import type { Resource } from '../../api/request.ts';
import { wake, type Plan, type Wake } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { Pod } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, VOLUMEATTRIBUTESCLASSES } from '../../kinds/generated/resources.ts';
import { controllerLoop, update, type Action, type ControllerLoop } from '../action.ts';
import { BY_CLAIM, claimKey, claimsOf } from './claim-use.ts';

export interface ProtectionState {
  object: KubeObject;
  inUse: boolean;
}

interface Protection {
  name: string;
  resource: Resource;
  finalizer: string;
  inUse(object: KubeObject, views: Views): boolean;
  /** Those whose change may end a use. */
  users: Wake[];
}

export function storageProtectionLoops(): ControllerLoop<ProtectionState>[] {
  return PROTECTIONS.map((protection) => controllerLoop<ProtectionState>({
    name: protection.name,
    wakes: [wake(protection.resource, (object) => (needsCare(object, protection.finalizer) ? [claimKey(object)] : [])), ...protection.users],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const object = views.of(protection.resource).get(namespace, name);
      return object === undefined ? undefined : { object, inUse: protection.inUse(object, views) };
    },
    plan: (state) => plan(state, protection),
  }));
}

export function plan({ object, inUse }: ProtectionState, { resource, finalizer }: Pick<Protection, 'resource' | 'finalizer'>): Plan<Action> {
  if (!needsCare(object, finalizer)) return { actions: [] };
  const { finalizers = [], deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined && inUse) return { actions: [] };
  const wanted = deletionTimestamp === undefined ? [...finalizers, finalizer] : finalizers.filter((each) => each !== finalizer);
  return { actions: [update(resource, { ...object, metadata: { ...object.metadata, finalizers: wanted } })] };
}

function needsCare({ metadata }: KubeObject, finalizer: string): boolean {
  return (metadata.deletionTimestamp === undefined) !== (metadata.finalizers?.includes(finalizer) === true);
}

/** A pod uses its claims from when it is on a node until it has gone, whether it has ended or not; one that is only kept by finalizers lets go of those made for it. */
function holds({ metadata, spec }: Pod, claim: string): boolean {
  if ((spec.nodeName ?? '') === '') return false;
  const isShutDown = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
  return !isShutDown || spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim) === true;
}

function terminating(key: string, views: Views): boolean {
  const { namespace, name } = parseKey(key);
  return views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name)?.metadata.deletionTimestamp !== undefined;
}

function classesThatGo(views: Views): string[] {
  return views.of(VOLUMEATTRIBUTESCLASSES).list().filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(claimKey);
}

const PROTECTIONS: readonly Protection[] = [
  {
    name: 'pvc-protection-controller', resource: PERSISTENTVOLUMECLAIMS as unknown as Resource, finalizer: 'kubernetes.io/pvc-protection',
    inUse: (claim, views) => views.of(PODS).by(BY_CLAIM, claimKey(claim)).some((pod) => holds(pod, claim.metadata.name)),
    users: [wake(PODS, (pod, views) => claimsOf(pod).filter((key) => terminating(key, views)))],
  },
  {
    name: 'pv-protection-controller', resource: PERSISTENTVOLUMES as unknown as Resource, finalizer: 'kubernetes.io/pv-protection',
    inUse: (volume) => (volume as { status?: { phase?: string } }).status?.phase === 'Bound',
    users: [],
  },
  {
    name: 'volumeattributesclass-protection-controller', resource: VOLUMEATTRIBUTESCLASSES as unknown as Resource, finalizer: 'kubernetes.io/vac-protection',
    inUse: ({ metadata: { name } }, views) =>
      views.of(PERSISTENTVOLUMECLAIMS).list().some(({ spec, status }) => spec.volumeAttributesClassName === name || status?.currentVolumeAttributesClassName === name || status?.modifyVolumeStatus?.targetVolumeAttributesClassName === name)
      || views.of(PERSISTENTVOLUMES).list().some(({ spec }) => spec.volumeAttributesClassName === name),
    users: [wake(PERSISTENTVOLUMECLAIMS, (_claim, views) => classesThatGo(views)), wake(PERSISTENTVOLUMES, (_volume, views) => classesThatGo(views))],
  },
];
