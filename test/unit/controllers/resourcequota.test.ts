// Quotas: what counts for how much, in which scopes; and that admission lets in exactly as many as there is room for, however many ask at once.
import t from 'tap';
import { resourceQuota } from '../../../internal/admission/resource-quota.ts';
import type { AdmissionRequest } from '../../../internal/admission/admission.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { plan } from '../../../internal/controllers/resourcequota.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import { quotaRulesOf, type QuotaRules } from '../../../internal/kinds/core/quota-usage.ts';
import type { PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaSpec, Service } from '../../../internal/kinds/generated/api-types.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';

const kinds = loadKinds(loadSchemas());
const meta = (name: string): KubeObject['metadata'] => ({ name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
const pod = (name: string, requests: Record<string, string> = {}, extra: Partial<Pod['spec']> = {}): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: meta(name), spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...extra } });
const quota = (spec: ResourceQuotaSpec, used?: Record<string, string>): ResourceQuota => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: meta('q'), spec, ...(used !== undefined && { status: { hard: spec.hard ?? {}, used } }) });
const rules = (resource: string): QuotaRules => quotaRulesOf('', resource) as QuotaRules;
const used = (spec: ResourceQuotaSpec, objects: Record<string, KubeObject[]>): unknown => {
  const [action] = plan({ quota: quota(spec), counted: Object.entries(objects).map(([resource, all]) => ({ rules: rules(resource), objects: all })) }, Date.parse('2026-01-01T01:00:00Z')).actions;
  return action?.type === 'update' ? (action.object as ResourceQuota).status?.used : undefined;
};

t.test('pods count what they ask for while they are alive', async (t) => {
  const done: Pod = { ...pod('done', { cpu: '1' }), status: { phase: 'Succeeded' } };
  const overdue: Pod = { ...pod('lost', { cpu: '1' }), metadata: { ...meta('lost'), deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 } };
  const hard = { pods: '9', 'count/pods': '9', cpu: '9', 'requests.memory': '9Gi', 'limits.cpu': '9', 'requests.example.com/gpu': '3' };
  t.same(used({ hard }, { pods: [pod('a', { cpu: '500m', memory: '1Gi', 'example.com/gpu': '1' }), pod('b', { cpu: '250m' }), done, overdue] }), { pods: '2', 'count/pods': '4', cpu: '750m', 'requests.memory': '1Gi', 'limits.cpu': '0', 'requests.example.com/gpu': '1' });
  const heavyInit = pod('init', { cpu: '100m' }, { initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '1' } } }], overhead: { cpu: '10m' } });
  t.same(used({ hard: { cpu: '9' } }, { pods: [heavyInit] }), { cpu: '1010m' });
});

t.test('scopes choose pods', async (t) => {
  const pods = [pod('plain'), pod('sized', { cpu: '1' }), pod('bounded', {}, { activeDeadlineSeconds: 5 }), pod('first', {}, { priorityClassName: 'high' })];
  const count = (spec: ResourceQuotaSpec): unknown => (used({ ...spec, hard: { pods: '9' } }, { pods }) as { pods: string }).pods;
  t.equal(count({ scopes: ['BestEffort'] }), '3');
  t.equal(count({ scopes: ['NotBestEffort'] }), '1');
  t.equal(count({ scopes: ['Terminating'] }), '1');
  t.equal(count({ scopes: ['NotTerminating', 'BestEffort'] }), '2');
  t.equal(count({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }), '1');
});

t.test('services, claims and the rest', async (t) => {
  const service = (type: 'NodePort' | 'LoadBalancer' | 'ClusterIP'): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: meta(type), spec: { type, ports: [{ port: 1 }, { port: 2 }] } });
  t.same(used({ hard: { services: '9', 'services.nodeports': '9', 'services.loadbalancers': '9' } }, { services: [service('NodePort'), service('LoadBalancer'), service('ClusterIP')] }), { services: '3', 'services.nodeports': '4', 'services.loadbalancers': '1' });
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta('c'), spec: { storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } } };
  t.same(used({ hard: { persistentvolumeclaims: '9', 'requests.storage': '9Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '9Gi', 'silver.storageclass.storage.k8s.io/requests.storage': '9Gi' } }, { persistentvolumeclaims: [claim] }), { persistentvolumeclaims: '1', 'requests.storage': '1Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi', 'silver.storageclass.storage.k8s.io/requests.storage': '0' });
  t.same(used({ hard: { secrets: '9', 'count/secrets': '9' } }, { secrets: [{ apiVersion: 'v1', kind: 'Secret', metadata: meta('s') }] }), { secrets: '1', 'count/secrets': '1' });
  t.equal(quotaRulesOf('', 'events'), undefined);
  t.ok(quotaRulesOf('apps', 'deployments')?.counts('count/deployments.apps'));
});

const request = (object: KubeObject): AdmissionRequest => {
  const kind = kinds.byKind('', 'v1', object.kind);
  if (kind === undefined) throw new Error(object.kind);
  return { operation: 'CREATE', kind, namespace: 'default', name: '', subresource: '', user: { username: 'u', groups: [] }, dryRun: false, options: {} as AdmissionRequest['options'], object, old: undefined, warn: () => {} };
};

t.test('of ten at once, three get in', async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  t.teardown(() => store.close());
  await store.create({ group: '', resource: 'resourcequotas' }, quota({ hard: { pods: '3' } }, { pods: '0' }), 'durable');
  const plugin = resourceQuota(store, systemClock);
  const results = await Promise.allSettled(Array.from({ length: 10 }, async (_, index) => plugin.validate?.(request(pod(`p${String(index)}`)))));
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
  const refused = results.find((result) => result.status === 'rejected');
  t.match(String(refused?.reason), /pods "p\d" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3$/);
  t.equal((store.get({ group: '', resource: 'resourcequotas' }, { namespace: 'default', name: 'q' }) as ResourceQuota).status?.used?.pods, '3');
});

t.test('who has to say how much, and a quota that is not counted yet', async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  t.teardown(() => store.close());
  await store.create({ group: '', resource: 'resourcequotas' }, quota({ hard: { cpu: '3', 'limits.memory': '1Gi' } }, { cpu: '0' }), 'durable');
  const plugin = resourceQuota(store, systemClock);
  await t.rejects(Promise.resolve(plugin.validate?.(request(pod('p')))), { message: 'pods "p" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c' });
  const full = pod('p', { cpu: '1' });
  full.spec.containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' }, limits: { memory: '1Mi' } } }];
  await t.rejects(Promise.resolve(plugin.validate?.(request(full))), { message: 'pods "p" is forbidden: status unknown for quota: q, resources: cpu,limits.memory' });
});
