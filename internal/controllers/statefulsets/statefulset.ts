// StatefulSet: pods with names, storage and an order. Templates are remembered as ControllerRevisions; `currentRevision` is the one from
// before the update that is going on, `updateRevision` the one it goes to. See rollout.ts for what happens when.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, keyOf, parseKey, type KubeObject } from '../../api/meta.ts';
import { selectorOf } from '../../api/selectors.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '../../kinds/generated/api-types.ts';
import { CONTROLLERREVISIONS, PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS } from '../../kinds/generated/resources.ts';
import { controllerLoop, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { claim } from '../claim.ts';
import { byRevision, historyOf, surplusRevisions, templateOf } from '../controller-revision.ts';
import { isAvailable, isReady, nextAvailableInMs, orphansIn, ownedBy, ownerKeys } from '../pod-state.ts';
import { ordinalOf, parentNameOf, replicasOf, revisionNameOf } from './pods.ts';
import { nextStep, type StatefulPass } from './rollout.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';

export interface StatefulSetState {
  set: StatefulSet;
  /** Owned, and orphans of the namespace that have a name of this set. */
  pods: Pod[];
  revisions: ControllerRevision[];
  revisionNamed(name: string): KubeObject | undefined;
  claimNamed(name: string): PersistentVolumeClaim | undefined;
}

export function statefulSetLoop(): ControllerLoop<StatefulSetState> {
  return controllerLoop<StatefulSetState>({
    name: 'statefulset-controller',
    wakes: [
      wake(STATEFULSETS, (set) => [keyOf(set)]),
      wake(PODS, (pod, views, previous) => [pod, ...(previous === undefined ? [] : [previous])].flatMap((each) => keysOfPod(each, views))),
      wake(PERSISTENTVOLUMECLAIMS, keysOfClaim),
      wake(CONTROLLERREVISIONS, (revision) => ownerKeys(revision, 'StatefulSet') ?? []),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const set = views.of(STATEFULSETS).get(namespace, name);
      if (set === undefined) return undefined;
      const [pods, revisions] = [views.of(PODS), views.of(CONTROLLERREVISIONS)];
      return {
        set,
        pods: [...ownedBy(pods, set.metadata.uid), ...orphansIn(pods, namespace).filter(({ metadata }) => parentNameOf(metadata.name) === name)],
        revisions: [...ownedBy(revisions, set.metadata.uid), ...orphansIn(revisions, namespace)],
        revisionNamed: (wanted) => revisions.get(namespace, wanted),
        claimNamed: (wanted) => views.of(PERSISTENTVOLUMECLAIMS).get(namespace, wanted),
      };
    },
    plan,
  });
}

function keysOfPod(pod: Pod, views: Views): string[] {
  const owners = ownerKeys(pod, 'StatefulSet');
  if (owners !== undefined) return owners;
  const set = views.of(STATEFULSETS).get(pod.metadata.namespace ?? '', parentNameOf(pod.metadata.name));
  return set !== undefined && selectorOf(set.spec.selector).matches(pod.metadata.labels) ? [keyOf(set)] : [];
}

function keysOfClaim({ metadata }: PersistentVolumeClaim, views: Views): string[] {
  const parent = parentNameOf(metadata.name);
  if (parent === '') return [];
  return views.of(STATEFULSETS).list(metadata.namespace).filter((set) => set.spec.volumeClaimTemplates?.some((template) => parent === `${template.metadata.name}-${set.metadata.name}`)).map(keyOf);
}

export function plan(state: StatefulSetState, now: number): Plan<Action> {
  const { set } = state;
  const revisions = claim(set, set.spec.selector, state.revisions, CONTROLLERREVISIONS);
  const history = historyOf(set, revisions.owned, HASH_LABEL, state.revisionNamed);
  if (history.collides) return { actions: [...revisions.actions, updateStatus(STATEFULSETS, { ...copy(set), status: { ...(set.status ?? { replicas: 0 }), collisionCount: (set.status?.collisionCount ?? 0) + 1 } })] };
  const claimed = claim(set, set.spec.selector, state.pods, PODS);
  const pods = claimed.owned.sort((left, right) => ordinalOf(left) - ordinalOf(right));
  const next = history.current;
  const current = revisions.owned.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? next;
  const pass: StatefulPass = {
    set, pods, now, claimNamed: state.claimNamed,
    current: { name: current.metadata.name, template: current === next ? set.spec.template : templateOf(current) },
    next: { name: next.metadata.name, template: set.spec.template },
  };
  const step = nextStep(pass);
  const status = statusActions(pass, step.leaving);
  const againInMs = nextAvailableInMs(pods, set.spec.minReadySeconds, now);
  const work: Action[] = step.actions.length === 0 ? [] : [{ type: 'batch', slowStart: false, actions: [{ type: 'sequence', actions: step.actions }], onFailure: status }];
  return { actions: [...revisions.actions, ...history.actions, ...claimed.actions, ...work, ...status, ...surplus(pass, revisions.owned)], ...(againInMs !== undefined && { againInMs }) };
}

function surplus({ set, pods, current, next }: StatefulPass, revisions: readonly ControllerRevision[]): Action[] {
  const live = new Set([current.name, next.name, ...pods.map(revisionNameOf)]);
  return surplusRevisions(byRevision(revisions).filter(({ metadata }) => !live.has(metadata.name)), set.spec.revisionHistoryLimit, () => false);
}

function statusActions(pass: StatefulPass, leaving: number): Action[] {
  const { set, current, next } = pass;
  const status: StatefulSetStatus = {
    ...counted(pass, leaving),
    observedGeneration: set.metadata.generation ?? 0,
    currentRevision: current.name,
    updateRevision: next.name,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions !== undefined && { conditions: copy(set.status.conditions) }),
  };
  const wanted = replicasOf(set);
  const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  if (rolling && (status.updatedReplicas ?? 0) === wanted && (status.readyReplicas ?? 0) === wanted && status.replicas === wanted) {
    if (status.updatedReplicas !== undefined) status.currentReplicas = status.updatedReplicas;
    else delete status.currentReplicas;
    status.currentRevision = next.name;
  }
  return sameWhenWritten(status, set.status) ? [] : [updateStatus(STATEFULSETS, { ...copy(set), status })];
}

// Zero counts are left out where the API leaves them out.
function counted({ set, pods, current, next, now }: StatefulPass, leaving: number): StatefulSetStatus {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const counts = {
    readyReplicas: pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length,
    currentReplicas: staying.filter((pod) => revisionNameOf(pod) === current.name).length - leaving,
    updatedReplicas: staying.filter((pod) => revisionNameOf(pod) === next.name).length,
  };
  const status: StatefulSetStatus = { replicas: pods.length, availableReplicas: pods.filter((pod) => pod.status?.phase === 'Running' && isAvailable(pod, set.spec.minReadySeconds, now)).length };
  for (const [field, count] of Object.entries(counts)) if (count > 0) status[field as keyof typeof counts] = count;
  return status;
}
