// What controllers do to the cluster: one union of values that plans give, and one way to carry them out.
// Actions run in order. Losing a race to deletion is not an error: a NotFound on delete, or a create in a namespace that is going
// away, means the wish is moot. Everything else is thrown and the runner plans the key again with backoff.
import { isReason, messageOf, StatusError, type StatusReason } from '../base/errors.ts';
import { objectKey, type Draft, type GroupVersionResource, type KubeObject, type ObjectKey } from '../api/meta.ts';
import type { DeleteOptions, Patch, Resource } from '../api/request.ts';
import type { ReadOptions, WriteOptions } from '../client/client.ts';
import type { Acting, LaterWakes, Loop, Plan, Wake } from '../informer/loop.ts';
import type { Views } from '../informer/view.ts';

export interface EventNote {
  about: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

interface Outcome {
  /** Posted when the action succeeded; `$name` in the message stands for the object's name. */
  done?: EventNote;
  /** Posted when it failed; `$error` stands for what the server said. */
  failed?: EventNote;
  /** Errors with these reasons count as success. */
  tolerate?: readonly StatusReason[];
}

export type Action =
  | ({ type: 'create'; resource: Resource; object: Draft<KubeObject> } & Outcome)
  | ({ type: 'update'; resource: Resource; object: KubeObject; subresource?: string } & Outcome)
  | ({ type: 'patch'; resource: Resource; key: ObjectKey; patch: Patch; subresource?: string; options?: Pick<WriteOptions, 'fieldManager' | 'force'> } & Outcome)
  | ({ type: 'delete'; resource: GroupVersionResource; key: ObjectKey; options?: DeleteOptions } & Outcome)
  | ({ type: 'deleteAll'; resource: GroupVersionResource; options: ReadOptions & { delete?: DeleteOptions } } & Outcome)
  | { type: 'event'; note: EventNote }
  | Sequence
  | Batch;

/** One after the other, as one member of a batch. */
export interface Sequence {
  type: 'sequence';
  actions: Action[];
}

/** Runs alike actions side by side, in rounds of 1, 2, 4, …: a quota that refuses one is asked once, not five hundred times. */
export interface Batch {
  type: 'batch';
  actions: Action[];
  /** false: all at once. */
  slowStart: boolean;
  /** Done after a failure, before it is thrown; in events and objects of these, the text `$error` stands for the first error. */
  onFailure?: Action[];
}

/** A loop of this folder: what it does is a list of actions, and it speaks for one of upstream's users. */
export interface ControllerLoop<State = unknown, Act = Action> extends Loop<State, Act> {
  /** User name that RBAC knows. */
  readonly user: string;
  /** Who its Events say they come from, if not its name. */
  readonly component?: string;
}

export interface LoopParts<State> {
  /** Upstream's name, which is also its service account in kube-system. */
  name: string;
  user?: string;
  wakes: readonly Wake[];
  laterWakes?: LaterWakes;
  resync?: { everyMs: number; keys(views: Views): string[] };
  concurrency?: number;
  observe(key: string, views: Views): State | undefined;
  plan(state: State, now: number): Plan<Action>;
}

export function controllerLoop<State>(parts: LoopParts<State>): ControllerLoop<State> {
  return { user: `system:serviceaccount:kube-system:${parts.name}`, component: COMPONENTS[parts.name] ?? parts.name, ...parts, act: perform };
}

/** Where upstream's Events name their controller otherwise than its account is named. */
const COMPONENTS: Readonly<Record<string, string>> = {
  'daemon-set-controller': 'daemonset-controller', 'disruption-controller': 'controllermanager', 'endpointslice-controller': 'endpoint-slice-controller',
  'endpointslicemirroring-controller': 'endpoint-slice-mirroring-controller', 'ephemeral-volume-controller': 'ephemeral_volume', 'expand-controller': 'volume_expand',
  'generic-garbage-collector': 'garbage-collector-controller', 'node-ipam-controller': 'cidrAllocator', 'node-lifecycle-controller': 'node-controller', 'resource-claim-controller': 'resource_claim', 'service-cidrs-controller': 'service-cidr-controller',
};

export function create<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, outcome: Outcome = {}): Action {
  return { type: 'create', resource, object, ...outcome };
}

