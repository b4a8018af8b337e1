// Deployment: keeps one ReplicaSet per template, moves pods from old ones to the newest by RollingUpdate or Recreate, and keeps a
// history to go back to. One pass computes every size, then writes each ReplicaSet at most once, then the status.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, controllerOf, keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '../../kinds/generated/api-types.ts';
import { DEPLOYMENTS, PODS, REPLICASETS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, remove, update, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { claim } from '../claim.ts';
import { isFinished, orphansIn, ownedBy, ownerKeys } from '../pod-state.ts';
import { desiredReplicas, DESIRED_REPLICAS, isRolling, newSetReplicas, numberAnnotation, oldSetReplicas, proportionalReplicas, replicasOf } from './replicas.ts';
import { byAge, draftOf, findNewSet, later, newSet as makeNewSet, nextRevision, refreshed, REVISION, revisionOf, sameTemplate, sizeAnnotations } from './revision.ts';
import { conditionOf, countedStatus, deadlineInMs, hasDeadline, isComplete, removeCondition, rolloutStatus, setCondition, setPaused, type Rollout } from './status.ts';

export interface DeploymentState {
  deployment: Deployment;
  /** Owned ReplicaSets, and orphans of the namespace. */
  candidates: ReplicaSet[];
  /** Pods of every owned ReplicaSet, by its uid. */
  pods: Map<string, Pod[]>;
  /** A ReplicaSet that has the name a new one would get, whoever owns it. */
  named(name: string): ReplicaSet | undefined;
}

export function deploymentLoop(): ControllerLoop<DeploymentState> {
  return controllerLoop<DeploymentState>({
    name: 'deployment-controller',
    wakes: [
      wake(DEPLOYMENTS, (deployment) => [keyOf(deployment)]),
      wake(REPLICASETS, (set, views, previous) => [set, ...(previous === undefined ? [] : [previous])].flatMap((each) => keysOfSet(each, views))),
      wake(PODS, keysOfPod),
    ],
    observe,
    plan,
  });
}

function keysOfSet(set: ReplicaSet, views: Views): string[] {
  return ownerKeys(set, 'Deployment') ?? views.of(DEPLOYMENTS).list(set.metadata.namespace ?? '').map(keyOf);
}

// Only Recreate waits for pods themselves (the last old one must be gone); the rest follows ReplicaSets' status.
function keysOfPod(pod: Pod, views: Views): string[] {
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return [];
  const namespace = pod.metadata.namespace ?? '';
  const set = views.of(REPLICASETS).get(namespace, owner.name);
  const parent = set === undefined ? undefined : controllerOf(set);
  if (parent?.kind !== 'Deployment') return [];
  const deployment = views.of(DEPLOYMENTS).get(namespace, parent.name);
  return deployment?.spec.strategy?.type === 'Recreate' ? [keyOf(deployment)] : [];
}

function observe(key: string, views: Views): DeploymentState | undefined {
  const { namespace, name } = parseKey(key);
  const deployment = views.of(DEPLOYMENTS).get(namespace, name);
  if (deployment === undefined) return undefined;
  const sets = views.of(REPLICASETS);
  const owned = ownedBy(sets, deployment.metadata.uid);
  const pods = views.of(PODS);
  return {
    deployment,
    candidates: [...owned, ...orphansIn(sets, namespace)],
    pods: new Map(owned.map((set) => [set.metadata.uid, ownedBy(pods, set.metadata.uid)])),
    named: (wanted) => sets.get(namespace, wanted),
  };
}

/** A pass in the making: what each ReplicaSet should become, and what happened on the way. */
interface Pass extends Rollout {
  deployment: Deployment;
  status: DeploymentStatus;
  sizes: Map<ReplicaSet, number>;
  deletes: ReplicaSet[];
  created?: ReplicaSet;
}

export function plan(state: DeploymentState, now: number): Plan<Action> {
  const { deployment } = state;
  if (Object.keys(deployment.spec.selector.matchLabels ?? {}).length === 0 && (deployment.spec.selector.matchExpressions ?? []).length === 0) return selectsAll(deployment);
  const claimed = claim(deployment, deployment.spec.selector, state.candidates, REPLICASETS);
  const existing = findNewSet(deployment, claimed.owned);
  const oldSets = byAge(claimed.owned.filter((set) => set !== existing));
  const pass: Pass = { deployment: { ...deployment, status: copy(deployment.status ?? {}) }, newSet: existing, oldSets, status: {}, sizes: new Map(), deletes: [] };
  pass.status = pass.deployment.status ?? {};
  const collision = advance(pass, state, now);
  if (collision) return { actions: [...claimed.actions, updateStatus(DEPLOYMENTS, { ...copy(deployment), status: { ...pass.status, collisionCount: (pass.status.collisionCount ?? 0) + 1 } })] };
  return { actions: [...claimed.actions, ...setActions(pass, now), ...statusActions(pass, deployment)], ...again(pass, now) };
}

function again(pass: Pass, now: number): { againInMs?: number } {
  const againInMs = deadlineInMs(pass.deployment, pass.status, now);
  return againInMs === undefined ? {} : { againInMs };
}

function selectsAll(deployment: Deployment): Plan<Action> {
  const actions: Action[] = [{ type: 'event', note: note(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.') }];
  if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
    actions.push(updateStatus(DEPLOYMENTS, { ...copy(deployment), status: { ...deployment.status, observedGeneration: deployment.metadata.generation ?? 0 } }));
  }
  return { actions };
}

/** Chooses sizes and computes the status. true: the new ReplicaSet's name is taken by another template. */
function advance(pass: Pass, state: DeploymentState, now: number): boolean {
  const { deployment } = pass;
  if (deployment.metadata.deletionTimestamp !== undefined) {
    pass.status = countedStatus(pass, now);
    return false;
  }
  setPaused(deployment, pass.status, now);
  if (deployment.spec.paused === true || isResized(pass)) {
    resize(pass);
    if (deployment.spec.paused === true) pass.deletes = surplusHistory(pass);
    pass.status = countedStatus(pass, now);
    return false;
  }
  if (isRolling(deployment)) {
    if (!ensureNewSet(pass, state, now)) return true;
    rollOver(pass);
  } else if (!recreate(pass, state, now)) return true;
  noteFound(pass, now);
  pass.status = rolloutStatus(pass, now);
  if (isComplete(deployment, pass.status)) pass.deletes = surplusHistory(pass);
  return false;
}

/** The Deployment's size differs from the one its live ReplicaSets were last sized for. */
function isResized({ deployment, newSet, oldSets }: Pass): boolean {
  return [...oldSets, ...(newSet === undefined ? [] : [newSet])].some((set) => {
    const annotated = numberAnnotation(set, DESIRED_REPLICAS);
    return replicasOf(set) > 0 && annotated !== undefined && annotated !== desiredReplicas(deployment);
  });
}

function resize(pass: Pass): void {
  const { deployment, newSet, oldSets, sizes } = pass;
  const desired = desiredReplicas(deployment);
  const all = newSet === undefined ? [...oldSets] : [newSet, ...oldSets];
  const active = all.filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? newSet ?? oldSets.at(-1) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) {
    if (replicasOf(only) !== desired) sizes.set(only, desired);
    return;
  }
  if (active.length === 0) return;
  const saturated = newSet !== undefined && replicasOf(newSet) === desired && numberAnnotation(newSet, DESIRED_REPLICAS) === desired && newSet.status?.availableReplicas === desired;
  if (saturated) for (const set of oldSets) sizes.set(set, 0);
  else if (isRolling(deployment)) for (const [set, size] of proportionalReplicas(deployment, active)) sizes.set(set, size);
}

function ensureNewSet(pass: Pass, { named }: DeploymentState, now: number): boolean {
  if (pass.newSet !== undefined) return true;
  const made = makeNewSet(pass.deployment, pass.oldSets, now);
  const taken = named(made.metadata.name);
  if (taken !== undefined && !(controllerOf(taken)?.uid === pass.deployment.metadata.uid && sameTemplate(taken.spec.template, pass.deployment.spec.template))) return false;
  pass.newSet = made;
  pass.created = made;
  if (hasDeadline(pass.deployment)) setCondition(pass.status, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message: `Created new replica set "${made.metadata.name}"` }, now);
  return true;
}

/** Up first; when the new one needs no change, down. */
function rollOver({ deployment, newSet, oldSets, sizes, created }: Pass): void {
  if (newSet === undefined) return;
  const current = replicasOf(newSet);
  const desired = desiredReplicas(deployment);
  const next = current > desired ? desired : newSetReplicas(deployment, [newSet, ...oldSets], current);
  if (next !== current) sizes.set(newSet, next);
  else if (created === undefined || oldSets.length > 0) for (const [set, size] of oldSetReplicas(deployment, oldSets, newSet)) sizes.set(set, size);
}

function recreate(pass: Pass, state: DeploymentState, now: number): boolean {
  const live = pass.oldSets.filter((set) => replicasOf(set) > 0);
  for (const set of live) pass.sizes.set(set, 0);
  if (live.length > 0) return true;
  if (pass.oldSets.some((set) => (state.pods.get(set.metadata.uid) ?? []).some((pod) => !isFinished(pod)))) return true;
  if (!ensureNewSet(pass, state, now)) return false;
  if (pass.newSet !== undefined && replicasOf(pass.newSet) !== desiredReplicas(pass.deployment)) pass.sizes.set(pass.newSet, desiredReplicas(pass.deployment));
  return true;
}

function noteFound({ deployment, newSet, created, status }: Pass, now: number): void {
  if (newSet === undefined || created !== undefined || !hasDeadline(deployment) || conditionOf(status, 'Progressing') !== undefined) return;
  setCondition(status, { type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message: `Found new replica set "${newSet.metadata.name}"` }, now);
}

/** Old, empty ReplicaSets beyond revisionHistoryLimit, lowest revisions first. */
function surplusHistory({ deployment, oldSets }: Pass): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return [];
  const alive = oldSets.filter((set) => set.metadata.deletionTimestamp === undefined).sort((left, right) => Number(revisionOf(left) - revisionOf(right)));
  return alive.slice(0, Math.max(0, alive.length - limit)).filter((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0));
}

