// Who owns what of an object that is written in two versions of different fields: an autoscaler in v1 and v2, over a real server.
import t from 'tap';
import type { ManagedFieldsEntry, KubeObject } from '../../../internal/api/meta.ts';
import { createHttpsTransport } from '../../../internal/client/https-transport.ts';
import { startApiServer } from '../../support/api-server.ts';

const server = await startApiServer();
const admin = createHttpsTransport({ url: server.url, credentials: server.credentials('admin', 'system:masters') });
t.teardown(async () => {
  admin.close();
  await server.remove();
});
const pathOf = (version: 'v1' | 'v2', name = ''): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers${name === '' ? '' : `/${name}`}`;
const send = async (method: string, path: string, body: object, contentType = 'application/json'): Promise<KubeObject> => JSON.parse(await admin.raw({ method, path, contentType, body: JSON.stringify(body) })) as KubeObject;
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const cpu = (percent: number): object => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } });
const specOf = ({ metadata }: KubeObject, manager: string): unknown => (metadata.managedFields?.find((entry: ManagedFieldsEntry) => entry.manager === manager)?.fieldsV1 as { 'f:spec'?: unknown } | undefined)?.['f:spec'];

const rest = { 'f:maxReplicas': {}, 'f:minReplicas': {}, 'f:scaleTargetRef': { 'f:apiVersion': {}, 'f:kind': {}, 'f:name': {} } };

t.test('an update in one version takes the fields of another from who wrote in that', async (t) => {
  const created = await send('POST', `${pathOf('v2')}?fieldManager=new`, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'a' }, spec: { scaleTargetRef: target, minReplicas: 2, maxReplicas: 5, metrics: [cpu(50)] } });
  t.strictSame(specOf(created, 'new'), { ...rest, 'f:metrics': {} });
  const changed = await send('PATCH', `${pathOf('v1', 'a')}?fieldManager=old`, { spec: { targetCPUUtilizationPercentage: 70 } }, 'application/merge-patch+json');
  t.strictSame(specOf(changed, 'old'), { 'f:targetCPUUtilizationPercentage': {} });
  t.strictSame(specOf(changed, 'new'), rest, 'the metrics are no longer its own, the rest is');
  const back = await send('PATCH', `${pathOf('v2', 'a')}?fieldManager=new`, { spec: { metrics: [cpu(60)] } }, 'application/merge-patch+json');
  t.strictSame([specOf(back, 'new'), specOf(back, 'old')], [{ ...rest, 'f:metrics': {} }, undefined], 'and back');
});

t.test('an apply in one version conflicts with who wrote the same in another', async (t) => {
  const applied = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', spec: { targetCPUUtilizationPercentage: 80 } };
  const apply = (query: string, body: object = applied): Promise<KubeObject> => send('PATCH', `${pathOf('v1', 'a')}?fieldManager=apply${query}`, body, 'application/apply-patch+yaml');
  await t.rejects(apply(''), { code: 409, message: 'Apply failed with 1 conflict: conflict with "new" using autoscaling/v2: .spec.metrics' });
  const forced = await apply('&force=true');
  t.strictSame([specOf(forced, 'apply'), specOf(forced, 'new')], [{ 'f:targetCPUUtilizationPercentage': {} }, rest]);
  await t.rejects(apply('', { ...applied, spec: { maxReplicas: 9 } }), { message: 'Apply failed with 1 conflict: conflict with "new" using autoscaling/v2: .spec.maxReplicas' });
  t.match(await apply('', { ...applied, spec: { maxReplicas: 5 } }), { spec: { maxReplicas: 5 } });
});