export function update<T extends KubeObject>(resource: Resource<T>, object: T, outcome: Outcome = {}): Action {
  return { type: 'update', resource, object, ...outcome };
}

export function updateStatus<T extends KubeObject>(resource: Resource<T>, object: T, outcome: Outcome = {}): Action {
  return { type: 'update', resource, object, subresource: 'status', ...outcome };
}

/** Deletes exactly this object: one that was made again under the same name is left alone. */
export function remove(resource: GroupVersionResource, object: KubeObject, options: DeleteOptions = {}, outcome: Outcome = {}): Action {
  const key = objectKey(object);
  return { type: 'delete', resource, key, options: { preconditions: { uid: object.metadata.uid }, ...options }, ...outcome };
}

export function note(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): EventNote {
  return { about, type, reason, message };
}

async function perform(action: Action, acting: Acting): Promise<void> {
  if (action.type === 'event') return post(action.note, acting, {});
  if (action.type === 'batch') return performBatch(action, acting);
  if (action.type === 'sequence') {
    for (const each of action.actions) await perform(each, acting);
    return;
  }
  try {
    const name = await send(action, acting);
    if (action.done !== undefined) post(action.done, acting, { $name: name });
  } catch (error) {
    if (action.tolerate !== undefined && isReason(error, ...action.tolerate)) return;
    if (isMoot(action, error)) return;
    if (action.failed !== undefined) post(action.failed, acting, { $error: messageOf(error) });
    throw error;
  }
}

async function send(action: Exclude<Action, Batch | Sequence | { type: 'event' }>, { client }: Acting): Promise<string> {
  switch (action.type) {
    case 'create':
      return (await client.create(action.resource, action.object)).metadata.name;
    case 'update':
      if (action.subresource === 'status') await client.updateStatus(action.resource, action.object);
      else await client.update(action.resource, action.object, action.subresource === undefined ? {} : { subresource: action.subresource });
      return action.object.metadata.name;
    case 'patch':
      await client.patch(action.resource, action.key, action.patch, { ...action.options, ...(action.subresource !== undefined && { subresource: action.subresource }) });
      return action.key.name;
    case 'delete':
      await client.delete(action.resource, action.key, action.options);
      return action.key.name;
    case 'deleteAll':
      await client.deleteAll(action.resource, action.options);
      return '';
  }
}

async function performBatch(batch: Batch, acting: Acting): Promise<void> {
  const waiting = [...batch.actions];
  for (let size = batch.slowStart ? 1 : waiting.length; waiting.length > 0; size *= 2) {
    const round = waiting.splice(0, size);
    const failures = (await Promise.allSettled(round.map((action) => perform(action, acting)))).filter((result) => result.status === 'rejected');
    if (failures.length === 0) continue;
    const first = failures[0]?.reason as unknown;
    for (const action of batch.onFailure ?? []) await perform(withError(action, messageOf(first)), acting);
    throw first;
  }
}

function isMoot(action: Action, error: unknown): boolean {
  if (action.type === 'create') return isTerminating(error);
  if (action.type === 'delete') return isReason(error, 'NotFound') || (isReason(error, 'Conflict') && action.options?.preconditions?.uid !== undefined);
  return isReason(error, 'NotFound');
}

/** Whether a create was refused because the namespace is going away. */
function isTerminating(error: unknown): boolean {
  return error instanceof StatusError && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}

function withError(action: Action, message: string): Action {
  return JSON.parse(JSON.stringify(action), (_key, value: unknown) => (typeof value === 'string' ? value.replaceAll('$error', () => message) : value)) as Action;
}

function post(event: EventNote, acting: Acting, words: Record<string, string>): void {
  const message = Object.entries(words).reduce((text, [word, value]) => text.replaceAll(word, () => value), event.message);
  acting.event(event.about, event.type, event.reason, message);
}
