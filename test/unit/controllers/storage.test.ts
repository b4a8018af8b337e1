// Plans of storage loops as tables: what a claim, a volume and what protects them are to become.
import t from 'tap';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../internal/kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS } from '../../../internal/kinds/generated/resources.ts';
import type { Action } from '../../../internal/controllers/action.ts';
import { plan as planClaim, type ClaimState } from '../../../internal/controllers/volumes/claim-binding.ts';
import { plan as planProvisioning } from '../../../internal/controllers/volumes/local-provisioning.ts';
import { plan as planReclaiming } from '../../../internal/controllers/volumes/local-reclaiming.ts';
import { plan as planProtection } from '../../../internal/controllers/volumes/protection.ts';
import { plan as planVolume } from '../../../internal/controllers/volumes/binding.ts';
import { testNode } from './cluster.ts';

type Parts<T extends { metadata: object; spec: object; status?: object }> = { metadata?: Partial<T['metadata']>; spec?: Partial<T['spec']>; status?: T['status'] };
const META = { resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 };
const claim = ({ metadata, spec, status }: Parts<PersistentVolumeClaim> = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...META, namespace: 'ns', name: 'c', uid: 'u1', ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, storageClassName: 'k', ...spec }, status: { phase: 'Pending', ...status },
}) as PersistentVolumeClaim;
const volume = (name: string, { metadata, spec, status }: Parts<PersistentVolume> = {}): PersistentVolume => ({
  apiVersion: 'v1', kind: 'PersistentVolume', metadata: { ...META, name, uid: `uid-${name}`, ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, storageClassName: 'k', persistentVolumeReclaimPolicy: 'Retain', ...spec }, status: { phase: 'Available', ...status },
}) as PersistentVolume;
const storageClass = (more: Partial<StorageClass> = {}): StorageClass => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { ...META, name: 'k', uid: 'k' }, provisioner: 'example.com/disk', volumeBindingMode: 'Immediate', ...more }) as StorageClass;
const WAITS = storageClass({ volumeBindingMode: 'WaitForFirstConsumer' });
const mine = { kind: 'PersistentVolumeClaim', namespace: 'ns', name: 'c', uid: 'u1' };
const COMPLETE = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } };

function told(actions: readonly Action[]): string[] {
  return actions.flatMap((action) => {
    if (action.type === 'event') return `${action.note.reason}: ${action.note.message}`;
    if (action.type !== 'update') return action.type;
    const { kind, metadata, status, spec } = action.object as unknown as { kind: string; metadata: { name: string }; status?: { phase?: string }; spec: { claimRef?: { uid?: string }; volumeName?: string; storageClassName?: string } };
    const what = action.subresource === 'status' ? `is ${status?.phase ?? ''}` : kind === 'PersistentVolume' ? `for ${spec.claimRef?.uid ?? 'nobody'}` : `on ${spec.volumeName ?? spec.storageClassName ?? ''}`;
    return [`${metadata.name} ${what}`, ...('done' in action && action.done !== undefined ? [action.done.reason] : [])];
  });
}

