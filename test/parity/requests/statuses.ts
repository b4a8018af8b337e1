// What is said of volume claims, resource claims and nodes once they are there, and updates of what may not change: one row for each class
// that a comparison of 25,000 generated updates has found.
import type { Row } from '../exchange.ts';
import { patch, post, put, remove } from '../rows.ts';

const OWN = '{ns}-statuses';
const CORE = `/api/v1/namespaces/${OWN}`;
const DEVICES = `/apis/resource.k8s.io/v1/namespaces/${OWN}`;
const NODE = '/api/v1/nodes/{ns}-said';
const CLASS = '/apis/resource.k8s.io/v1/deviceclasses/{ns}-said';
const SLICE = '/apis/resource.k8s.io/v1/resourceslices/{ns}-said';
const ATTACHMENT = '/apis/storage.k8s.io/v1/volumeattachments/{ns}-said';
const VOLUME = '/api/v1/persistentvolumes/{ns}-said';

function object(apiVersion: string, kind: string, rest: object = {}, name = 'said'): object {
  return { apiVersion, kind, metadata: { name }, ...rest };
}

const claimSpec = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpus' } }] } };
const node = (part: object): object => object('v1', 'Node', part, '{ns}-said');
const slice = (part: object): object => object('resource.k8s.io/v1', 'ResourceSlice', { spec: { driver: 'd.example.test', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, nodeName: 'n', ...part } }, '{ns}-said');
const volume = (values: readonly string[]): object => object('v1', 'PersistentVolume', { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], local: { path: '/x' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values }] }] } } } }, '{ns}-said');

