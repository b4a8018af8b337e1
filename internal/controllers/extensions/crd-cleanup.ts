// Clears up when a CustomResourceDefinition is deleted: its objects go first, then the finalizer that held the definition.
// Upstream: apiextensions-apiserver, pkg/controller/finalizer.
import { copy } from '../../api/meta.ts';
import type { Resource } from '../../api/request.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import { wakesOfAll, type ServedResources } from '../../informer/served-resources.ts';
import type { Views } from '../../informer/view.ts';
import { CLEANUP_FINALIZER } from '../../kinds/custom/customresourcedefinition.ts';
import { conditionOf, hasCondition, withCondition } from '../../kinds/custom/crd-conditions.ts';
import type { CustomResourceDefinition } from '../../kinds/generated/api-types.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../../kinds/generated/resources.ts';
import { controllerLoop, updateStatus, type Action, type ControllerLoop } from '../action.ts';

/** What holds out (finalizers of its own) is asked for again. */
const AGAIN_MS = 5000;

export interface CleanupState {
  crd: CustomResourceDefinition;
  resource: Resource | undefined;
  /** Namespaces with objects that are not being deleted yet. */
  untouched: string[];
  left: number;
}

export function crdCleanupLoop(resources: ServedResources): ControllerLoop<CleanupState> {
  const ofInstances = wakesOfAll(resources, (resource) => [wake(resource, (_object, views) => keyIfDeleting(resource, views))]);
  return controllerLoop<CleanupState>({
    name: 'crd-finalizer',
    user: 'system:apiserver',
    // Only custom resources: what is served from the start has no definition to hold.
    laterWakes: ofInstances.laterWakes,
    wakes: [wake(CUSTOMRESOURCEDEFINITIONS, ({ metadata }) => (metadata.deletionTimestamp === undefined ? [] : [metadata.name]))],
    observe: (key, views) => observe(key, views, resources()),
    plan,
  });
}

function keyIfDeleting({ group, resource }: Resource, views: Views): string[] {
  const name = `${resource}.${group}`;
  return views.of(CUSTOMRESOURCEDEFINITIONS).get('', name)?.metadata.deletionTimestamp === undefined ? [] : [name];
}

function observe(key: string, views: Views, resources: readonly Resource[]): CleanupState | undefined {
  const crd = views.of(CUSTOMRESOURCEDEFINITIONS).get('', key);
  if (crd?.metadata.deletionTimestamp === undefined || crd.metadata.finalizers?.includes(CLEANUP_FINALIZER) !== true) return undefined;
  const served = resources.find((each) => each.group === crd.spec.group && each.resource === crd.status?.acceptedNames?.plural);
  const resource = served && inStoredVersion(served, crd);
  const objects = resource === undefined ? [] : views.of(resource).list();
  const untouched = objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.namespace ?? '');
  return { crd, resource, untouched: [...new Set(untouched)], left: objects.length };
}

/** As they lie: a webhook that cannot convert must not keep what it cannot convert from going. */
function inStoredVersion(served: Resource, { spec }: CustomResourceDefinition): Resource {
  const stored = spec.versions.find((version) => version.storage && version.served);
  return stored === undefined ? served : { ...served, version: stored.name };
}

export function plan({ crd, resource, untouched, left }: CleanupState, now: number): Plan<Action> {
  if (resource === undefined || left === 0) return { actions: [finished(crd, now)] };
  const begun = conditionOf(crd, 'Terminating')?.reason === 'InstanceDeletionInProgress';
  const telling = begun ? [] : [withTerminating(crd, { status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' }, now)];
  const deleting = untouched.map((namespace): Action => ({ type: 'deleteAll', resource, options: { namespace }, tolerate: ['NotFound'] }));
  return { actions: [...telling, ...deleting], againInMs: AGAIN_MS };
}

function finished(crd: CustomResourceDefinition, now: number): Action {
  const why = hasCondition(crd, 'Established') ? { reason: 'InstanceDeletionCompleted', message: 'removed all instances' } : { reason: 'NeverEstablished', message: 'resource was never established' };
  const { object } = withTerminating(crd, { status: 'False', ...why }, now);
  object.metadata.finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== CLEANUP_FINALIZER);
  return updateStatus(CUSTOMRESOURCEDEFINITIONS, object as CustomResourceDefinition);
}

function withTerminating(crd: CustomResourceDefinition, condition: { status: string; reason: string; message: string }, now: number): Action & { type: 'update' } {
  const conditions = withCondition(crd.status?.conditions, { type: 'Terminating', ...condition }, now);
  return updateStatus(CUSTOMRESOURCEDEFINITIONS, { ...copy(crd), status: { ...copy(crd.status), conditions } }) as Action & { type: 'update' };
}