t.test('claims', async (t) => {
  const cases: [title: string, state: Partial<ClaimState> & { claim: PersistentVolumeClaim }, expected: string[]][] = [
    ['the smallest volume that fits', { claim: claim(), volumes: [volume('big'), volume('fit', { spec: { capacity: { storage: '2Gi' } } }), volume('small', { spec: { capacity: { storage: '1Gi' } } })] }, ['fit for u1']],
    ['of those with the fewest access modes', { claim: claim(), volumes: [volume('both', { spec: { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], capacity: { storage: '2Gi' } } }), volume('one')] }, ['one for u1']],
    ['one that is kept for it comes first, were it of another class', { claim: claim(), volumes: [volume('fit'), volume('kept', { spec: { storageClassName: '', claimRef: { namespace: 'ns', name: 'c' } } })] }, ['kept for u1']],
    ['not one that is another claim\'s, released, going, or of another mode', {
      claim: claim({ spec: { storageClassName: '' } }),
      volumes: [volume('a', { spec: { claimRef: { ...mine, uid: 'u2' } } }), volume('b', { status: { phase: 'Released' } }), volume('c', { metadata: { deletionTimestamp: 'now' } }), volume('d', { spec: { volumeMode: 'Block' } })].map((each) => ({ ...each, spec: { ...each.spec, storageClassName: '' } })),
    }, ['FailedBinding: no persistent volumes available for this claim and no storage class is set']],
    ['labels are asked for', { claim: claim({ spec: { selector: { matchLabels: { disk: 'b' } } } }), volumes: [volume('a'), volume('b', { metadata: { labels: { disk: 'b' } } })] }, ['b for u1']],
    ['second step: the volume\'s phase', { claim: claim(), volumes: [volume('v', { spec: { claimRef: mine } })] }, ['v is Bound']],
    ['third step: the claim', { claim: claim(), volumes: [volume('v', { spec: { claimRef: mine }, status: { phase: 'Bound' } })] }, ['c on v']],
    ['fourth step: its phase', { claim: claim({ metadata: COMPLETE, spec: { volumeName: 'v' } }), named: volume('v', { spec: { claimRef: mine }, status: { phase: 'Bound' } }) }, ['c is Bound']],
    ['and then nothing', { claim: claim({ metadata: COMPLETE, spec: { volumeName: 'v' }, status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } } }), named: volume('v', { spec: { claimRef: mine }, status: { phase: 'Bound' } }) }, []],
    ['a class that waits', { claim: claim(), volumes: [volume('v')], storageClass: WAITS }, ['WaitForFirstConsumer: waiting for first consumer to be created before binding']],
    ['a class that waits, for a pod', { claim: claim(), volumes: [volume('v')], storageClass: WAITS, waiting: ['p'] }, ['WaitForPodScheduled: waiting for pod p to be scheduled']],
    ['a node was chosen: its provisioner is told', { claim: claim({ metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n' } } }), storageClass: WAITS }, ['c on k']],
    ['no such class', { claim: claim() }, ['ProvisioningFailed: storageclass.storage.k8s.io "k" not found']],
    ['no provisioner', { claim: claim(), storageClass: storageClass({ provisioner: 'kubernetes.io/no-provisioner' }) }, ['ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner']],
    ['a default class that came later', { claim: claim({ spec: { storageClassName: undefined as never } }), defaultClass: storageClass() }, ['c on k']],
    ['a named volume that does not fit', { claim: claim({ spec: { volumeName: 'v' } }), named: volume('v', { spec: { capacity: { storage: '1Gi' } } }) }, ['VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small']],
    ['a named volume that is another\'s', { claim: claim({ spec: { volumeName: 'v' } }), named: volume('v', { spec: { claimRef: { ...mine, uid: 'u2' } } }) }, ['FailedBinding: volume "v" already bound to a different claim.']],
    ['a named volume that is not there yet', { claim: claim({ spec: { volumeName: 'v' } }) }, []],
    ['a volume that has gone', { claim: claim({ metadata: COMPLETE, spec: { volumeName: 'v' }, status: { phase: 'Bound' } }) }, ['c is Lost', 'ClaimLost']],
    ['a volume that is bound to another', { claim: claim({ metadata: COMPLETE, spec: { volumeName: 'v' }, status: { phase: 'Bound' } }), named: volume('v', { spec: { claimRef: { ...mine, uid: 'u2' } } }) }, ['c is Lost', 'ClaimMisbound']],
  ];
  for (const [title, state, expected] of cases) {
    const { actions } = planClaim({ named: undefined, volumes: [], storageClass: undefined, defaultClass: undefined, waiting: [], ...state });
    t.strictSame(told(actions), expected, title);
  }
});

t.test('volumes', async (t) => {
  const cases: [title: string, volume: PersistentVolume, claim: PersistentVolumeClaim | undefined, expected: string[]][] = [
    ['free', volume('v', { status: { phase: 'Pending' } }), undefined, ['v is Available']],
    ['kept for a claim that is to come', volume('v', { spec: { claimRef: { namespace: 'ns', name: 'c' } }, status: { phase: 'Pending' } }), undefined, ['v is Available']],
    ['bound', volume('v', { spec: { claimRef: mine } }), claim({ spec: { volumeName: 'v' } }), ['v is Bound']],
    ['its claim has gone', volume('v', { spec: { claimRef: mine }, status: { phase: 'Bound' } }), undefined, ['v is Released']],
    ['retained', volume('v', { spec: { claimRef: mine }, status: { phase: 'Released' } }), undefined, []],
    ['nobody can delete it', volume('v', { spec: { claimRef: mine, persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Released' } }), undefined, ['v is Failed', 'VolumeFailedDelete']],
    ['its provisioner deletes it', volume('v', { metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } }, spec: { claimRef: mine, persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Released' } }), undefined, []],
    ['there is no recycling', volume('v', { spec: { claimRef: mine, persistentVolumeReclaimPolicy: 'Recycle' }, status: { phase: 'Released' } }), undefined, ['v is Failed', 'VolumeFailedRecycle']],
    ['the claim went with another: what the binder chose is free', volume('v', { metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } }, spec: { claimRef: mine } }), claim({ spec: { volumeName: 'w' } }), ['v for nobody']],
  ];
  for (const [title, each, bound, expected] of cases) t.strictSame(told(planVolume({ volume: each, claim: bound }).actions), expected, title);
});

t.test('protection', async (t) => {
  const about = { resource: PERSISTENTVOLUMECLAIMS as never, finalizer: 'kubernetes.io/pvc-protection' };
  const finalizersAfter = (metadata: Partial<PersistentVolumeClaim['metadata']>, inUse: boolean): unknown => planProtection({ object: claim({ metadata }), inUse }, about).actions.map((action) => (action as unknown as { object: PersistentVolumeClaim }).object.metadata.finalizers);
  t.strictSame(finalizersAfter({}, false), [['kubernetes.io/pvc-protection']], 'put on where admission was not asked');
  t.strictSame(finalizersAfter({ finalizers: [about.finalizer, 'mine'], deletionTimestamp: 'now' }, true), [], 'kept while it is used');
  t.strictSame(finalizersAfter({ finalizers: [about.finalizer, 'mine'], deletionTimestamp: 'now' }, false), [['mine']], 'taken off');
});

t.test('local volumes', async (t) => {
  const local = storageClass({ provisioner: 'rancher.io/local-path', reclaimPolicy: 'Delete' });
  const chosen = { annotations: { 'volume.kubernetes.io/storage-provisioner': 'rancher.io/local-path', 'volume.kubernetes.io/selected-node': 'n1' } };
  const node = testNode('n1') as never;
  const provisioning = (each: PersistentVolumeClaim, there = true): string[] => planProvisioning({ claim: each, storageClass: local, node: there ? node : undefined, isMade: false }).actions.map((action) => (action.type === 'make' ? action.folder : action.type));
  t.strictSame(provisioning(claim({ metadata: chosen })), ['pvc-u1_ns_c']);
  t.strictSame(provisioning(claim({ metadata: { ...chosen, name: 'x'.repeat(253) } })).map(({ length }) => length), [255], 'a folder\'s name fits');
  t.strictSame(provisioning(claim({ metadata: chosen }), false), ['reschedule'], 'the node has gone');
  t.strictSame(provisioning(claim({ metadata: chosen, spec: { volumeMode: 'Block' } })), ['refuse']);
  t.strictSame(provisioning(claim({ metadata: chosen, spec: { accessModes: ['ReadWriteMany'] } })), ['refuse']);

  const made = (policy: 'Delete' | 'Retain', metadata = {}): PersistentVolume => volume('v', { metadata: { finalizers: ['external-provisioner.volume.kubernetes.io/finalizer'], ...metadata }, spec: { persistentVolumeReclaimPolicy: policy, local: { path: '/s/v' } }, status: { phase: 'Released' } });
  const reclaiming = (each: PersistentVolume, there = true): string[] => planReclaiming({ volume: each, node: there ? node : undefined }).actions.map(({ type }) => type);
  t.strictSame(reclaiming(made('Delete')), ['removeFolder', 'delete', 'letGo']);
  t.strictSame(reclaiming(made('Delete', { deletionTimestamp: 'now' })), ['removeFolder', 'letGo']);
  t.strictSame(reclaiming(made('Delete', { deletionTimestamp: 'now', finalizers: ['kubernetes.io/pv-protection'] })), [], 'done');
  t.strictSame(reclaiming(made('Delete'), false), ['delete', 'letGo'], 'the node is no longer of the cluster');
  t.strictSame(reclaiming(made('Retain')), ['letGo'], 'the policy was changed: the folder stays');
});