const SCENE: readonly Row[] = [
  post('namespace of statuses', '/api/v1/namespaces', object('v1', 'Namespace', {}, OWN)),
  post('volume claim of statuses', `${CORE}/persistentvolumeclaims`, object('v1', 'PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } } })),
  post('claim of statuses', `${DEVICES}/resourceclaims`, object('resource.k8s.io/v1', 'ResourceClaim', { spec: claimSpec })),
  post('template of statuses', `${DEVICES}/resourceclaimtemplates`, object('resource.k8s.io/v1', 'ResourceClaimTemplate', { spec: { spec: claimSpec } })),
  post('node of statuses', '/api/v1/nodes', node({})),
  post('device class of statuses', '/apis/resource.k8s.io/v1/deviceclasses', object('resource.k8s.io/v1', 'DeviceClass', {}, '{ns}-said')),
  post('slice of statuses', '/apis/resource.k8s.io/v1/resourceslices', slice({})),
];

const ofVolumeClaim = (name: string, status: object): Row => patch(`volume claim: ${name}`, `${CORE}/persistentvolumeclaims/said/status`, { status }, 'merge');

const VOLUME_CLAIMS: readonly Row[] = [
  ofVolumeClaim('grows', { allocatedResources: { storage: '2Gi', 'example.test/x': '1' }, allocatedResourceStatuses: { storage: 'NodeResizePending' }, capacity: { storage: '1Gi' } }),
  patch('volume claim: another class', `${CORE}/persistentvolumeclaims/said`, { spec: { storageClassName: 'other' } }, 'merge'),
  patch('volume claim: another size and volume', `${CORE}/persistentvolumeclaims/said`, { spec: { accessModes: ['ReadOnlyMany', 'ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, volumeName: 'v' } }, 'merge'),
  ofVolumeClaim('negative capacity', { capacity: { storage: '-1' } }),
  ofVolumeClaim('grows in what is no storage', { allocatedResources: { cpu: '1' } }),
  ofVolumeClaim('grows by less than nothing', { allocatedResources: { storage: '-1' } }),
  ofVolumeClaim('a name that is none', { allocatedResources: { 'a b': '1' } }),
  ofVolumeClaim('grows in an unknown way', { allocatedResourceStatuses: { storage: 'Perhaps' } }),
];

const device = { driver: 'd.example.test', pool: 'p', device: 'gpu-0' };
const result = { request: 'gpu', ...device };
const results = (...list: object[]): object => ({ allocation: { devices: { results: list } } });
const pod = { resource: 'pods', name: 'p', uid: 'u' };
const now = '2026-01-01T00:00:00Z';
const ready = { type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: now };
const ofClaim = (name: string, status: object): Row => patch(`claim: ${name}`, `${DEVICES}/resourceclaims/said/status`, { status }, 'merge');

const CLAIMS: readonly Row[] = [
  ofClaim('reserved before it is allocated', { reservedFor: [pod] }),
  ofClaim('a device that is not its own', { devices: [device] }),
  ofClaim('an unknown request', results({ ...result, request: 'cpu' })),
  ofClaim('a device without names', results({ request: 'gpu', driver: '', pool: '', device: '' })),
  ofClaim('configuration without parameters', { allocation: { devices: { results: [result], config: [{ source: 'FromClaim', requests: ['gpu'], opaque: { driver: 'd.example.test', parameters: [] } }] } } }),
  ofClaim('a node selector without terms', { allocation: { ...results(result), nodeSelector: { nodeSelectorTerms: [] } } }),
  ofClaim('is allocated', results(result)),
  ofClaim('reserved by nobody', { reservedFor: [{ resource: 'pods', name: '', uid: '' }] }),
  ofClaim('reserved', { reservedFor: [pod] }),
  ofClaim('its device is ready', { devices: [{ ...device, conditions: [ready], data: { a: 1 }, networkData: { interfaceName: 'eth0', ips: ['10.0.0.5/24', '2001:db8::5/64'] } }] }),
  ofClaim('its device twice', { devices: [device, device] }),
  ofClaim('its device in no condition', { devices: [{ ...device, conditions: [{ ...ready, status: 'Perhaps', reason: '' }] }] }),
  ofClaim('its device with data that is no object', { devices: [{ ...device, data: [1] }] }),
  ofClaim('its device at no address', { devices: [{ ...device, networkData: { ips: ['10.0.0.5', '10.0.0.5/33', '2001:DB8::5/64'] } }] }),
  ofClaim('is given back with what was said of the device', { allocation: null, reservedFor: null }),
  patch('template: metadata that it cannot have', `${DEVICES}/resourceclaimtemplates/said`, { spec: { metadata: { name: 'x' } } }, 'merge'),
  patch('claim: other requests', `${DEVICES}/resourceclaims/said`, { spec: { devices: { requests: [{ name: 'b', firstAvailable: [{ name: 'c', deviceClassName: 'd' }] }] } } }, 'merge'),
  patch('device class: a name that is no extended resource', CLASS, { spec: { extendedResourceName: '/abs' } }, 'merge'),
  put('slice: another driver', SLICE, slice({ driver: 'e.example.test' })),
];

const ofNode = (name: string, status: object): Row => patch(`node: ${name}`, `${NODE}/status?dryRun=All`, { status }, 'merge');

const NODES: readonly Row[] = [
  ofNode('features', { declaredFeatures: ['A', 'B/c'] }),
  ofNode('features out of order', { declaredFeatures: ['B', 'A', 'A'] }),
  ofNode('features without a name', { declaredFeatures: ['ok-name'] }),
  ofNode('an address twice', { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }, { type: 'InternalIP', address: '10.0.0.1' }] }),
  ofNode('negative capacity', { capacity: { cpu: '-1' } }),
  ofNode('half a device', { allocatable: { 'example.test/x': '500m' } }),
];

const OTHERS: readonly Row[] = [
  patch('namespace: an odd phase', `/api/v1/namespaces/${OWN}/status`, { status: { phase: 'Odd' } }, 'merge'),
  post('volume of statuses', '/api/v1/persistentvolumes', volume(['a'])),
  patch('volume: at no node', VOLUME, { spec: { nodeAffinity: null } }, 'merge'),
  patch('volume: elsewhere', VOLUME, { spec: { local: null, csi: { driver: 'd.example.test', volumeHandle: 'h', volumeAttributes: { b: '1', a: '2' } } } }, 'merge'),
  patch('volume: a status that says nothing', `${VOLUME}/status`, { status: { message: 'm' } }, 'merge'),
  remove('volume gone', VOLUME),
  post('attachment of statuses', '/apis/storage.k8s.io/v1/volumeattachments', object('storage.k8s.io/v1', 'VolumeAttachment', { spec: { attacher: 'd.example.test', nodeName: 'n', source: { persistentVolumeName: 'p' } } }, '{ns}-said')),
  patch('attachment: to another node', ATTACHMENT, { spec: { nodeName: 'm' } }, 'merge'),
  post('name of another place', `${CORE}/services?dryRun=All`, object('v1', 'Service', { spec: { type: 'ExternalName', externalName: 'a.example.test', internalTrafficPolicy: 'Odd' } })),
  ...[NODE, CLASS, SLICE, ATTACHMENT].map((path) => remove(`gone: ${path.split('/').at(-2) ?? ''}`, path)),
];

export const STATUSES: readonly Row[] = [...SCENE, ...VOLUME_CLAIMS, ...CLAIMS, ...NODES, ...OTHERS];
