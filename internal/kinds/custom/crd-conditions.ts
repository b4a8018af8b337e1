// Conditions of a CustomResourceDefinition.
import { formatTime } from '../../api/meta.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../generated/api-types.ts';

export function conditionOf({ status }: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function hasCondition(crd: CustomResourceDefinition, type: string): boolean {
  return conditionOf(crd, type)?.status === 'True';
}

/** The list with this condition in it; the time of its last turn is kept while its status is. */
export function withCondition(conditions: readonly CustomResourceDefinitionCondition[] | undefined, next: CustomResourceDefinitionCondition, now: number): CustomResourceDefinitionCondition[] {
  const old = conditions?.find(({ type }) => type === next.type);
  const turned = old?.status === next.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : formatTime(now);
  const condition = { ...next, lastTransitionTime: turned };
  return old === undefined ? [...(conditions ?? []), condition] : (conditions ?? []).map((each) => (each === old ? condition : each));
}
