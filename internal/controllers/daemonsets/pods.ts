// What a DaemonSet asks of nodes and how its pods look: each is meant for one node from the start, by node affinity on metadata.name, and
// tolerates what a node's troubles taint it with (upstream: pkg/controller/daemon/util).
import { copy, type Draft } from '../../api/meta.ts';
import { matchesNode, untolerated } from '../../kinds/node-selection.ts';
import type { Affinity, DaemonSet, Node, Pod, PodSpec, Toleration } from '../../kinds/generated/api-types.ts';
import { REVISION_HASH } from '../controller-revision.ts';
import { podFromTemplate } from '../pod-state.ts';

const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';
const GENERATION_LABEL = 'pod-template-generation';
const NODE_NAME = 'metadata.name';

const TOLERATED: readonly (readonly [key: string, effect: 'NoExecute' | 'NoSchedule'])[] = [
  ['not-ready', 'NoExecute'], ['unreachable', 'NoExecute'], ['disk-pressure', 'NoSchedule'], ['memory-pressure', 'NoSchedule'], ['pid-pressure', 'NoSchedule'], ['unschedulable', 'NoSchedule'],
];

export interface NodeVerdict {
  /** A pod is started where there is none. */
  shouldRun: boolean;
  /** A pod that is there stays. */
  mayStay: boolean;
}

export function verdictOn(node: Node, { spec }: DaemonSet): NodeVerdict {
  const template: PodSpec = spec.template.spec ?? { containers: [] };
  const named = template.nodeName ?? '';
  if ((named !== '' && named !== node.metadata.name) || !matchesNode(template, node)) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(template);
  if (untolerated(tolerations, node.spec.taints, ['NoSchedule', 'NoExecute']).length === 0) return { shouldRun: true, mayStay: true };
  return { shouldRun: false, mayStay: untolerated(tolerations, node.spec.taints, ['NoExecute']).length === 0 };
}

export function daemonPod(set: DaemonSet, node: string, hash: string): Draft<Pod> {
  const draft = podFromTemplate(set.spec.template, set);
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  draft.metadata.labels = { ...draft.metadata.labels, ...(generation !== undefined && { [GENERATION_LABEL]: generation }), [REVISION_HASH]: hash };
  draft.spec = { ...draft.spec, tolerations: tolerationsOf(draft.spec), affinity: pinned(draft.spec.affinity, node) };
  return draft;
}

/** The node a pod is for: bound to it, or meant for it. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key, operator }) => key === NODE_NAME && operator === 'In');
  return field?.values?.length === 1 ? field.values[0] : undefined;
}

export function isUpdated({ metadata: { labels = {} } }: Pod, set: DaemonSet, hash: string): boolean {
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  return labels[REVISION_HASH] === hash || (generation !== undefined && labels[GENERATION_LABEL] === generation);
}

function tolerationsOf(spec: PodSpec): Toleration[] {
  const added = [...TOLERATED, ...(spec.hostNetwork === true ? [['network-unavailable', 'NoSchedule'] as const] : [])].map(([key, effect]): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect }));
  const own = (spec.tolerations ?? []).filter(({ key, operator, effect, value = '' }) => !added.some((each) => each.key === key && each.operator === operator && each.effect === effect && value === ''));
  return [...own, ...added];
}

// What affinity the template has was judged already; only the one node is left.
function pinned(affinity: Affinity | undefined, node: string): Affinity {
  const result = copy(affinity ?? {});
  result.nodeAffinity = { ...result.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: NODE_NAME, operator: 'In', values: [node] }] }] } };
  return result;
}
