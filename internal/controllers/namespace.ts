// Namespace: empties one that is being deleted, pods first and everything else once no pod is left, tells in conditions what still holds
// it, and takes the `kubernetes` finalizer off when nothing is left. Kinds that come later (custom resources) count too.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy, formatTime, parseKey } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { wake, type Plan } from '../informer/loop.ts';
import { wakesOfAll, type ServedResources } from '../informer/served-resources.ts';
import type { Views } from '../informer/view.ts';
import type { Namespace, NamespaceCondition } from '../kinds/generated/api-types.ts';
import { NAMESPACES, PODS } from '../kinds/generated/resources.ts';
import { controllerLoop, update, updateStatus, type Action, type ControllerLoop } from './action.ts';

const FINALIZER = 'kubernetes';
const PODS_REMAIN = 'Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace';

export interface Remaining {
  resource: Resource;
  count: number;
  /** How many of them are not being deleted yet. */
  untouched: number;
  finalizers: Record<string, number>;
}

export interface NamespaceState {
  namespace: Namespace;
  remaining: Remaining[];
}

/** `resources`: everything namespaced that can be listed and deleted, as of now. */
export function namespaceLoop(resources: ServedResources): ControllerLoop<NamespaceState> {
  const kinds = (): Resource[] => resources().filter(({ namespaced }) => namespaced);
  const ofContents = wakesOfAll(resources, (resource) => (resource.namespaced ? [wake(resource, (object, views) => keyIfTerminating(object.metadata.namespace ?? '', views))] : []));
  return controllerLoop<NamespaceState>({
    name: 'namespace-controller',
    ...ofContents,
    wakes: [wake(NAMESPACES, (namespace) => (namespace.metadata.deletionTimestamp === undefined ? [] : [namespace.metadata.name])), ...ofContents.wakes],
    observe: (key, views) => observe(parseKey(key).name, views, kinds()),
    plan,
  });
}

function keyIfTerminating(namespace: string, views: Views): string[] {
  return views.of(NAMESPACES).get('', namespace)?.metadata.deletionTimestamp === undefined ? [] : [namespace];
}

function observe(name: string, views: Views, kinds: readonly Resource[]): NamespaceState | undefined {
  const namespace = views.of(NAMESPACES).get('', name);
  if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
  const remaining = kinds.map((resource) => count(resource, name, views)).filter(({ count: left }) => left > 0);
  return { namespace, remaining };
}

function count(resource: Resource, namespace: string, views: Views): Remaining {
  const objects = views.of(resource).list(namespace);
  const finalizers: Record<string, number> = {};
  for (const finalizer of objects.flatMap(({ metadata }) => metadata.finalizers ?? [])) finalizers[finalizer] = (finalizers[finalizer] ?? 0) + 1;
  return { resource, count: objects.length, untouched: objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length, finalizers };
}

export function plan({ namespace, remaining }: NamespaceState, now: number): Plan<Action> {
  const pods = remaining.filter(({ resource }) => resource.resource === PODS.resource && resource.group === '');
  const stage = pods.length > 0 ? pods : remaining;
  const status = { ...copy(namespace.status ?? {}), phase: 'Terminating' as const };
  status.conditions = conditions(status.conditions ?? [], stage, pods.length > 0 && remaining.length > pods.length, now);
  const actions: Action[] = [];
  if (!sameWhenWritten(status, namespace.status)) actions.push(updateStatus(NAMESPACES, { ...copy(namespace), status }));
  for (const { resource, untouched } of stage) if (untouched > 0) actions.push(emptied(resource, namespace.metadata.name));
  if (remaining.length === 0 && (namespace.spec.finalizers ?? []).includes(FINALIZER)) actions.push(finalize(namespace));
  // Something may have been refused for now (finalizers are not waited for: their removal wakes the key).
  return { actions, ...(remaining.length > 0 && { againInMs: 15_000 }) };
}

function emptied(resource: Resource, namespace: string): Action {
  return { type: 'deleteAll', resource, options: { namespace, delete: { propagationPolicy: 'Background' } }, tolerate: ['NotFound', 'MethodNotAllowed'] };
}

function finalize(namespace: Namespace): Action {
  const next = copy(namespace);
  // The status write before moved the object on; who else holds it can only add finalizers of their own.
  next.metadata.resourceVersion = '';
  next.spec.finalizers = (next.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
  return { ...update(NAMESPACES, next), subresource: 'finalize' } as Action;
}

const OK: readonly [type: string, reason: string, message: string][] = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  ['NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  ['NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
];

function conditions(old: readonly NamespaceCondition[], stage: readonly Remaining[], blocked: boolean, now: number): NamespaceCondition[] {
  const trouble = troubles(stage, blocked);
  const result = old.map((condition) => ({ ...condition }));
  for (const [type, okReason, okMessage] of OK) {
    const bad = trouble.get(type);
    const next = bad === undefined ? { status: 'False', reason: okReason, message: okMessage } : { status: 'True', ...bad };
    const current = result.find((condition) => condition.type === type);
    if (current === undefined) result.push({ type, lastTransitionTime: formatTime(now), ...next });
    else Object.assign(current, next, current.status === next.status ? {} : { lastTransitionTime: formatTime(now) });
  }
  return result;
}

function troubles(stage: readonly Remaining[], blocked: boolean): Map<string, { reason: string; message: string }> {
  const result = new Map<string, { reason: string; message: string }>();
  if (stage.length === 0) return result;
  const counts = stage.map(({ resource, count: left }) => `${resource.resource}.${resource.group} has ${String(left)} resource instances`).sort();
  result.set('NamespaceContentRemaining', { reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${counts.join(', ')}` });
  const finalizers = new Map<string, number>();
  for (const [name, held] of stage.flatMap((each) => Object.entries(each.finalizers))) finalizers.set(name, (finalizers.get(name) ?? 0) + held);
  if (finalizers.size > 0) {
    const held = [...finalizers].map(([name, left]) => `${name} in ${String(left)} resource instances`).sort();
    result.set('NamespaceFinalizersRemaining', { reason: 'SomeFinalizersRemain', message: `Some content in the namespace has finalizers remaining: ${held.join(', ')}` });
    if (blocked) result.set('NamespaceDeletionContentFailure', { reason: 'ContentDeletionFailed', message: PODS_REMAIN });
  }
  return result;
}
