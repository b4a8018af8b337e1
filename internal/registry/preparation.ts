// A draft on its way to the store: metadata that is the server's, defaults, what the kind keeps from the old state, and validation with
// every problem at once. The order is upstream's (registry/rest/create.go, update.go).
import type { Clock } from '../base/clock.ts';
import { nameSuffix, type Random } from '../base/random.ts';
import { sameJson, sameSemantically } from '../api/json-equality.ts';
import { apiVersionOf, copy, formatTime, type KubeObject, type ObjectMeta, type Unstructured } from '../api/meta.ts';
import { applyDefaults, fillZeros } from '../api/defaults.ts';
import { invalidObject, type FieldError } from '../api/field-error.ts';
import type { Schemas } from '../api/schema.ts';
import type { Kind, RuleContext } from '../kinds/kind.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta-validation.ts';
import type { WriteContext } from './registry.ts';

export interface Preparing {
  schemas: Schemas;
  clock: Clock;
  random: Random;
}

const NAME_MAX = 63;
const NAME_SUFFIX = 5;

/** uid, creationTimestamp and name; takes away what only the server sets. */
export function fillSystemFields({ clock, random }: Preparing, kind: Kind, draft: KubeObject): void {
  const { deletionTimestamp: _at, deletionGracePeriodSeconds: _grace, selfLink: _link, resourceVersion: _version, managedFields, ...kept } = draft.metadata;
  const metadata: ObjectMeta = { ...kept, uid: random.uuid(), creationTimestamp: formatTime(clock.now()), ...(managedFields !== undefined && { managedFields }) } as ObjectMeta;
  if (!metadata.name && metadata.generateName) metadata.name = metadata.generateName.slice(0, NAME_MAX - NAME_SUFFIX) + nameSuffix(random, NAME_SUFFIX);
  if (!kind.namespaced) delete metadata.namespace;
  draft.metadata = metadata;
}

export function setType({ group, version, kind }: Kind, draft: KubeObject): void {
  draft.apiVersion = apiVersionOf(group, version);
  draft.kind = kind;
}

export function applyAllDefaults({ schemas }: Preparing, kind: Kind, draft: KubeObject, { isNew = false } = {}): void {
  const definition = schemas.get(kind.schema);
  const putBack = kind.rules.keepEmpty?.(draft, isNew);
  if (definition !== undefined) applyDefaults(definition, draft, schemas);
  putBack?.();
  kind.rules.applyDefaults?.(draft);
}

/** After admission's changes. Who owns which fields has its form already, and may be the stored object's own. */
export function applyDefaultsAgain(preparing: Preparing, kind: Kind, draft: KubeObject, given?: { isNew: boolean }): void {
  const { managedFields } = draft.metadata;
  delete draft.metadata.managedFields;
  applyAllDefaults(preparing, kind, draft, given);
  if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
}

export function prepareForCreate(preparing: Preparing, kind: Kind, draft: KubeObject, context: WriteContext): void {
  kind.rules.prepareForCreate?.(draft, ruleContext(preparing, context));
  if (tracksGeneration(kind) && kind.rules.tracksGeneration !== 'by updates') draft.metadata.generation = 1;
  else if (!draft.metadata.generation) delete draft.metadata.generation;
}

export function validateForCreate(preparing: Preparing, kind: Kind, draft: KubeObject, context: WriteContext): void {
  const rule = ruleContext(preparing, context);
  refuse(kind, draft, [...validateObjectMeta(draft, kind.namespaced, kind.rules), ...(kind.rules.validate?.(draft, rule) ?? []), ...(kind.rules.validateCreate?.(draft, rule) ?? [])]);
  for (const warning of kind.rules.warnings?.(draft) ?? []) context.warn?.(warning);
}

/** Gives the draft what an update may not change, and what this subresource does not touch. */
export function prepareForUpdate(preparing: Preparing, kind: Kind, update: { draft: KubeObject; old: KubeObject; context: WriteContext }): KubeObject {
  const { old, context } = update;
  const rule = ruleContext(preparing, context);
  const draft = ownedBy(context.subresource, update.draft, old);
  keepSystemFields(draft, old);
  if (context.subresource === 'status') {
    kind.rules.prepareForStatusUpdate?.(draft, old, rule);
    fillStatus(preparing, kind, draft);
  } else if (isOfObject(context.subresource)) {
    if (kind.rules.prepareForUpdate !== undefined) kind.rules.prepareForUpdate(draft, old, rule);
    else if (hasStatus(kind)) keepField('status', draft, old);
  } else kind.rules.prepareForPartUpdate?.(context.subresource, draft, old, rule);
  keepGeneration(kind, { draft, old, subresource: context.subresource });
  setType(kind, draft);
  return draft;
}

function keepGeneration(kind: Kind, { draft, old, subresource }: { draft: KubeObject; old: KubeObject; subresource: string }): void {
  const { tracksGeneration: how } = kind.rules;
  if (!tracksGeneration(kind) || how === 'at creation') return;
  const was = old.metadata.generation ?? (how === 'by updates' ? 0 : 1);
  // A node given to a pod is no new wish of its owner.
  const counts = subresource !== 'status' && subresource !== 'binding';
  const changed = counts && (specChanged(draft, old) || (how === 'labels too' && !sameSemantically(draft.metadata.labels ?? {}, old.metadata.labels ?? {})) || (how === 'annotations too' && !sameSemantically(draft.metadata.annotations ?? {}, old.metadata.annotations ?? {})));
  const now = changed ? was + 1 : was;
  if (now > 0) draft.metadata.generation = now;
}

