// CSI volumes as the scheduler sees them: how many a node takes, and where there is room for one that is still to be made.
import t from 'tap';
import type { CSIDriver, CSINode, CSIStorageCapacity, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../../internal/kinds/generated/api-types.ts';
import { schedule, type Decision, type SchedulingState } from '../../../internal/scheduler/pass.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const DRIVER = 'd.example.com';
const meta = (name: string, more: object = {}): Pod['metadata'] => ({ name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...more });
const node = (name: string): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: meta(name, { labels: { zone: `z-${name}` } }), spec: {}, status: { allocatable: { cpu: '2', memory: '4Gi', pods: '110' } } });
const claim = (name: string, volumeName = ''): PersistentVolumeClaim => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta(name, volumeName === '' ? {} : { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }), spec: { storageClassName: 'k', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } }, ...(volumeName !== '' && { volumeName }) }, status: { phase: volumeName === '' ? 'Pending' : 'Bound' } });
const volume = (name: string): PersistentVolume => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: meta(name), spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, csi: { driver: DRIVER, volumeHandle: `h-${name}` } }, status: { phase: 'Bound' } });
const pod = (name: string, claims: string[], nodeName = ''): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: meta(name), spec: { containers: [{ name: 'c', image: 'i' }], volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })), ...(nodeName !== '' && { nodeName }) }, status: { phase: 'Pending' } });
const csiNode = (name: string, count: number): CSINode => ({ apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: meta(name), spec: { drivers: [{ name: DRIVER, nodeID: name, allocatable: { count } }] } });
const room = (name: string, more: Partial<CSIStorageCapacity>): CSIStorageCapacity => ({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIStorageCapacity', metadata: meta(`room-${name}`), storageClassName: 'k', nodeTopology: { matchLabels: { zone: `z-${name}` } }, ...more });

interface Given {
  pending: Pod[];
  running?: Pod[];
  limits?: Record<string, number>;
  attached?: Record<string, string[]>;
  capacities?: CSIStorageCapacity[];
}

function decide({ pending, running = [], limits = {}, attached = {}, capacities = [] }: Given): Decision[] {
  const storageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: meta('k'), provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer' } as StorageClass;
  const driver = { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: meta(DRIVER), spec: { storageCapacity: true } } as CSIDriver;
  const state: SchedulingState = {
    nodes: [node('a'), node('b')], pending, podsOf: (name) => running.filter(({ spec }) => spec.nodeName === name), budgets: [], namespace: () => undefined, claims: { claim: () => undefined, all: () => [], slices: () => [], deviceClass: () => undefined, made: new Map() },
    volumes: {
      claim: (_namespace, name) => claim(name, name.startsWith('v') ? name : ''), volume: (name) => (name === '' ? undefined : volume(name)), storageClass: () => storageClass, all: () => [], taken: new Set(),
      csi: {
        driver: () => driver, node: (name) => (limits[name] === undefined ? undefined : csiNode(name, limits[name])), capacities: () => capacities,
        attachedTo: (name) => (attached[name] ?? []).map((each) => [`${DRIVER}/h-${each}`, DRIVER] as const),
      },
    },
  };
  return schedule(state, NOW);
}

function outcome(decisions: Decision[]): string {
  return decisions.map((decision) => (decision.type === 'bind' || decision.type === 'choose' ? decision.node : decision.type === 'reject' ? decision.condition.message?.split(' no new claims')[0] ?? '' : decision.type)).join(' ');
}

t.test('no more volumes than a driver takes on a node', async (t) => {
  const FULL = '0/2 nodes are available: 2 node(s) exceed max volume count.';
  t.equal(outcome(decide({ pending: [pod('p', ['v1', 'v2'])], limits: { a: 1, b: 2 } })), 'b');
  t.equal(outcome(decide({ pending: [pod('p', ['v1'])], running: [pod('q', ['v2'], 'a')], limits: { a: 1, b: 0 } })), FULL);
  t.equal(outcome(decide({ pending: [pod('p', ['v1'])], running: [pod('q', ['v1'], 'a')], limits: { a: 1, b: 0 } })), 'a', 'a volume that is there counts once');
  t.equal(outcome(decide({ pending: [pod('p', ['v1'])], attached: { a: ['v2'] }, limits: { a: 1, b: 0 } })), FULL, 'attached though no pod has it');
  t.equal(outcome(decide({ pending: [pod('p', ['v1'])], running: [pod('q', ['v2'], 'a')], attached: { a: ['v2'] }, limits: { a: 2, b: 0 } })), 'a', 'attached for a pod: once');
  t.equal(outcome(decide({ pending: [pod('p', ['v1'])] })), 'a', 'without a word, without a limit');
});

t.test('a volume is made where there is room', async (t) => {
  t.equal(outcome(decide({ pending: [pod('p', ['new'])], capacities: [room('a', { capacity: '4Gi' }), room('b', { capacity: '5Gi' })] })), 'b');
  t.equal(outcome(decide({ pending: [pod('p', ['new'])], capacities: [room('a', { capacity: '50Gi', maximumVolumeSize: '1Gi' }), room('b', { capacity: '1Gi' })] })), '0/2 nodes are available: 2 node(s) did not have enough free storage.');
  t.equal(outcome(decide({ pending: [pod('p', ['new'])], capacities: [room('a', { capacity: '50Gi', storageClassName: 'other' })] })), '0/2 nodes are available: 2 node(s) did not have enough free storage.');
});
