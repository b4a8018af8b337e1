// A node that runs short: who goes first, what is said of it, and images that nobody uses.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readKubeletConfiguration } from '../../../agents/kubelet/configuration/configuration.ts';
import { createImageCollection, bytesToCollect } from '../../../agents/kubelet/pressure/image-collection.ts';
import { createPressureKeeper } from '../../../agents/kubelet/pressure/pressure.ts';
import { rank, type Candidate } from '../../../agents/kubelet/pressure/ranking.ts';
import { createObserver, shortagesOf, thresholdKey, thresholdsOf, type Observation } from '../../../agents/kubelet/pressure/signals.ts';
import { formatQuantityBytes } from '../../../agents/kubelet/pressure/words.ts';
import { checkAppArmor } from '../../../agents/kubelet/steps/apparmor.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { createScene } from './scene.ts';

const MIB = 2 ** 20;
const plenty: Observation[] = [{ signal: 'memory.available', available: 4096 * MIB, capacity: 8192 * MIB }, { signal: 'imagefs.available', available: 500, capacity: 1000 }];

t.test('shortages are what is below its threshold', (t) => {
  t.same(shortagesOf(plenty), []);
  t.match(shortagesOf([{ signal: 'nodefs.available', available: 4, capacity: 100 }, { signal: 'memory.available', available: 99 * MIB, capacity: 512 * MIB }]).map(({ signal }) => signal), ['memory.available', 'nodefs.available'], 'memory first');
  t.same(shortagesOf([{ signal: 'nodefs.inodesFree', available: 0, capacity: 0 }]), [], 'a file system that counts no inodes');
  const here = createObserver({ nodeDir: '/', imagesDir: '/' })();
  t.ok(here.length > 0 && here.every(({ available, capacity }) => Number.isFinite(available) && Number.isFinite(capacity)), 'this machine can be read');
  t.same([100 * MIB, 1536, 3 * 2 ** 30, 12].map(formatQuantityBytes), ['100Mi', '1Ki', '3Gi', '12']);
  t.end();
});

t.test('pods above their requests go first, then by priority, then by how far above', (t) => {
  const candidate = (name: string, request: string, used: number, priority = 0): Candidate => ({ pod: { metadata: { name }, spec: { priority, containers: [{ name: 'c', resources: { requests: { memory: request } } }] } } as never, usage: { memoryWorkingSetBytes: used * MIB } as never, disk: { bytes: 0, inodes: 0 } });
  const all = [candidate('modest', '100Mi', 50), candidate('important', '10Mi', 500, 5), candidate('greedy', '10Mi', 200), candidate('greedier', '10Mi', 300)];
  t.same(rank(all, { signal: 'memory.available' }).map(({ pod }) => pod.metadata.name), ['greedier', 'greedy', 'important', 'modest']);
  t.end();
});

