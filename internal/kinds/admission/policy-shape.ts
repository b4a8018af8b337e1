// What both kinds of admission policy have alike: defaults of what they match, and cells of their rows.
import { objectAge } from '../../api/age.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { LabelSelector, MatchResources, ParamKind, ParamRef } from '../generated/api-types.ts';
import type { Cell } from '../kind.ts';

export function matchDefaults(resources: MatchResources | undefined): void {
  if (resources === undefined) return;
  resources.matchPolicy ??= 'Equivalent';
  resources.namespaceSelector ??= {};
  resources.objectSelector ??= {};
  for (const rule of [...(resources.resourceRules ?? []), ...(resources.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

export function policyKindCell(kind: ParamKind | undefined): string {
  return kind === undefined ? '<unset>' : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

type Binding = KubeObject & { spec: { policyName?: string; paramRef?: ParamRef } };

export function bindingCells(object: Binding, now: number): Cell[] {
  return [object.metadata.name, object.spec.policyName ?? '', paramCell(object.spec.paramRef), objectAge(object, now)];
}

function paramCell(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  if (ref.name) return `${ref.namespace || '*'}/${ref.name}`;
  return ref.selector === undefined ? '<unset>' : goText(ref.selector);
}

/** A LabelSelector as its generated Go code prints it. */
function goText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels).sort().map((key) => `${key}: ${matchLabels[key] ?? ''},`).join('');
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
