// Device plugins: what is chosen for whom, what is written down of it (as Go's checksum has it), what CDI files change; all values.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { checksumOf, readCheckpoint, writeCheckpoint } from '../../../agents/kubelet/devices/checkpoint.ts';
import { chooseDevices, type Wish } from '../../../agents/kubelet/devices/choice.ts';
import { combine } from '../../../agents/kubelet/devices/combination.ts';
import { encode } from '../../../agents/kubelet/devices/messages.ts';
import { nodeStatus, withoutExtended, type NodeFacts } from '../../../agents/kubelet/node/node-status.ts';
import { addCdiDevices, type EditableSpec } from '../../../agents/runtime/runc/cdi.ts';
import { checkResources } from '../../../agents/kubelet/steps/room.ts';

const wish = (more: Partial<Wish>): Wish => ({ resource: 'example.com/dev', count: 2, given: undefined, healthy: ['a', 'b', 'c'], inUse: new Set(), reusable: [], ...more });

t.test('what an init container left comes first, then what the plugin prefers, then the others in its order', async (t) => {
  t.same(await chooseDevices(wish({})), ['a', 'b']);
  t.same(await chooseDevices(wish({ inUse: new Set(['a']) })), ['b', 'c']);
  t.same(await chooseDevices(wish({ inUse: new Set(['b']), reusable: ['b'] })), ['b', 'a']);
  const asked: object[] = [];
  t.same(await chooseDevices(wish({ inUse: new Set(['b']), reusable: ['b'], preferred: (request) => Promise.resolve((asked.push(request), ['x', 'c'])) })), ['b', 'c']);
  t.same(asked, [{ available: ['a', 'c', 'b'], mustInclude: ['b'], size: 2 }]);
  t.same(await chooseDevices(wish({ given: ['a', 'b'] })), [], 'it has them already');
});

t.test('why there are none, in upstream\'s words', async (t) => {
  await t.rejects(chooseDevices(wish({ healthy: undefined })), { message: 'cannot allocate unregistered device example.com/dev' });
  await t.rejects(chooseDevices(wish({ healthy: [] })), { message: 'no healthy devices present; cannot allocate unhealthy devices example.com/dev' });
  await t.rejects(chooseDevices(wish({ given: ['a', 'z'] })), { message: 'previously allocated devices are no longer healthy; cannot allocate unhealthy devices example.com/dev' });
  await t.rejects(chooseDevices(wish({ inUse: new Set(['a', 'b']) })), { message: 'requested number of devices unavailable for example.com/dev. Requested: 2, Available: 1' });
});

t.test('the checkpoint\'s checksum is that of upstream', (t) => {
  t.equal(checksumOf({ PodDeviceEntries: null, RegisteredDevices: {} }), 3467439661);
  t.equal(checksumOf({ PodDeviceEntries: [], RegisteredDevices: { 'example.com/b': [], 'example.com/a': null } }), 3029588758);
  t.equal(checksumOf({
    PodDeviceEntries: [
      { PodUID: 'u1', ContainerName: 'c "q" é', ResourceName: 'example.com/dev', DeviceIDs: { '-1': ['d1', 'd2'], '10': ['x'], '2': ['y'] }, AllocResp: Buffer.from([10, 0, 255, 16]).toString('base64') },
      { PodUID: 'u2', ContainerName: 'c', ResourceName: 'example.com/dev', DeviceIDs: {}, AllocResp: null },
    ],
    RegisteredDevices: { 'example.com/dev': ['d1', 'd2'], 'a.b/c': ['z'] },
  }), 3838508193);
  t.end();
});

t.test('a checkpoint is read as it was written; one that was changed is not trusted', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-devices-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.equal(readCheckpoint(folder), undefined);
  const holdings = [{ uid: 'u', container: 'c', resource: 'example.com/dev', devices: { '-1': ['a'] }, response: new Uint8Array([1, 2]) }];
  const text = writeCheckpoint(folder, { holdings, registered: { 'example.com/dev': ['a', 'b'] } }, '');
  t.same(readCheckpoint(folder), { holdings: holdings.map((one) => ({ ...one, response: Buffer.from(one.response) })), registered: { 'example.com/dev': ['a', 'b'] } });
  const file = join(folder, 'kubelet_internal_checkpoint');
  t.equal(readFileSync(file, 'utf8'), text);
  writeFileSync(file, text.replace('"c"', '"d"'));
  t.throws(() => readCheckpoint(folder), /checkpoint is corrupted/);
  t.end();
});