t.test('short of memory: the condition shows, one pod is evicted, and the condition stays for five minutes', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.create('modest', { containers: [{ name: 'a', image: 'app:1', resources: { requests: { memory: '1Mi' } } }] });
  await s.create('greedy', { containers: [{ name: 'b', image: 'app:1' }] });
  await s.create('critical', { containers: [{ name: 'c', image: 'app:1' }] }, { annotations: { 'kubernetes.io/config.source': 'file' } });
  await s.rest();
  let observations: Observation[] = [{ signal: 'memory.available', available: 50 * MIB, capacity: 512 * MIB }];
  let changes = 0;
  const keeper = createPressureKeeper({ node: s.node, pods: s.pods(), observe: () => observations, collection: { used() {}, collect: () => Promise.resolve(0), collectOld: () => Promise.resolve(0) }, onChange: () => void changes++ });
  await keeper.look();
  await s.rest();
  t.same([keeper.conditions(), changes], [['MemoryPressure'], 1]);
  const { status } = await s.pod('greedy');
  t.match(status, { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container b was using 1000, request is 0, has larger consumption of memory. ' });
  t.match(status?.conditions?.find(({ type }) => type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet' });
  t.same((await s.pod('modest')).status?.phase, 'Running');
  observations = plenty;
  await keeper.look();
  t.same(keeper.conditions(), ['MemoryPressure']);
  await s.clock.advance(300_000);
  await keeper.look();
  t.same([keeper.conditions(), changes], [[], 2]);
});

t.test('a soft threshold: the condition at once, a pod only after its grace period, with time to end; as much more as is asked for is won back', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  const graces: number[] = [];
  const settings = readKubeletConfiguration(['eviction-hard=memory.available<100Mi', 'eviction-soft=memory.available<200Mi', 'eviction-soft-grace-period=memory.available=90s', 'eviction-minimum-reclaim=memory.available=150Mi', 'eviction-max-pod-grace-period=20', 'eviction-pressure-transition-period=60s']);
  await s.create('patient', { containers: [{ name: 'a', image: 'app:1' }], terminationGracePeriodSeconds: 30 });
  await s.create('brief', { containers: [{ name: 'a', image: 'app:1', resources: { requests: { memory: '1Mi' } } }], terminationGracePeriodSeconds: 5 });
  await s.rest();
  const workers = s.pods().workers().map((worker) => ({ ...worker, end: (reason: string, message: string, graceMs = NaN) => {
    graces.push(graceMs);
    worker.end(reason, message, graceMs);
  } }));
  let available = 190 * MIB;
  const keeper = createPressureKeeper({ node: s.node, pods: { workers: () => workers }, settings, observe: () => [{ signal: 'memory.available', available, capacity: 1024 * MIB }], collection: { used() {}, collect: () => Promise.resolve(0), collectOld: () => Promise.resolve(0) }, onChange() {} });
  const look = async (afterMs: number): Promise<number[]> => {
    await s.clock.advance(afterMs);
    await keeper.look();
    await s.rest();
    return graces.splice(0);
  };
  t.same([await look(0), keeper.conditions()], [[], ['MemoryPressure']], 'shown at once');
  t.same(await look(80_000), [], 'within its grace period');
  available = 260 * MIB;
  t.same([await look(5_000), keeper.conditions()], [[], ['MemoryPressure']], 'more than the threshold, but not as much more as is to be won back');
  available = 400 * MIB;
  t.same(await look(1_000), [], 'won back');
  available = 190 * MIB;
  t.same(await look(80_000), [], 'met anew: the grace period begins again, and the hard threshold was never met');
  t.same(await look(89_000), []);
  t.same(await look(1_000), [20_000], 'then the pod has time to end, as much as the node gives at most');
  available = 50 * MIB;
  t.same(await look(40_000), [1_000], 'a hard threshold waits for nothing');
  available = 400 * MIB;
  t.same([await look(59_000), keeper.conditions()], [[], ['MemoryPressure']]);
  t.same([await look(1_000), keeper.conditions()], [[], []], 'the condition stays as long as is set');
});

t.test('signals are looked at memory first, soft or hard, and each by its own threshold', (t) => {
  const thresholds = thresholdsOf(readKubeletConfiguration(['eviction-hard=memory.available<100Mi,nodefs.available<10%', 'eviction-soft=memory.available<200Mi,imagefs.available<20%', 'eviction-soft-grace-period=memory.available=1m,imagefs.available=2m', 'eviction-minimum-reclaim=memory.available=150Mi,imagefs.available=10%']));
  const short = (available: number, met: string[] = []): string[] => shortagesOf([{ signal: 'memory.available', available: available * MIB, capacity: 1024 * MIB }, { signal: 'nodefs.available', available: 5, capacity: 100 }, { signal: 'imagefs.available', available: 25, capacity: 100 }], thresholds, new Set(met)).map(thresholdKey);
  t.same(short(190), ['memory.available 60000', 'nodefs.available 0']);
  t.same(short(90), ['memory.available 0', 'memory.available 60000', 'nodefs.available 0']);
  t.same(short(190, ['memory.available 60000']), ['memory.available 60000', 'nodefs.available 0'], 'what is to be won back for the soft one makes the hard one no nearer');
  t.same(short(240, ['memory.available 0']), ['memory.available 0', 'nodefs.available 0']);
  t.same(short(400, ['imagefs.available 120000']), ['nodefs.available 0', 'imagefs.available 120000'], 'shares of the capacity as well');
  t.end();
});

t.test('unused images go when the disk fills, longest unused first, none that is young or in use', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  t.same([bytesToCollect({ available: 500, capacity: 1000 }), bytesToCollect({ available: 100, capacity: 1000 })], [0, 100]);
  for (const name of ['old:1', 'older:1', 'new:1', 'pinned:1']) s.images.present.add(name);
  const removed: string[] = [];
  const images = { ...s.images, list: () => s.images.list().map((image) => ({ ...image, sizeBytes: 10, pinned: image.tags[0] === 'pinned:1' })), remove: (id: string) => { removed.push(id); s.images.present.delete(id.slice('sha256:'.length)); return Promise.resolve(); } };
  const collection = createImageCollection({ images, runtime: s.runtime, clock: s.clock, log: silentLog });
  const use = (name: string): void => collection.used(images.find(name) as never);
  use('older:1');
  await s.clock.advance(1000);
  use('old:1');
  await s.create('web', { containers: [{ name: 'a', image: 'app:1' }] });
  await s.rest();
  await s.clock.advance(200_000);
  use('new:1');
  t.equal(await collection.collect(5), 10);
  t.same(removed, ['sha256:older:1']);
  t.equal(await collection.collect(Infinity), 10);
  t.same(removed, ['sha256:older:1', 'sha256:old:1']);
});

t.test('short of disk: what is left of ended pods goes first, and their statuses stay', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.create('done', { restartPolicy: 'Never', containers: [{ name: 'a', image: 'app:1' }] });
  await s.create('runs', { containers: [{ name: 'b', image: 'app:1' }] });
  await s.rest();
  s.runtime.exit('a', 3);
  await s.rest();
  const before = (await s.pod('done')).status;
  t.match(before, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] });
  let short = true;
  const reclaimed: string[] = [];
  const observe = (): Observation[] => {
    const available = short ? 1 : 50;
    short = false;
    return [{ signal: 'nodefs.available', available, capacity: 100 }];
  };
  const keeper = createPressureKeeper({ node: s.node, pods: s.pods(), observe, collection: { used() {}, collect: () => Promise.resolve(0), collectOld: () => Promise.resolve(0) }, onChange() {}, onReclaim: (resource) => void reclaimed.push(resource) });
  await keeper.look();
  await s.rest();
  t.same(s.runtime.listContainers().map(({ config }) => config.name), ['b']);
  t.same([keeper.conditions(), reclaimed], [['DiskPressure'], ['ephemeral-storage']]);
  s.pods().find('default', 'done')?.wake();
  await s.rest();
  t.same((await s.pod('done')).status, before);
  t.equal((await s.pod('runs')).status?.phase, 'Running', 'nothing is evicted when that was enough');
});

