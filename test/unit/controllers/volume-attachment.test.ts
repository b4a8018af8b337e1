// What the attach/detach loop does for a node, as a table: when it attaches, when it must wait, in which order it lets go.
import t from 'tap';
import type { Action } from '../../../internal/controllers/action.ts';
import { FORCE_AFTER_MS, plan, type AttachmentState, type Wanted } from '../../../internal/controllers/volumes/attachment.ts';
import { attachmentName } from '../../../internal/kinds/storage/csi-names.ts';
import type { Node, PersistentVolume, Pod, VolumeAttachment } from '../../../internal/kinds/generated/api-types.ts';
import { NODES, PERSISTENTVOLUMES, VOLUMEATTACHMENTS } from '../../../internal/kinds/generated/resources.ts';
import { startCluster, testNode } from './cluster.ts';

const META = { resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };
const NAME = 'kubernetes.io/csi/d^h';
const volume = (accessModes: PersistentVolume['spec']['accessModes'] = ['ReadWriteOnce']): PersistentVolume => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { ...META, name: 'v', uid: 'v' }, spec: { accessModes, csi: { driver: 'd', volumeHandle: 'h' } } }) as PersistentVolume;
const pod = (name: string, namespace = 'ns'): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { ...META, name, namespace, uid: name }, spec: { containers: [] } });
const attachment = (more: { deletionTimestamp?: string; status?: VolumeAttachment['status'] } = {}): AttachmentState['attachments'][number] => ({
  attachment: { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { ...META, name: 'a', uid: 'a', ...(more.deletionTimestamp !== undefined && { deletionTimestamp: more.deletionTimestamp }) }, spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } }, ...(more.status !== undefined && { status: more.status }) },
  volume: volume(),
});
const node = ({ inUse = false, attached = false, ready = true, taint = '' } = {}): Node => {
  const base = testNode('n');
  return {
    ...base, spec: taint === '' ? {} : { taints: [{ key: taint, effect: 'NoExecute' }] },
    status: { ...base.status, ...(inUse && { volumesInUse: [NAME] }), ...(attached && { volumesAttached: [{ name: NAME, devicePath: '' }] }), conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
  };
};
const wanted = (more: Partial<Wanted> = {}): Map<string, Wanted> => new Map([['a', { volume: volume(), pods: [pod('p')], elsewhere: [], podsElsewhere: [], ...more }]]);
const ATTACHED = { attached: true };

function state(more: Partial<AttachmentState>, since = 0): AttachmentState {
  const told = new Set<string>();
  return {
    name: 'n', node: node(), wanted: new Map(), attachments: [], ...more,
    memory: { unwantedSince: () => since, wantedAgain: () => {}, isNews: (what) => !told.has(what) && told.add(what).has(what), isOld: (what) => void told.delete(what) },
  };
}

function told(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    if (action.type === 'event') return `${action.note.about.metadata.name}: ${action.note.reason}: ${action.note.message}`;
    if (action.type === 'create') return `create ${action.object.metadata.name}`;
    if (action.type === 'delete') return `delete ${action.key.name}`;
    return action.type === 'patch' ? `node shows ${JSON.stringify((action.patch.body as { status: { volumesAttached: { name: string }[] } }).status.volumesAttached.map(({ name }) => name))}` : action.type;
  });
}

t.test('attaching and detaching', async (t) => {
  const cases: [title: string, state: AttachmentState, expected: string[], againInMs?: number][] = [
    ['a pod wants it', state({ wanted: wanted() }), ['create a']],
    ['asked for, not there yet', state({ wanted: wanted(), attachments: [attachment()] }), []],
    ['attached: the node is told, and the pod', state({ wanted: wanted(), attachments: [attachment({ status: ATTACHED })] }), [`node shows ["${NAME}"]`, 'p: SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ']],
    ['told', state({ node: node({ attached: true }), wanted: wanted(), attachments: [attachment({ status: ATTACHED })] }), []],
    ['the driver cannot', state({ wanted: wanted(), attachments: [attachment({ status: { attached: false, attachError: { time: '1', message: 'no slot' } } })] }), ['p: FailedAttachVolume: AttachVolume.Attach failed for volume "v" : no slot']],
    ['another node has it', state({ wanted: wanted({ elsewhere: ['m'], podsElsewhere: [pod('q'), pod('r', 'other')] }) }), ['p: FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) q and 1 pod(s) in different namespaces']],
    ['another node has it still, its pod is gone', state({ wanted: wanted({ elsewhere: ['m'] }) }), ['p: FailedAttachVolume: Multi-Attach error for volume "v" Volume is already exclusively attached to one node and can\'t be attached to another']],
    ['another node has it, and may', state({ wanted: wanted({ volume: volume(['ReadWriteMany']), elsewhere: ['m'] }) }), ['create a']],
    ['it is going: only then it comes again', state({ wanted: wanted(), attachments: [attachment({ deletionTimestamp: 'now', status: ATTACHED })] }), []],
    ['nobody wants it, the node uses it', state({ node: node({ inUse: true, attached: true }), attachments: [attachment({ status: ATTACHED })] }), []],
    ['nobody wants or uses it: the node is told first', state({ node: node({ attached: true }), attachments: [attachment({ status: ATTACHED })] }), ['node shows []']],
    ['and when that is seen it goes', state({ attachments: [attachment({ status: ATTACHED })] }), ['delete a']],
    ['used again in between: taken back', state({ node: node({ inUse: true }), attachments: [attachment({ status: ATTACHED })] }), [`node shows ["${NAME}"]`]],
    ['a dead node uses it: six minutes', state({ node: node({ inUse: true, attached: true, ready: false }), attachments: [attachment({ status: ATTACHED })] }, 1000), [], FORCE_AFTER_MS + 1000 - 2000],
    ['a dead node, six minutes later', state({ node: node({ inUse: true, ready: false }), attachments: [attachment({ status: ATTACHED })] }, 2000 - FORCE_AFTER_MS), ['delete a']],
    ['a node that is out of service is not waited for', state({ node: node({ inUse: true, ready: false, taint: 'node.kubernetes.io/out-of-service' }), attachments: [attachment({ status: ATTACHED })] }), ['delete a']],
    ['a node that is gone: six minutes', state({ node: undefined, attachments: [attachment({ status: ATTACHED })] }, 2000), [], FORCE_AFTER_MS],
  ];
  for (const [title, given, expected, againInMs] of cases) {
    const planned = plan(given, 2000);
    t.same(told(planned.actions), expected, title);
    t.equal(planned.againInMs, againInMs, title);
  }
});

t.test('what nobody wants is taken away, but not what somebody else attached under a name of his own', async (t) => {
  const cluster = await startCluster();
  t.teardown(() => cluster.stop());
  await cluster.client.patch(NODES, { namespace: '', name: 'n1' }, { type: 'merge', body: { metadata: { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } } } });
  await cluster.client.create(PERSISTENTVOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } } } as unknown as PersistentVolume);
  const spec = { attacher: 'd', nodeName: 'n1', source: { persistentVolumeName: 'v' } };
  for (const name of ['his-own', attachmentName({ driver: 'd', handle: 'h', node: 'n1' })]) await cluster.client.create(VOLUMEATTACHMENTS, { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec } as VolumeAttachment);
  const left = await cluster.until(VOLUMEATTACHMENTS, (all) => all.length === 1);
  t.same(left.map(({ metadata }) => metadata.name), ['his-own']);
});
