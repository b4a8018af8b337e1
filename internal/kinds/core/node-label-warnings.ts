// Labels of nodes that have other names now, told wherever somebody selects by them (upstream: pkg/api/node).
import type { NodeSelectorTerm } from '../generated/api-types.ts';
import { labelValueProblems } from '../../api/names.ts';

const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
]);

/** Of the keys of a node selector. */
export function nodeSelectorWarnings(selector: Readonly<Record<string, string>> | undefined, pathOf: (key: string) => string): string[] {
  return Object.keys(selector ?? {}).flatMap((key) => { const why = DEPRECATED.get(key); return why === undefined ? [] : [`${pathOf(key)}: ${why}`]; });
}

/** Of a field that names a label. */
export function nodeLabelWarnings(key: string, path: string): string[] {
  const why = DEPRECATED.get(key);
  return why === undefined ? [] : [`${path}: ${key} is ${why}`];
}

/** `preferred`: values that no label has are only told of, since the term does no harm. */
export function nodeTermWarnings(term: NodeSelectorTerm | undefined, path: string, preferred: boolean): string[] {
  return (term?.matchExpressions ?? []).flatMap(({ key, values = [] }, index) => {
    const at = `${path}.matchExpressions[${String(index)}]`;
    return [...nodeLabelWarnings(key, `${at}.key`), ...(preferred ? values.flatMap((value, position) => labelValueProblems(value).map((problem) => `${at}.values[${String(position)}]: ${value} is invalid, ${problem}`)) : [])];
  });
}
