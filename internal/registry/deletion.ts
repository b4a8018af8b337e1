// Delete: at once, or first marked with a deletionTimestamp while grace, finalizers or a namespace's contents hold the object. What the
// marks mean is done by others: the kubelet ends pods, the garbage collector follows owners, the namespace loop empties namespaces.
import { conflict, isReason, notFound } from '../base/errors.ts';
import { invalid, invalidObject, notSupported, type FieldError } from '../api/field-error.ts';
import { copy, formatTime, type KubeObject, type ObjectKey, type ObjectMeta } from '../api/meta.ts';
import type { DeleteOptions } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import { durabilityOf } from './durability.ts';
import type { Engine } from './engine.ts';
import { placeOf } from './place.ts';
import type { Registry, WriteContext } from './registry.ts';

type Result = Awaited<ReturnType<Registry['delete']>>;

/** What a delete request comes to, for the state that is there. */
type Outcome = { is: 'removed'; marks?: ObjectMeta } | { is: 'marked'; object: KubeObject } | { is: 'pending' };

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const ATTEMPTS = 50;

export async function deleteObject(engine: Engine, kind: Kind, request: { key: ObjectKey; options: DeleteOptions; context: WriteContext }): Promise<Result> {
  const { key, options, context } = request;
  checkDeleteOptions(options);
  const { resource, decode, ready } = placeOf(kind);
  for (let attempt = 1; ; attempt++) {
    const stored = engine.store.newest(resource, key);
    if (stored === undefined) throw notFound(kind, key.name);
    await ready([stored]);
    const old = decode(stored);
    checkPreconditions(kind, old, options);
    await context.validate?.(undefined, old);
    try {
      return await carryOut(engine, kind, { old, outcome: outcomeOf(kind, old, options, engine.clock.now()), context });
    } catch (error) {
      if (attempt === ATTEMPTS || !isReason(error, 'Conflict', 'NotFound') || engine.store.newest(resource, key) === stored) throw error;
    }
  }
}

async function carryOut(engine: Engine, kind: Kind, { old, outcome, context }: { old: KubeObject; outcome: Outcome; context: WriteContext }): Promise<Result> {
  const { resource, encode, decode, ready } = placeOf(kind);
  const { namespace = '', name, resourceVersion } = old.metadata;
  if (outcome.is === 'pending') {
    await engine.store.settled(resource, { namespace, name });
    return { object: old, gone: false };
  }
  if (outcome.is === 'marked') {
    if (context.dryRun) return { object: outcome.object, gone: false };
    const marked = await engine.store.update(resource, await encode(outcome.object), resourceVersion, 'durable');
    await ready([marked]);
    return { object: decode(marked), gone: false };
  }
  if (context.dryRun) return { object: withMarks(old, outcome.marks), gone: true };
  const last = await engine.store.delete(resource, { namespace, name }, resourceVersion, durabilityOf(kind, undefined, old));
  await ready([last]);
  const object = decode(last);
  engine.hookOf(kind)?.deleted(object);
  return { object: withMarks(object, outcome.marks), gone: true };
}

function outcomeOf(kind: Kind, old: KubeObject, options: DeleteOptions, now: number): Outcome {
  if (kind.group === '' && kind.kind === 'Namespace') return namespaceOutcome(old as Namespace, options, now);
  if (kind.rules.prepareForDelete !== undefined && old.metadata.deletionTimestamp === undefined) return prepared(kind, old, now);
  const grace = graceOf(kind, old, options);
  if (grace === 'pending') return { is: 'pending' };
  const finalizers = finalizersOf(kind, old, options);
  if (grace === undefined || grace === 0) return finalizers.length === 0 ? removed(grace, old, now) : marked(old, { finalizers, graceSeconds: 0, at: earliest(old, now) });
  return marked(old, { finalizers, graceSeconds: grace.seconds, at: grace.at(now) });
}

/** Kinds that know grace bear its marks in the answer even when there is none. */
function removed(grace: 0 | undefined, { metadata }: KubeObject, now: number): Outcome {
  if (grace === undefined) return { is: 'removed' };
  const { deletionTimestamp, generation = 0 } = metadata;
  return { is: 'removed', marks: { ...metadata, deletionTimestamp: deletionTimestamp ?? formatTime(now), deletionGracePeriodSeconds: 0, ...(deletionTimestamp === undefined && generation > 0 && { generation: generation + 1 }) } };
}

function withMarks<T extends KubeObject>(object: T, marks: ObjectMeta | undefined): T {
  return marks === undefined ? object : { ...object, metadata: { ...marks, resourceVersion: object.metadata.resourceVersion } };
}

/** Kinds that have something to clear up mark themselves. */
function prepared(kind: Kind, old: KubeObject, now: number): Outcome {
  const object = copy(old);
  object.metadata.deletionTimestamp = formatTime(now);
  kind.rules.prepareForDelete?.(object, { now });
  return { is: 'marked', object };
}

type Grace = 'pending' | 0 | undefined | { seconds: number; at(now: number): number };

