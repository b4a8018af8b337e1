// Garbage collector: deletes objects whose owners are all gone, and carries out foreground and orphan deletion.
//
//   owner gone ──► each dependent: another live owner? ─ yes ─► the dangling references are taken off
//                                                       └ no ──► deleted in the background
//   owner deleting, `foregroundDeletion` ──► dependents deleted first; when none blocks it any more the finalizer goes
//   owner deleting, `orphan`             ──► references taken off the dependents, then the finalizer goes
//
// References are resolved within the dependent's namespace. A reference to a kind nobody serves, or from a cluster-scoped object to a
// namespaced kind, is kept: deleting on a guess cannot be taken back. Owners are looked up by uid: a namesake is not the owner.
import { keyOf, parseApiVersion, type KubeObject, type OwnerReference } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { wake, type Plan, type Wake } from '../informer/loop.ts';
import { wakesOfAll, type ServedResources } from '../informer/served-resources.ts';
import type { Index, Views } from '../informer/view.ts';
import { controllerLoop, note, remove, type Action, type ControllerLoop } from './action.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

const BY_OWNER: Index<KubeObject> = { name: 'owner', values: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid) };

/** How an owner stands: 'invalid' (in a namespace, of what is in none) and 'unknown' (of a kind that nobody serves) are never a reason to delete. */
export type OwnerState = 'solid' | 'dangling' | 'waiting' | 'invalid' | 'unknown';

export interface Node {
  resource: Resource;
  object: KubeObject;
  owners: { reference: OwnerReference; state: OwnerState }[];
  /** Objects that name this one as an owner. */
  dependents: { resource: Resource; object: KubeObject; blocks: boolean }[];
}

export interface GarbageState {
  /** The object of the key, if it is still there. */
  self: Node | undefined;
  /** Dependents to look at because the owner is gone or is being deleted in the foreground. */
  dependents: Node[];
}

/** `resources`: everything that can be deleted, as of now. */
export function garbageCollectorLoop(resources: ServedResources): ControllerLoop<GarbageState> {
  return controllerLoop<GarbageState>({
    name: 'generic-garbage-collector',
    ...wakesOfAll(resources, (resource) => [wakeOf(resource, resources)]),
    observe: (key, views) => observe(key, views, resources()),
    plan,
  });
}

function wakeOf(resource: Resource, resources: () => readonly Resource[]): Wake {
  return wake(resource, (object, views, previous) => {
    const keys = (object.metadata.ownerReferences ?? []).flatMap((reference) => keyOfDeletingOwner(object, reference, views, resources()));
    if (concerns(resource, object, views, previous)) keys.push(nodeKey(resource, object));
    return keys;
  });
}

// Most changes are of no interest here: only what goes, is new with owners, or changed its owners is looked at.
function concerns(resource: Resource, object: KubeObject, views: Views, previous: KubeObject | undefined): boolean {
  const { metadata } = object;
  const shown = views.of(resource).get(metadata.namespace ?? '', metadata.name);
  if (shown?.metadata.uid !== metadata.uid || metadata.deletionTimestamp !== undefined) return true;
  if (metadata.ownerReferences === undefined) return false;
  return previous === undefined || JSON.stringify(previous.metadata.ownerReferences) !== JSON.stringify(metadata.ownerReferences);
}

function keyOfDeletingOwner(object: KubeObject, reference: OwnerReference, views: Views, resources: readonly Resource[]): string[] {
  const found = ownerOf(object, reference, views, resources);
  return found?.owner?.metadata.deletionTimestamp === undefined ? [] : [nodeKey(found.resource, found.owner)];
}

function nodeKey(resource: Resource, { metadata }: KubeObject): string {
  return `${resource.resource}.${resource.group}|${keyOf({ metadata })}|${metadata.uid}`;
}

function observe(key: string, views: Views, resources: readonly Resource[]): GarbageState | undefined {
  const [kind, path = '', uid = ''] = key.split('|');
  const resource = resources.find((each) => `${each.resource}.${each.group}` === kind);
  if (resource === undefined) return undefined;
  const slash = path.indexOf('/');
  const found = views.of(resource).get(slash < 0 ? '' : path.slice(0, slash), path.slice(slash + 1));
  const self = found?.metadata.uid === uid ? nodeOf(resource, found, views, resources) : undefined;
  const look = self === undefined || isDeletingDependents(self.object);
  const dependents = look ? dependentsOf(uid, views, resources).map((each) => nodeOf(each.resource, each.object, views, resources)) : [];
  return self === undefined && dependents.length === 0 ? undefined : { self, dependents };
}

function nodeOf(resource: Resource, object: KubeObject, views: Views, resources: readonly Resource[]): Node {
  const owners = (object.metadata.ownerReferences ?? []).map((reference) => ({ reference, state: stateOf(object, reference, views, resources) }));
  const needed = owners.length > 0 || object.metadata.deletionTimestamp !== undefined;
  return { resource, object, owners, dependents: needed ? dependentsOf(object.metadata.uid, views, resources) : [] };
}

