// The patch that brings a pod's status in the API to what it should be, or undefined when they agree. A strategic merge patch: conditions
// and addresses merge by their key there, so what others write between is kept; everything else replaces what was.
import { sameJson } from '../../../internal/api/json-equality.ts';
import type { JsonObject, JsonValue } from '../../../internal/api/meta.ts';
import type { Pod, PodCondition, PodStatus } from '../../../internal/kinds/generated/api-types.ts';

export function statusPatch(pod: Pod, next: PodStatus): JsonObject | undefined {
  const before = (pod.status ?? {}) as Record<string, unknown>;
  const after = next as Record<string, unknown>;
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === 'conditions' || sameJson(before[key], after[key])) continue;
    changes[key] = after[key] ?? null;
    if (key === 'podIPs' || key === 'hostIPs') changes[key] = [{ $patch: 'replace' }, ...(after[key] as object[] | undefined ?? [])];
  }
  const conditions = changedConditions(pod.status?.conditions ?? [], next.conditions ?? []);
  if (conditions.length > 0) changes['conditions'] = conditions;
  return Object.keys(changes).length === 0 ? undefined : { metadata: { uid: pod.metadata.uid }, status: changes as JsonObject };
}

function changedConditions(before: readonly PodCondition[], after: readonly PodCondition[]): JsonValue[] {
  const changed = after.flatMap((condition): JsonValue[] => {
    const old = before.find(({ type }) => type === condition.type);
    if (old !== undefined && sameJson(withoutProbeTime(old), withoutProbeTime(condition))) return [];
    const dropped = Object.keys(old ?? {}).filter((key) => !(key in condition) && key !== 'lastProbeTime');
    return [{ ...condition, ...Object.fromEntries(dropped.map((key) => [key, null])) } as JsonObject];
  });
  const gone = before.filter(({ type }) => !after.some((condition) => condition.type === type)).map(({ type }): JsonValue => ({ type, $patch: 'delete' }));
  return [...changed, ...gone];
}

function withoutProbeTime({ lastProbeTime: _time, ...rest }: PodCondition): Omit<PodCondition, 'lastProbeTime'> {
  return rest;
}
