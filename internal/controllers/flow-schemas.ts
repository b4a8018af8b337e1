// Status of FlowSchemas: whether the priority level that one names is there, which `kubectl get flowschemas` shows as MISSINGPL.
import { formatTime } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { FlowSchema } from '../kinds/generated/api-types.ts';
import { FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS } from '../kinds/generated/resources.ts';
import { controllerLoop, type Action, type ControllerLoop } from './action.ts';

export interface FlowSchemaState {
  schema: FlowSchema;
  isThere: boolean;
}

export function flowSchemaLoop(): ControllerLoop<FlowSchemaState> {
  return controllerLoop<FlowSchemaState>({
    name: 'api-priority-and-fairness-config-consumer-v1',
    user: 'system:apiserver',
    wakes: [
      wake(FLOWSCHEMAS, ({ metadata }) => [metadata.name]),
      wake(PRIORITYLEVELCONFIGURATIONS, ({ metadata: { name } }, views) => views.of(FLOWSCHEMAS).list().filter((schema) => levelOf(schema) === name).map(({ metadata }) => metadata.name)),
    ],
    observe(name, views) {
      const schema = views.of(FLOWSCHEMAS).get('', name);
      return schema === undefined ? undefined : { schema, isThere: views.of(PRIORITYLEVELCONFIGURATIONS).get('', levelOf(schema)) !== undefined };
    },
    plan,
  });
}

export function plan({ schema, isThere }: FlowSchemaState, now: number): Plan<Action> {
  const { metadata: { name }, status } = schema;
  const conditions = status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'Dangling');
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(levelOf(schema))}`;
  const wanted = isThere ? { status: 'False', reason: 'Found', message: `${about} and it exists` } : { status: 'True', reason: 'NotFound', message: `${about} but there is no such object` };
  if (before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) return { actions: [] };
  const body = { status: { conditions: [...conditions.filter(({ type }) => type !== 'Dangling'), { type: 'Dangling', ...wanted, lastTransitionTime: formatTime(now) }] } };
  return { actions: [{ type: 'patch', resource: FLOWSCHEMAS, key: { namespace: '', name }, subresource: 'status', patch: { type: 'merge', body } }] };
}

function levelOf({ spec }: FlowSchema): string {
  return spec?.priorityLevelConfiguration?.name ?? '';
}