function dependentsOf(uid: string, views: Views, resources: readonly Resource[]): Node['dependents'] {
  return resources.flatMap((resource) => views.of(resource).by(BY_OWNER, uid).map((object) => ({ resource, object, blocks: object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true) === true })));
}

function ownerOf(object: KubeObject, { apiVersion, kind, name, uid }: OwnerReference, views: Views, resources: readonly Resource[]): { resource: Resource; owner: KubeObject | undefined } | undefined {
  const { group } = parseApiVersion(apiVersion);
  const resource = resources.find((each) => each.kind === kind && each.group === group);
  const namespace = object.metadata.namespace ?? '';
  if (resource === undefined || (resource.namespaced && namespace === '')) return undefined;
  const owner = views.of(resource).get(resource.namespaced ? namespace : '', name);
  return { resource, owner: owner?.metadata.uid === uid ? owner : undefined };
}

function stateOf(object: KubeObject, reference: OwnerReference, views: Views, resources: readonly Resource[]): OwnerState {
  const found = ownerOf(object, reference, views, resources);
  if (found === undefined) return resources.some((each) => each.kind === reference.kind && each.group === parseApiVersion(reference.apiVersion).group) ? 'invalid' : 'unknown';
  if (found.owner === undefined) return 'dangling';
  return isDeletingDependents(found.owner) ? 'waiting' : 'solid';
}

function isDeletingDependents({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(FOREGROUND) === true;
}

export function plan({ self, dependents }: GarbageState): Plan<Action> {
  const actions = dependents.flatMap(collect);
  if (self === undefined) return { actions };
  const { metadata } = self.object;
  if (metadata.deletionTimestamp === undefined) return { actions: [...actions, ...collect(self)] };
  if (metadata.finalizers?.includes(ORPHAN) === true) return { actions: orphan(self) };
  if (isDeletingDependents(self.object) && !self.dependents.some(({ blocks }) => blocks)) actions.push(withoutFinalizer(self, FOREGROUND));
  return { actions };
}

/** What becomes of a live object whose owners stand as they do. */
function collect({ resource, object, owners, dependents }: Node): Action[] {
  if (object.metadata.deletionTimestamp !== undefined || owners.length === 0) return [];
  const inState = (state: OwnerState): OwnerReference[] => owners.filter((each) => each.state === state).map(({ reference }) => reference);
  const going = [...inState('dangling'), ...inState('waiting')];
  const invalid = inState('invalid').map((reference) => invalidNamespace(object, reference));
  if (going.length === 0) return invalid;
  if (going.length < owners.length) return [...invalid, withoutOwners(resource, object, going)];
  if (inState('waiting').length > 0 && dependents.length > 0) {
    // In a ring of owners each would wait for the next: this one stops blocking.
    const inRing = dependents.some((dependent) => isDeletingDependents(dependent.object));
    return [...(inRing ? [unblocked(resource, object)] : []), remove(resource, object, { propagationPolicy: 'Foreground' })];
  }
  const propagationPolicy = object.metadata.finalizers?.includes(ORPHAN) === true ? 'Orphan' : object.metadata.finalizers?.includes(FOREGROUND) === true ? 'Foreground' : 'Background';
  return [remove(resource, object, { propagationPolicy })];
}

function invalidNamespace(object: KubeObject, { apiVersion, kind, name, uid }: OwnerReference): Action {
  const message = `ownerRef [${apiVersion}/${kind}, namespace: ${object.metadata.namespace ?? ''}, name: ${name}, uid: ${uid}] does not exist in namespace "${object.metadata.namespace ?? ''}"`;
  return { type: 'event', note: note(object, 'Warning', 'OwnerRefInvalidNamespace', message) };
}

function orphan(self: Node): Action[] {
  const freed = self.dependents.map(({ resource, object }) => withoutOwners(resource, object, (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid === self.object.metadata.uid)));
  return [...(freed.length > 0 ? [{ type: 'batch', slowStart: false, actions: freed } as const] : []), withoutFinalizer(self, ORPHAN)];
}

function withoutOwners(resource: Resource, object: KubeObject, gone: readonly OwnerReference[]): Action {
  const uids = new Set(gone.map(({ uid }) => uid));
  return patchMetadata(resource, object, { ownerReferences: (object.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid)) });
}

function unblocked(resource: Resource, object: KubeObject): Action {
  return patchMetadata(resource, object, { ownerReferences: (object.metadata.ownerReferences ?? []).map((reference) => ({ ...reference, blockOwnerDeletion: false })) });
}

function withoutFinalizer({ resource, object }: Node, finalizer: string): Action {
  return patchMetadata(resource, object, { finalizers: (object.metadata.finalizers ?? []).filter((each) => each !== finalizer) });
}

// With the resourceVersion it was planned from: lists in a merge patch replace, and must not undo what someone else just wrote.
function patchMetadata(resource: Resource, object: KubeObject, metadata: object): Action {
  const { namespace = '', name, uid, resourceVersion } = object.metadata;
  return { type: 'patch', resource, key: { namespace, name }, patch: { type: 'merge', body: { metadata: { uid, resourceVersion, ...metadata } } } };
}
