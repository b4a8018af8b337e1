// Update: read the newest state, let the caller change it, prepare, validate, and write unless nothing changed. Started anew when another
// write came between, unless the caller asked for one particular state. An update that takes the last finalizer away removes the object.
import { conflict, isReason, notFound } from '../base/errors.ts';
import { invalid, invalidObject } from '../api/field-error.ts';
import { sameJson } from '../api/json-equality.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectKey, Unstructured } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';
import { createObject } from './creation.ts';
import { durabilityOf } from './durability.ts';
import type { Engine } from './engine.ts';
import { withHeld } from './hooks.ts';
import { dropDoubleOwners } from './owner-references.ts';
import { placeOf } from './place.ts';
import { applyAllDefaults, applyDefaultsAgain, prepareForUpdate, setType, validateForUpdate } from './preparation.ts';
import type { Registry, WriteContext } from './registry.ts';
import { reuse } from './reuse.ts';
import { thaw } from './thaw.ts';

type Result = Awaited<ReturnType<Registry['update']>>;
type Change = Parameters<Registry['update']>[2];

/** Lost races before giving up: upstream goes on for as long as the request lives. */
const ATTEMPTS = 50;

export async function updateObject(engine: Engine, kind: Kind, update: { key: ObjectKey; change: Change; context: WriteContext; mayCreate: boolean; isPatch: boolean }): Promise<Result> {
  const { key, change, context, mayCreate, isPatch } = update;
  const { resource, decode, ready } = placeOf(kind);
  for (let attempt = 1; ; attempt++) {
    const stored = engine.store.newest(resource, key);
    try {
      if (stored === undefined) {
        if (!mayCreate && !(kind.rules.allowCreateOnUpdate === true && context.subresource === '')) throw notFound(kind, key.name);
        return { object: await createByUpdate(engine, kind, { key, change, context }), created: true };
      }
      await ready([stored]);
      const old = decode(stored);
      const draft = thaw(await change(old));
      checkPreconditions(kind, draft, { old, isPatch });
      return { object: await updateOnce(engine, kind, { draft, old, context, isPatch }), created: false };
    } catch (error) {
      // Only a lost race is tried again: the state has moved on from what this attempt read.
      const lost = isReason(error, 'Conflict') ? engine.store.newest(resource, key) !== stored : stored === undefined && isReason(error, 'AlreadyExists');
      if (!lost || attempt === ATTEMPTS || isStale(error)) throw error;
    }
  }
}

const stale = new WeakSet<object>();

function isStale(error: unknown): boolean {
  return typeof error === 'object' && error !== null && stale.has(error);
}

async function createByUpdate(engine: Engine, kind: Kind, { key, change, context }: { key: ObjectKey; change: Change; context: WriteContext }): Promise<KubeObject> {
  const draft = thaw(await change(undefined));
  if (draft.metadata.uid || draft.metadata.resourceVersion) {
    // It was there once, as the caller saw it.
    if (draft.metadata.uid) throw remember(conflict(kind, key.name, storageError(kind, key, { wanted: draft.metadata.uid, found: '' })));
    draft.metadata.resourceVersion = '';
  }
  return createObject(engine, kind, draft, context);
}