function setActions(pass: Pass, now: number): Action[] {
  const { deployment, newSet, oldSets, created, sizes } = pass;
  const actions: Action[] = [];
  if (created !== undefined) actions.push(createSet(pass, created, now));
  const existing = newSet === undefined || newSet === created ? oldSets : [newSet, ...oldSets];
  for (const set of deployment.metadata.deletionTimestamp === undefined ? existing : []) {
    const next = set === newSet ? refreshed(deployment, set, nextRevision(oldSets)) : copy(set);
    const size = sizes.get(set) ?? replicasOf(set);
    if (sizes.has(set)) next.metadata.annotations = { ...next.metadata.annotations, ...sizeAnnotations(deployment) };
    next.spec.replicas = size;
    if (!sameWhenWritten({ ...next, spec: { ...next.spec, replicas: size } }, { ...set, spec: { ...set.spec, replicas: replicasOf(set) } })) actions.push(update(REPLICASETS, next, scaled(deployment, set, size)));
  }
  actions.push(...pass.deletes.map((set) => remove(REPLICASETS, set)));
  return actions;
}

function scaled(deployment: Deployment, set: ReplicaSet, size: number): { done?: ReturnType<typeof note> } {
  const old = replicasOf(set);
  if (size === old) return {};
  return { done: note(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${size > old ? 'up' : 'down'} replica set ${set.metadata.name} from ${String(old)} to ${String(size)}`) };
}

function createSet(pass: Pass, set: ReplicaSet, now: number): Action {
  const { deployment } = pass;
  const size = pass.sizes.get(set) ?? replicasOf(set);
  set.spec.replicas = size;
  const failed = { ...copy(deployment), status: copy(deployment.status ?? {}) };
  removeCondition(failed.status, 'Progressing');
  const message = `Failed to create new replica set "${set.metadata.name}": $error`;
  setCondition(failed.status, { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message }, now);
  const action = create(REPLICASETS, draftOf(set) as Draft<ReplicaSet>, {
    ...(size > 0 && { done: note(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${set.metadata.name} from 0 to ${String(size)}`) }),
    failed: note(deployment, 'Warning', 'ReplicaSetCreateError', message),
  });
  return { type: 'batch', slowStart: false, actions: [action], onFailure: hasDeadline(deployment) ? [updateStatus(DEPLOYMENTS, failed)] : [] };
}

// The revision goes on the object with its status, as upstream's: an annotation written otherwise would make a new generation.
function statusActions({ newSet, oldSets, status }: Pass, deployment: Deployment): Action[] {
  const next = { ...copy(deployment), status };
  const revision = newSet === undefined ? undefined : String(later(revisionOf(newSet), nextRevision(oldSets)));
  if (revision !== undefined && deployment.metadata.annotations?.[REVISION] !== revision && deployment.metadata.deletionTimestamp === undefined) {
    next.metadata.annotations = { ...next.metadata.annotations, [REVISION]: revision };
    return [updateStatus(DEPLOYMENTS, next)];
  }
  const same = sameWhenWritten({ ...next.status, conditions: sorted(next.status) }, { ...deployment.status, conditions: sorted(deployment.status) });
  return same && deployment.status !== undefined ? [] : [updateStatus(DEPLOYMENTS, next)];
}

function sorted(status: DeploymentStatus | undefined): unknown {
  return [...(status?.conditions ?? [])].sort((left, right) => (left.type < right.type ? -1 : 1));
}