export function validateForUpdate(preparing: Preparing, kind: Kind, update: { draft: KubeObject; old: KubeObject; context: WriteContext }): void {
  const { draft, old, context } = update;
  const rule = ruleContext(preparing, context);
  const errors: FieldError[] = validateObjectMetaUpdate(draft, old, kind.rules);
  if (context.subresource === 'status') errors.push(...(kind.rules.validateStatusUpdate?.(draft, old, rule) ?? []));
  else if (isOfObject(context.subresource)) {
    const both = [kind.rules.validate?.(draft, rule) ?? [], kind.rules.validateUpdate?.(draft, old, rule) ?? []];
    errors.push(...(kind.rules.changesFirst === true ? both.reverse() : both).flat());
  } else if (PARTS.has(context.subresource)) errors.push(...(kind.rules.validate?.(draft, rule) ?? []), ...(kind.rules.validatePart?.(context.subresource, draft, old) ?? []));
  refuse(kind, draft, errors);
  if (context.subresource === 'status' || !isOfObject(context.subresource)) return;
  for (const warning of kind.rules.warnings?.(draft, old) ?? []) context.warn?.(warning);
}

function fillStatus({ schemas }: Preparing, kind: Kind, draft: KubeObject): void {
  const type = schemas.get(kind.schema)?.fields.get('status')?.type;
  const { status } = draft as Unstructured;
  const definition = type?.type === 'object' ? schemas.get(type.definition) : undefined;
  if (kind.custom === undefined && definition !== undefined && typeof status === 'object' && status !== null) fillZeros(definition, status, schemas);
}

/** Subresources that write what the object's own update may not: held to its form, not to its immutability. */
const PARTS: ReadonlySet<string> = new Set(['ephemeralcontainers', 'resize', 'approval']);

/** Subresources that are a way to write the object itself, so that its own rules hold. */
function isOfObject(subresource: string): boolean {
  return subresource === '' || subresource === 'scale';
}

/** What of the draft counts: for /status its status and metadata, for /finalize all but the status, else all of it. */
function ownedBy(subresource: string, draft: KubeObject, old: KubeObject): KubeObject {
  if (subresource === 'status') {
    const next = { ...(copy(old) as Unstructured), metadata: draft.metadata };
    keepField('status', next, draft);
    return next;
  }
  if (subresource === 'finalize') keepField('status', draft as Unstructured & KubeObject, old);
  return draft;
}

function keepSystemFields({ metadata }: KubeObject, { metadata: old }: KubeObject): void {
  metadata.uid ||= old.uid;
  metadata.creationTimestamp = old.creationTimestamp;
  if (old.generation === undefined) delete metadata.generation;
  else metadata.generation = old.generation;
  // What a client says of these itself is judged; what it does not say stays.
  if (!metadata.deletionTimestamp && old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds === undefined && old.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

function keepField(field: string, draft: KubeObject, from: KubeObject): void {
  const value = (from as Unstructured)[field];
  if (value === undefined) delete (draft as Unstructured)[field];
  else (draft as Unstructured)[field] = value;
}

function hasStatus(kind: Kind): boolean {
  return kind.subresources.some(({ name }) => name === 'status');
}

function tracksGeneration({ group, kind, rules }: Kind): boolean {
  return rules.tracksGeneration !== undefined ? rules.tracksGeneration !== false : (TRACKED[group]?.includes(kind) ?? !group.endsWith('.k8s.io'));
}

// The built-in kinds whose metadata.generation upstream keeps (a fact of each strategy.go); custom resources all do.
const TRACKED: Readonly<Record<string, readonly string[]>> = {
  '': ['Pod', 'PodTemplate', 'ReplicationController'],
  apps: ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'],
  batch: ['Job', 'CronJob'],
  autoscaling: [],
  policy: ['PodDisruptionBudget'],
  'networking.k8s.io': ['Ingress', 'IngressClass', 'NetworkPolicy'],
  'discovery.k8s.io': ['EndpointSlice'],
  'scheduling.k8s.io': ['PriorityClass'],
  'flowcontrol.apiserver.k8s.io': ['FlowSchema', 'PriorityLevelConfiguration'],
  'resource.k8s.io': ['ResourceSlice', 'DeviceClass', 'DeviceTaintRule'],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'admissionregistration.k8s.io': [
    'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding',
    'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration',
  ],
};

function specChanged(draft: KubeObject, old: KubeObject): boolean {
  const { metadata: _m, status: _s, apiVersion: _a, kind: _k, ...next } = draft as Unstructured;
  const { metadata: _om, status: _os, apiVersion: _oa, kind: _ok, ...was } = old as Unstructured;
  return !sameJson(was, next);
}

function ruleContext({ clock }: Preparing, { user, warn }: WriteContext): RuleContext {
  return { now: clock.now(), user: user.username, identity: user, ...(warn !== undefined && { warn }) };
}

function refuse(kind: Kind, draft: KubeObject, errors: FieldError[]): void {
  // Of kinds that are stored as another, upstream names that one.
  const { storage } = kind.rules;
  if (errors.length > 0) throw invalidObject({ group: storage?.group ?? kind.group, kind: kind.kind }, draft.metadata.name ?? '', errors);
}
