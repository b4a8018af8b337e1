// Which objects belong to an owner: those it controls and still selects, and orphans it selects, which it adopts. What it controls but
// no longer selects is released. An owner or object that is being deleted takes part in neither.
import { selectorOf } from '../api/selectors.ts';
import { controllerOf, objectKey, type KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import type { LabelSelector } from '../kinds/generated/api-types.ts';
import type { Action } from './action.ts';
import { controllerReference } from './pod-state.ts';

export interface Claim<T> {
  /** Those that belong to it, the newly adopted included. */
  owned: T[];
  /** Adoptions and releases. */
  actions: Action[];
}

export function claim<T extends KubeObject>(owner: KubeObject, selector: LabelSelector | undefined, candidates: readonly T[], resource: Resource<T>, finalizers: string[] = []): Claim<T> {
  const selects = selectorOf(selector);
  const result: Claim<T> = { owned: [], actions: [] };
  const ownerGoes = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = selects.matches(object.metadata.labels);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches) result.owned.push(object);
      else if (!ownerGoes) result.actions.push(release(resource, object, owner, finalizers));
      continue;
    }
    if (ownerGoes || !matches || object.metadata.deletionTimestamp !== undefined) continue;
    result.owned.push(object);
    result.actions.push(adopt(resource, object, owner, finalizers));
  }
  return result;
}

function adopt(resource: Resource, object: KubeObject, owner: KubeObject, finalizers: string[]): Action {
  const metadata = { uid: object.metadata.uid, ownerReferences: [controllerReference(owner)], ...(finalizers.length > 0 && { finalizers }) };
  return { type: 'patch', resource, key: key(object), patch: { type: 'strategic', body: { metadata } } };
}

function release(resource: Resource, object: KubeObject, owner: KubeObject, finalizers: string[]): Action {
  const metadata = {
    uid: object.metadata.uid,
    ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
    ...(finalizers.length > 0 && { '$deleteFromPrimitiveList/finalizers': finalizers }),
  };
  // Invalid: the uid differs, so this is another object by now.
  return { type: 'patch', resource, key: key(object), patch: { type: 'strategic', body: { metadata } }, tolerate: ['NotFound', 'Invalid'] };
}

function key(object: KubeObject): { namespace: string; name: string } {
  return objectKey(object);
}