t.test('a container gets what all its plugins say; where two disagree, the first counts', (t) => {
  t.same(combine([
    encode('ContainerAllocateResponse', { envs: { A: '1', B: '2' }, devices: [{ containerPath: '/dev/x', hostPath: '/dev/null', permissions: 'rw' }], cdiDevices: [{ name: 'v.com/c=1' }] }),
    encode('ContainerAllocateResponse', { envs: { B: '3', C: '4' }, mounts: [{ containerPath: '/m', hostPath: '/h', readOnly: true }], devices: [{ containerPath: '/dev/x', hostPath: '/dev/zero', permissions: 'r' }], annotations: { k: 'v' }, cdiDevices: [{ name: 'v.com/c=1' }] }),
  ]), {
    env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }, { name: 'C', value: '4' }], mounts: [{ containerPath: '/m', hostPath: '/h', readOnly: true }],
    devices: [{ containerPath: '/dev/x', hostPath: '/dev/null', permissions: 'rw' }], annotations: { k: 'v' }, cdiDevices: ['v.com/c=1'],
  });
  t.equal(combine([]), undefined);
  t.end();
});

t.test('the node\'s status: devices of plugins, and resources that somebody else gave it', (t) => {
  const facts = { ips: [], pressures: [], problem: '', now: 0, handlers: [], capacity: { capacity: { cpu: '2' }, allocatable: { cpu: '1900m' } }, devices: { capacity: { 'example.com/dev': '3' }, allocatable: { 'example.com/dev': '2' } } } as unknown as NodeFacts;
  const { capacity, allocatable } = nodeStatus(facts, { capacity: { 'example.com/hand': '5', cpu: '1' }, allocatable: { 'example.com/hand': '4', 'example.com/gone': '1', other: '1' } });
  t.same(capacity, { 'example.com/hand': '5', cpu: '2', 'example.com/dev': '3' });
  t.same(allocatable, { 'example.com/hand': '5', cpu: '1900m', 'example.com/dev': '2', other: '1' });
  t.same(withoutExtended({ capacity: { cpu: '1', 'example.com/hand': '5', 'example.com/none': '0' } }), { capacity: { 'example.com/hand': '0' }, allocatable: { 'example.com/hand': '0' } });
  t.equal(withoutExtended({ capacity: { cpu: '1' } }), undefined);
  t.end();
});

t.test('a node that has not enough of an extended resource refuses the pod; one that has none of it does not know it', (t) => {
  const pod = (amount: string): never => ({ metadata: { name: 'p', uid: amount }, spec: { containers: [{ name: 'c', resources: { limits: { 'example.com/dev': amount } } }] } }) as never;
  t.same(checkResources(pod('2'), [pod('2')], { pods: '9', 'example.com/dev': '3' }), { reason: 'OutOfexample.com/dev', message: 'Node didn\'t have enough resource: example.com/dev, requested: 2, used: 2, capacity: 3' });
  t.equal(checkResources(pod('2'), [pod('1')], { pods: '9', 'example.com/dev': '3' }), undefined);
  t.equal(checkResources(pod('2'), [], { pods: '9' }), undefined);
  t.equal(checkResources(pod('2'), [], { pods: '9', 'example.com/dev': '0' }, () => 2), undefined, 'it was given them already');
  t.end();
});

t.test('CDI: edits of the file and of the device; the later folder wins; what is nowhere is named', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-cdi-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const folders = ['etc', 'run'].map((name) => join(folder, name));
  for (const path of folders) mkdirSync(path);
  const file = (value: string): string => JSON.stringify({ cdiVersion: '0.6.0', kind: 'v.com/c', containerEdits: { env: ['ALL=1'] }, devices: [{ name: 'one', containerEdits: { env: [`ONE=${value}`], deviceNodes: [{ path: '/dev/one', hostPath: '/dev/null' }], mounts: [{ hostPath: '/h', containerPath: '/m', options: ['ro'] }], hooks: [{ hookName: 'createContainer', path: '/bin/hook' }], additionalGids: [0, 7] } }] });
  writeFileSync(join(folder, 'etc/a.json'), file('etc'));
  writeFileSync(join(folder, 'run/b.yaml'), file('run'));
  writeFileSync(join(folder, 'run/broken.json'), '{');
  const spec: EditableSpec = { process: { user: { uid: 5, gid: 6, additionalGids: [] }, env: ['ONE=before', 'X=y'] }, mounts: [{ destination: '/m', type: 'bind', source: '/old', options: [] }], linux: { devices: [], resources: { devices: [{ allow: false, access: 'rwm' }] } } };
  addCdiDevices(spec, ['v.com/c=one'], folders);
  t.same(spec, {
    process: { user: { uid: 5, gid: 6, additionalGids: [7] }, env: ['X=y', 'ALL=1', 'ONE=run'] }, mounts: [{ destination: '/m', type: 'bind', source: '/h', options: ['rbind', 'ro'] }], hooks: { createContainer: [{ path: '/bin/hook' }] },
    linux: { devices: [{ path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 5, gid: 6 }], resources: { devices: [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }] } },
  });
  t.throws(() => addCdiDevices(spec, ['v.com/c=two'], folders), { message: 'CDI device injection failed: unresolvable CDI devices v.com/c=two' });
  t.end();
});
