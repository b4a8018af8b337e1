// Which pods of a DaemonSet go and which nodes get one, pure. First every node is brought to what it should have; only when that is so, the
// rollout takes its next step: without surge, old pods are deleted as far as maxUnavailable lets them; with surge, a new pod comes up beside
// the old one, which goes when the new one is available.
import type { DaemonSet, Node, Pod } from '../../kinds/generated/api-types.ts';
import { scaledValue } from '../deployments/replicas.ts';
import { isAvailable, isReady } from '../pod-state.ts';
import { isUpdated, verdictOn, type NodeVerdict } from './pods.ts';

export interface DaemonPass {
  set: DaemonSet;
  nodes: ReadonlyMap<string, { node: Node; verdict: NodeVerdict }>;
  /** Pods by the node they are for. Terminating ones that have finished are not here. */
  pods: ReadonlyMap<string, readonly Pod[]>;
  /** Of the current revision. */
  hash: string;
  now: number;
}

export interface DaemonStep {
  /** Nodes that get a pod. */
  starts: string[];
  deletes: Pod[];
  /** Of `deletes`, those that go because they failed or, against the rules, succeeded. */
  finished: Pod[];
}

export function daemonPass(set: DaemonSet, nodes: readonly Node[], pods: ReadonlyMap<string, readonly Pod[]>, { hash, now }: { hash: string; now: number }): DaemonPass {
  return { set, nodes: new Map(nodes.map((node) => [node.metadata.name, { node, verdict: verdictOn(node, set) }])), pods, hash, now };
}

/** What every node should have. `mayReplace`: whether a failed pod may go now. */
export function placement(pass: DaemonPass, mayReplace: (pod: Pod) => boolean): DaemonStep {
  const step: DaemonStep = { starts: [], deletes: [], finished: [] };
  for (const [name, { verdict }] of pass.nodes) placeOn(pass, name, { verdict, step, mayReplace });
  // Pods for nodes that are gone would never be bound, so that no one else could end them.
  for (const [name, pods] of pass.pods) if (!pass.nodes.has(name)) step.deletes.push(...pods.filter(({ spec }) => (spec.nodeName ?? '') === ''));
  return step;
}