/** The uid of a whole object is a precondition; in a patch it is a change, and not allowed. */
function checkPreconditions(kind: Kind, draft: KubeObject, { old: { metadata: old }, isPatch }: { old: KubeObject; isPatch: boolean }): void {
  const { metadata } = draft;
  if (metadata.uid && metadata.uid !== old.uid && !isPatch) {
    const { namespace = '', name } = old;
    throw remember(conflict(kind, name, storageError(kind, { namespace, name }, { wanted: metadata.uid, found: old.uid })));
  }
  if (!metadata.resourceVersion || metadata.resourceVersion === '0') {
    if (kind.rules.allowUnconditionalUpdate === false) throw invalidObject({ group: kind.group, kind: kind.resource }, old.name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
    metadata.resourceVersion = old.resourceVersion;
  }
  if (metadata.resourceVersion !== old.resourceVersion) throw remember(conflict(kind, old.name));
}

/** Where upstream keeps kinds that are not under their resource's name. */
const KEPT: Readonly<Record<string, string>> = { '/replicationcontrollers': 'controllers', '/endpoints': 'services/endpoints', '/nodes': 'minions', '/services': 'services/specs', 'networking.k8s.io/ingresses': 'ingress' };

/** In the words of upstream's store, with its key. */
function storageError({ group, resource, custom }: Kind, { namespace, name }: ObjectKey, uid: { wanted: string; found: string }): string {
  const place = custom !== undefined || group === 'apiregistration.k8s.io' || group === 'apiextensions.k8s.io' ? `${group}/${resource}` : (KEPT[`${group}/${resource}`] ?? resource);
  const key = ['/registry', place, ...(namespace === '' ? [] : [namespace]), name].join('/');
  return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid.wanted}, UID in object meta: ${uid.found}`;
}

function remember<T extends object>(error: T): T {
  stale.add(error);
  return error;
}

async function updateOnce(engine: Engine, kind: Kind, update: { draft: KubeObject; old: KubeObject; context: WriteContext; isPatch: boolean }): Promise<KubeObject> {
  const { old, context } = update;
  const forgetsOwners = update.draft.metadata.managedFields?.length === 0;
  applyAllDefaults(engine, kind, update.draft);
  if (forgetsOwners) update.draft.metadata.managedFields = []; // defaults drop what is empty
  setType(kind, update.draft);
  if (!update.isPatch) dropDoubleOwners(update.draft, { warn: context.warn, changed: false });
  context.track?.(update.draft, old);
  if (context.mutate !== undefined) {
    await context.mutate(update.draft, old);
    applyDefaultsAgain(engine, kind, update.draft);
    dropDoubleOwners(update.draft, { warn: context.warn, changed: true });
  }
  const draft = prepareForUpdate(engine, kind, update);
  return withHeld(engine.hookOf(kind)?.before(draft, old), context.dryRun, async () => {
    validateForUpdate(engine, kind, { draft, old, context });
    const next = reuse(old, unchangedButTimes(old, draft) ? withFieldsOf(old, draft) : draft);
    await context.validate?.(next, old);
    return store(engine, kind, { next, old, context });
  });
}

async function store(engine: Engine, kind: Kind, { next, old, context }: { next: KubeObject; old: KubeObject; context: WriteContext }): Promise<KubeObject> {
  const { resource, encode, decode, ready } = placeOf(kind);
  const { namespace = '', name, resourceVersion } = old.metadata;
  if (isFinished(kind, next, old)) {
    if (!context.dryRun) {
      await engine.store.delete(resource, { namespace, name }, resourceVersion, durabilityOf(kind, undefined, old));
      engine.hookOf(kind)?.deleted(old);
    }
    return next;
  }
  if (context.dryRun) return next;
  if (next === old) {
    await engine.store.settled(resource, { namespace, name }); // what was read may still be on its way to the disk
    return old;
  }
  const updated = await engine.store.update(resource, await encode(next), resourceVersion, durabilityOf(kind, next, old));
  await ready([updated]);
  return decode(updated);
}

/** Deletion was asked for, grace has passed, and the last finalizer is gone with this update. */
function isFinished(kind: Kind, next: KubeObject, { metadata: old }: KubeObject): boolean {
  if (old.deletionTimestamp === undefined || (next.metadata.finalizers?.length ?? 0) > 0) return false;
  if (kind.group === '' && kind.kind === 'Namespace' && ((next as Unstructured & { spec?: { finalizers?: string[] } }).spec?.finalizers?.length ?? 0) > 0) return false;
  return (old.deletionGracePeriodSeconds ?? 0) === 0;
}

function unchangedButTimes(old: KubeObject, draft: KubeObject): boolean {
  return sameJson(withoutTimes(old.metadata.managedFields), withoutTimes(draft.metadata.managedFields)) && sameJson(old, withFieldsOf(old, draft));
}

function withFieldsOf(old: KubeObject, draft: KubeObject): KubeObject {
  const { managedFields } = old.metadata;
  const { managedFields: _own, ...metadata } = draft.metadata;
  return { ...draft, metadata: { ...metadata, ...(managedFields !== undefined && { managedFields }) } };
}

function withoutTimes(fields: ManagedFieldsEntry[] | undefined): unknown {
  return fields?.map(({ time: _time, ...entry }) => entry);
}
