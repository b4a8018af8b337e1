// Rules of StatefulSets, DaemonSets, claims, volumes and disruption budgets, in upstream's words.
import t from 'tap';
import { errorBody, type FieldError } from '../../../internal/api/field-error.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import { daemonSet } from '../../../internal/kinds/apps/daemonset.ts';
import { persistentVolume } from '../../../internal/kinds/core/persistentvolume.ts';
import { persistentVolumeClaim } from '../../../internal/kinds/core/persistentvolumeclaim.ts';
import { podDisruptionBudget } from '../../../internal/kinds/policy/poddisruptionbudget.ts';
import { statefulSet } from '../../../internal/kinds/apps/statefulset.ts';
import type { DaemonSet, PersistentVolume, PersistentVolumeClaim, PodDisruptionBudget, StatefulSet } from '../../../internal/kinds/generated/api-types.ts';

const context = { now: 0, user: 'u' };
const words = (errors: FieldError[] | undefined): string[] => (errors ?? []).map((error) => `${error.field}: ${errorBody(error)}`);
const object = <T extends KubeObject>(rest: object): T => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }, ...rest }) as unknown as T;
const template = { metadata: { labels: { app: 'x' } }, spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }] } };

t.test('a StatefulSet: policies, strategy, what may change', async (t) => {
  const set = (spec: object): StatefulSet => {
    const made = object<StatefulSet>({ spec: { selector: { matchLabels: { app: 'x' } }, template: structuredClone(template), serviceName: 's', ...spec } });
    statefulSet.applyDefaults?.(made);
    return made;
  };
  t.same(words(statefulSet.validateCreate?.(set({}), context)), []);
  t.same(words(statefulSet.validateCreate?.(set({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }), context)), ["spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'"]);
  t.same(words(statefulSet.validateCreate?.(set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } }), context)), ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0']);
  t.same(words(statefulSet.validateUpdate?.(set({ replicas: 5, minReadySeconds: 3 }), set({}), context)), []);
  t.match(words(statefulSet.validateUpdate?.(set({ serviceName: 'other' }), set({}), context)), [/^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/]);
  t.same(words(statefulSet.validateStatusUpdate?.({ ...set({}), status: { replicas: 1, readyReplicas: 2 } }, set({}), context)), ['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas']);
});

t.test('a DaemonSet: surge or unavailability, and the count of its templates', async (t) => {
  const set = (rollingUpdate: object | undefined): DaemonSet => {
    const made = object<DaemonSet>({ spec: { selector: { matchLabels: { app: 'x' } }, template: structuredClone(template), updateStrategy: { type: 'RollingUpdate', ...(rollingUpdate !== undefined && { rollingUpdate }) } } });
    daemonSet.applyDefaults?.(made);
    return made;
  };
  t.same(words(daemonSet.validate?.(set(undefined), context)), []);
  t.same(words(daemonSet.validate?.(set({ maxUnavailable: 1, maxSurge: 1 }), context)), ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero']);
  t.same(words(daemonSet.validate?.(set({ maxUnavailable: 0, maxSurge: 0 }), context)), ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0']);
  const [old, next] = [set(undefined), set(undefined)];
  daemonSet.prepareForCreate?.(old, context);
  next.spec.template.metadata = { labels: { app: 'x', more: 'y' } } as unknown as DaemonSet['metadata'];
  daemonSet.prepareForUpdate?.(next, old, context);
  t.equal(next.metadata.annotations?.['deprecated.daemonset.template.generation'], '2');
});

t.test('claims and volumes', async (t) => {
  const claim = (spec: object, status: object = {}): PersistentVolumeClaim => object({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec }, status });
  t.same(words(persistentVolumeClaim.validate?.(claim({}), context)), []);
  t.same(words(persistentVolumeClaim.validate?.(claim({ accessModes: [], resources: {} }), context)), ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value']);
  t.same(words(persistentVolumeClaim.validateUpdate?.(claim({ volumeName: 'v' }), claim({}), context)), []);
  t.match(words(persistentVolumeClaim.validateUpdate?.(claim({ resources: { requests: { storage: '3Gi' } } }), claim({}), context)), [/^spec: Forbidden: spec is immutable after creation except/]);
  t.same(words(persistentVolumeClaim.validateUpdate?.(claim({ resources: { requests: { storage: '3Gi' } } }, { phase: 'Bound' }), claim({}, { phase: 'Bound' }), context)), []);
  const volume = (spec: object): PersistentVolume => object({ spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' }, ...spec } });
  t.same(words(persistentVolume.validate?.(volume({}), context)), []);
  t.same(words(persistentVolume.validate?.(volume({ hostPath: undefined }), context)), ['spec: Required value: must specify a volume type']);
  t.match(words(persistentVolume.validateUpdate?.(volume({ hostPath: { path: '/other' } }), volume({}), context)), [/^spec\.persistentvolumesource: Forbidden/]);
});

t.test('a disruption budget says one thing', async (t) => {
  const budget = (spec: object): PodDisruptionBudget => object({ spec });
  t.same(words(podDisruptionBudget.validate?.(budget({ minAvailable: '50%' }), context)), []);
  t.match(words(podDisruptionBudget.validate?.(budget({ minAvailable: 1, maxUnavailable: '200%' }), context)), [/minAvailable and maxUnavailable cannot be both set$/, /must not be greater than 100%$/]);
});