t.test('no second pod goes while the first is being cleared away', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  for (const name of ['a', 'b']) await s.create(name, { volumes: [{ name: 'd', emptyDir: {} }], containers: [{ name, image: 'app:1', volumeMounts: [{ name: 'd', mountPath: '/d' }] }] });
  await s.rest();
  for (const name of ['a', 'b']) s.runtime.stubborn.add(name);
  const keeper = createPressureKeeper({ node: s.node, pods: s.pods(), observe: () => [{ signal: 'memory.available', available: 1, capacity: 512 * MIB }], collection: { used() {}, collect: () => Promise.resolve(0), collectOld: () => Promise.resolve(0) }, onChange() {} });
  const ending = (): number => s.pods().workers().filter(({ memory }) => memory.forced !== undefined).length;
  await keeper.look();
  await keeper.look();
  t.equal(ending(), 1);
  const uid = s.pods().workers().find(({ memory }) => memory.forced !== undefined)?.pod.metadata.uid ?? '';
  const folder = join(s.folder, 'kubelet/pods', uid, 'volumes/kubernetes.io~empty-dir/d');
  t.ok(existsSync(folder));
  for (let round = 0; round < 100 && s.pods().workers().some(({ memory }) => memory.forced !== undefined && !memory.dismantled); round++) {
    await s.rest();
    await s.clock.advance(100);
  }
  t.notOk(existsSync(folder), 'its emptyDir goes with it, not with the object');
  await keeper.look();
  t.equal(ending(), 2, 'then the next');
});

t.test('by inodes, who has most of them goes first; in all pods\' memory as in the node\'s', (t) => {
  const candidate = (name: string, bytes: number, inodes: number): Candidate => ({ pod: { metadata: { name }, spec: { containers: [] } } as never, usage: undefined, disk: { bytes, inodes } });
  const all = [candidate('files', 1, 500), candidate('bytes', 500, 1)];
  t.same([rank(all, { signal: 'nodefs.inodesFree' })[0]?.pod.metadata.name, rank(all, { signal: 'nodefs.available' })[0]?.pod.metadata.name], ['files', 'bytes']);
  t.match(shortagesOf([{ signal: 'allocatableMemory.available', available: 99 * MIB, capacity: 512 * MIB }]), [{ signal: 'allocatableMemory.available', threshold: 100 * MIB, graceMs: 0 }]);
  t.end();
});

t.test('a pod that asks for AppArmor is not taken on where the kernel has none', (t) => {
  const pod = (appArmorProfile: object | undefined, annotations = {}) => ({ metadata: { name: 'p', annotations }, spec: { containers: [{ name: 'c', securityContext: { appArmorProfile } }] } }) as never;
  t.match(checkAppArmor(pod({ type: 'RuntimeDefault' }), () => false), { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' });
  t.equal(checkAppArmor(pod({ type: 'Unconfined' }), () => false), undefined);
  t.equal(checkAppArmor(pod(undefined), () => false), undefined);
  t.match(checkAppArmor(pod(undefined, { 'container.apparmor.security.beta.kubernetes.io/c': 'localhost/mine' }), () => false), { reason: 'AppArmor' });
  t.equal(checkAppArmor(pod({ type: 'Localhost', localhostProfile: 'mine' }), () => true), undefined);
  t.end();
});