function placeOn(pass: DaemonPass, name: string, { verdict, step, mayReplace }: { verdict: NodeVerdict; step: DaemonStep; mayReplace(pod: Pod): boolean }): void {
  const pods = pass.pods.get(name) ?? [];
  if (verdict.shouldRun && pods.length === 0) {
    step.starts.push(name);
    return;
  }
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (!verdict.mayStay) {
    step.deletes.push(...alive);
    return;
  }
  const ended = alive.filter((pod) => pod.status?.phase === 'Succeeded' || (pod.status?.phase === 'Failed' && mayReplace(pod)));
  step.finished.push(...ended);
  step.deletes.push(...ended);
  const running = byBinding(alive.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded'));
  if (surgeOf(pass.set, 1) === 0) step.deletes.push(...running.slice(1));
  else if (running.length === 0 && verdict.shouldRun) step.starts.push(name);
  else if (running.length > 1) step.deletes.push(...surplusBeside(pass, running));
}

// One old and one new pod may stand together while the new one is not available and the old one is ready.
function surplusBeside({ set, hash, now }: DaemonPass, running: readonly Pod[]): Pod[] {
  const isNew = (pod: Pod): boolean => pod.metadata.labels?.['controller-revision-hash'] === hash;
  const fresh = running.find(isNew);
  const old = running.find((pod) => !isNew(pod));
  const surplus = running.filter((pod) => pod !== fresh && pod !== old);
  if (fresh !== undefined && old !== undefined && (!isReady(old) || isAvailable(fresh, set.spec.minReadySeconds, now))) surplus.push(old);
  return surplus;
}

/** The rollout's next step. Meant for a pass in which `placement` has nothing to do. */
export function rollout(pass: DaemonPass): DaemonStep {
  const { set } = pass;
  if ((set.spec.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return { starts: [], deletes: [], finished: [] };
  const wanted = [...pass.nodes.values()].filter(({ verdict }) => verdict.shouldRun).length;
  const surge = surgeOf(set, wanted);
  const unavailable = scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted, Math.ceil);
  if (surge === 0) return replaceStep(pass, wanted > 0 && unavailable === 0 ? 1 : unavailable);
  return surgeStep(pass, { surgeMax: surge, wanted });
}

function replaceStep(pass: DaemonPass, unavailableMax: number): DaemonStep {
  const names = new Set([...pass.pods.keys(), ...[...pass.nodes].filter(([, { verdict }]) => verdict.shouldRun).map(([name]) => name)]);
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const name of names) {
    const pair = pairOn(pass, name);
    if (pair === undefined || (pair.old === undefined) === (pair.fresh === undefined)) unavailable++;
    else if (pair.fresh !== undefined) unavailable += available(pass, pair.fresh) ? 0 : 1;
    else if (pair.old !== undefined && available(pass, pair.old)) candidates.push(pair.old);
    else if (pair.old !== undefined) {
      broken.push(pair.old);
      unavailable++;
    }
  }
  return { starts: [], deletes: [...broken, ...candidates.slice(0, Math.max(0, unavailableMax - unavailable))], finished: [] };
}

function surgeStep(pass: DaemonPass, { surgeMax, wanted }: { surgeMax: number; wanted: number }): DaemonStep {
  const step: DaemonStep = { starts: [], deletes: [], finished: [] };
  const candidates: string[] = [];
  const leaving: Pod[] = [];
  let surging = 0;
  let availableCount = 0;
  for (const name of pass.pods.keys()) {
    const pair = pairOn(pass, name);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { old, fresh } = pair;
    const shown = old ?? fresh;
    if (shown !== undefined && available(pass, shown)) availableCount++;
    if (old === undefined) continue;
    const shouldRun = pass.nodes.get(name)?.verdict.shouldRun === true;
    if (fresh !== undefined) {
      if (available(pass, fresh)) step.deletes.push(old);
      else surging++;
    } else if (available(pass, old)) {
      if (shouldRun) candidates.push(name);
      else leaving.push(old);
    } else if (shouldRun) step.starts.push(name);
    else step.deletes.push(old);
  }
  step.deletes.push(...leaving.slice(0, Math.max(0, availableCount - wanted)));
  step.starts.push(...candidates.slice(0, Math.max(0, surgeMax - surging)));
  return step;
}

/** The node's old and new pod; undefined when there are several of one sort, which placement will settle. */
function pairOn({ set, pods, hash }: DaemonPass, name: string): { old?: Pod; fresh?: Pod } | undefined {
  const alive = (pods.get(name) ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const fresh = alive.filter((pod) => isUpdated(pod, set, hash));
  const old = alive.filter((pod) => !isUpdated(pod, set, hash));
  if (fresh.length > 1 || old.length > 1) return undefined;
  return { ...(old[0] !== undefined && { old: old[0] }), ...(fresh[0] !== undefined && { fresh: fresh[0] }) };
}

function available({ set, now }: DaemonPass, pod: Pod): boolean {
  return isAvailable(pod, set.spec.minReadySeconds, now);
}

function surgeOf({ spec }: DaemonSet, nodes: number): number {
  return spec.updateStrategy?.type === 'OnDelete' ? 0 : scaledValue(spec.updateStrategy?.rollingUpdate?.maxSurge, nodes, Math.ceil);
}

/** Bound pods before others, older before younger. */
export function byBinding(pods: readonly Pod[]): Pod[] {
  const bound = ({ spec }: Pod): number => ((spec.nodeName ?? '') === '' ? 1 : 0);
  return [...pods].sort((left, right) => bound(left) - bound(right) || Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp) || (left.metadata.name < right.metadata.name ? -1 : 1));
}