/** How long the object stays, and until when. undefined: this kind knows no grace. A grace can be shortened, never prolonged. */
function graceOf(kind: Kind, old: KubeObject, { gracePeriodSeconds }: DeleteOptions): Grace {
  const rule = kind.rules.gracePeriodSeconds;
  if (rule === undefined) return undefined;
  const requested = gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  const { deletionTimestamp, deletionGracePeriodSeconds: current = 0 } = old.metadata;
  if (deletionTimestamp === undefined) {
    const seconds = rule(old, requested);
    return seconds === undefined || seconds === 0 ? seconds : { seconds, at: (now) => now + seconds * 1000 };
  }
  if (current === 0) return 0;
  if (requested === undefined || requested >= current) return 'pending';
  if (requested === 0) return 0;
  const until = Date.parse(deletionTimestamp) - current * 1000 + requested * 1000;
  return { seconds: requested, at: (now) => Math.max(now, until) };
}

function marked(old: KubeObject, { finalizers, graceSeconds, at }: { finalizers: string[]; graceSeconds: number; at: number }): Outcome {
  const timestamp = formatTime(at);
  const { metadata } = old;
  if (metadata.deletionTimestamp === timestamp && metadata.deletionGracePeriodSeconds === graceSeconds && sameSet(finalizers, metadata.finalizers ?? [])) return { is: 'pending' };
  const object = copy(old);
  const next = object.metadata;
  if (next.deletionTimestamp === undefined && (next.generation ?? 0) > 0) next.generation = (next.generation ?? 0) + 1;
  next.deletionTimestamp = timestamp;
  next.deletionGracePeriodSeconds = graceSeconds;
  setFinalizers(object, finalizers);
  return { is: 'marked', object };
}

/** A mark already there stays, unless it lies in the future. */
function earliest({ metadata: { deletionTimestamp } }: KubeObject, now: number): number {
  return deletionTimestamp === undefined ? now : Math.min(now, Date.parse(deletionTimestamp));
}

// ── finalizers by which the garbage collector is asked to deal with dependents first ──

function finalizersOf(kind: Kind, { metadata: { finalizers = [] } }: KubeObject, options: DeleteOptions): string[] {
  const others = finalizers.filter((one) => one !== ORPHAN && one !== FOREGROUND);
  const policy = policyOf(kind, finalizers, options);
  return policy === 'Orphan' ? [...others, ORPHAN] : policy === 'Foreground' ? [...others, FOREGROUND] : others;
}

function policyOf(kind: Kind, finalizers: readonly string[], { orphanDependents, propagationPolicy }: DeleteOptions): 'Orphan' | 'Foreground' | 'Background' {
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background';
  if (propagationPolicy !== undefined) return propagationPolicy;
  const asked = finalizers.find((one) => one === ORPHAN || one === FOREGROUND);
  if (asked !== undefined) return asked === ORPHAN ? 'Orphan' : 'Foreground';
  return kind.rules.defaultPropagation ?? 'Background';
}

// ── namespaces: held by spec.finalizers until their contents are gone ──

type Namespace = KubeObject & { spec?: { finalizers?: string[] }; status?: { phase?: string } };

function namespaceOutcome(old: Namespace, options: DeleteOptions, now: number): Outcome {
  if (old.metadata.deletionTimestamp !== undefined) {
    if ((old.spec?.finalizers?.length ?? 0) > 0) return { is: 'pending' };
    return (old.metadata.finalizers?.length ?? 0) > 0 ? { is: 'pending' } : { is: 'removed' };
  }
  const object = copy(old);
  object.metadata.deletionTimestamp = formatTime(now);
  object.status = { ...object.status, phase: 'Terminating' };
  const { orphanDependents, propagationPolicy } = options;
  if (orphanDependents !== undefined || propagationPolicy !== undefined) {
    const others = (object.metadata.finalizers ?? []).filter((one) => one !== ORPHAN && one !== FOREGROUND);
    const orphan = orphanDependents ?? propagationPolicy === 'Orphan';
    const foreground = orphanDependents === undefined ? propagationPolicy === 'Foreground' : !orphanDependents;
    setFinalizers(object, [...others, ...(orphan ? [ORPHAN] : []), ...(foreground ? [FOREGROUND] : [])]);
  }
  return { is: 'marked', object };
}

function setFinalizers({ metadata }: KubeObject, finalizers: string[]): void {
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

// ── options ──

function checkPreconditions(kind: Kind, { metadata: { name, uid, resourceVersion } }: KubeObject, { preconditions }: DeleteOptions): void {
  const named = { group: kind.group, resource: kind.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(named, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(named, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`);
  }
}

export function checkDeleteOptions({ orphanDependents, propagationPolicy, dryRun = [] }: DeleteOptions): void {
  const errors: FieldError[] = [];
  if (orphanDependents !== undefined && propagationPolicy !== undefined) errors.push(invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) errors.push(notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']));
  for (const value of dryRun) if (value !== 'All') errors.push(notSupported('dryRun', dryRun, ['All']));
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
}
