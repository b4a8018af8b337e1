// Taint eviction: a pod that does not tolerate a NoExecute taint of its node leaves at once; one that tolerates it for so long leaves then.
import { formatTime, keyOf, objectKey, parseKey } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Pod, Taint, Toleration } from '../kinds/generated/api-types.ts';
import { NODES, PODS } from '../kinds/generated/resources.ts';
import { tolerates } from '../kinds/node-selection.ts';
import { controllerLoop, note, remove, type Action, type ControllerLoop } from './action.ts';
import { BY_NODE, conditionOf } from './pod-state.ts';

export interface EvictionState {
  pod: Pod;
  /** The node's NoExecute taints. */
  taints: Taint[];
}

export function taintEvictionLoop(): ControllerLoop<EvictionState> {
  return controllerLoop<EvictionState>({
    name: 'taint-eviction-controller',
    user: 'system:serviceaccount:kube-system:node-controller',
    wakes: [
      wake(NODES, (node, views, previous) => (JSON.stringify(node.spec.taints) === JSON.stringify(previous?.spec.taints) ? [] : views.of(PODS).by(BY_NODE, node.metadata.name).map(keyOf))),
      wake(PODS, (pod, _views, previous) => (pod.spec.nodeName === previous?.spec.nodeName && pod.spec.tolerations === previous?.spec.tolerations ? [] : [keyOf(pod)])),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const pod = views.of(PODS).get(namespace, name);
      const taints = views.of(NODES).get('', pod?.spec.nodeName ?? '')?.spec.taints?.filter(({ effect }) => effect === 'NoExecute') ?? [];
      return pod === undefined || taints.length === 0 || pod.metadata.deletionTimestamp !== undefined ? undefined : { pod, taints };
    },
    plan,
  });
}

export function plan({ pod, taints }: EvictionState, now: number): Plan<Action> {
  const leaveAt = Math.min(...taints.map((taint) => deadline(pod.spec.tolerations ?? [], taint, now)));
  if (leaveAt === Infinity) return { actions: [] };
  if (leaveAt > now) return { actions: [], againInMs: leaveAt - now };
  const actions: Action[] = [];
  if (conditionOf(pod, 'DisruptionTarget')?.status !== 'True') actions.push(disruption(pod, now));
  actions.push({ type: 'event', note: note(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyOf(pod)}`) });
  return { actions: [...actions, remove(PODS, pod)] };
}

/** When the taint drives the pod out: 0 at once, Infinity never. */
function deadline(tolerations: readonly Toleration[], taint: Taint, now: number): number {
  const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return 0;
  const seconds = Math.min(...matching.map(({ tolerationSeconds }) => Number(tolerationSeconds ?? Infinity)));
  return (Date.parse(taint.timeAdded ?? '') || now) + Math.max(0, seconds) * 1000;
}

function disruption(pod: Pod, now: number): Action {
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint', lastTransitionTime: formatTime(now) };
  const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
  return { type: 'patch', resource: PODS, key: objectKey(pod), patch: { type: 'strategic', body }, subresource: 'status' };
}
