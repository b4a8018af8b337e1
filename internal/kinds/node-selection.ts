// nodeSelector, node affinity, taints and tolerations: what a pod says about nodes and nodes about pods. Values in, verdicts out, so that
// controllers, scheduler and kubelet judge alike (upstream: component-helpers/scheduling/corev1).
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration } from './generated/api-types.ts';

/** nodeSelector and required node affinity both have to hold. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const wanted = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return wanted === undefined || matchesNodeSelector(wanted, node);
}

/** Terms are alternatives; an empty term selects nothing. */
export function matchesNodeSelector({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

export function matchesNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields: Record<string, string> = { 'metadata.name': node.metadata.name };
  return matchExpressions.every((requirement) => meets(requirement, node.metadata.labels ?? {})) && matchFields.every((requirement) => meets(requirement, fields));
}

function meets({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt': return value !== undefined && Number(value) < Number(values[0]);
  }
}

/** Taints with one of these effects that none of the tolerations covers. */
export function untolerated(tolerations: readonly Toleration[] | undefined, taints: readonly Taint[] | undefined, effects: readonly Taint['effect'][]): Taint[] {
  return (taints ?? []).filter((taint) => effects.includes(taint.effect) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

export function tolerates({ key = '', operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && (effect as string) !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && value === (taint.value ?? '');
}
