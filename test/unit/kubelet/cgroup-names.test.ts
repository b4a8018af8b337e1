import t from 'tap';
import { CGROUP_NAMES } from '../../../agents/kubelet/cgroups/cgroup-names.ts';
import type { CgroupLimits, CgroupTree } from '../../../agents/kubelet/cgroups/cgroup-tree.ts';
import { createPodCgroups } from '../../../agents/kubelet/cgroups/pod-cgroups.ts';
import { podLimits } from '../../../agents/kubelet/cgroups/pod-resources.ts';
import { cgroupIn, cgroupsPathOf, containerOf } from '../../../agents/runtime/runc/container-cgroup.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';

const UID = '1f0a-b2c3';
const ID = 'a'.repeat(64);
const pod = (resources: object, spec: object = {}): Pod => ({ metadata: { name: 'a', uid: UID }, spec: { containers: [{ name: 'c', resources }], ...spec } }) as Pod;
const GUARANTEED = pod({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } });
const BURSTABLE = pod({ requests: { cpu: '100m', 'hugepages-2Mi': '4Mi' }, limits: { 'hugepages-2Mi': '4Mi' } });

function recording(): { tree: CgroupTree; made: Map<string, CgroupLimits>; removed: string[] } {
  const [made, removed] = [new Map<string, CgroupLimits>(), [] as string[]];
  const below = (path: string): string[] => [...made.keys()].filter((key) => key.startsWith(`${path}/`)).map((key) => key.slice(path.length + 1)).filter((name) => !name.includes('/'));
  return {
    made, removed,
    tree: { version: 2, set: (path, limits) => Promise.resolve(void made.set(path, limits)), remove: (path) => Promise.resolve(void removed.push(path)), children: below, directory: (path) => path },
  };
}

t.test('by systemd, a slice is named by all it is in', async (t) => {
  const { tree, made, removed } = recording();
  const cgroups = createPodCgroups(tree, { driver: 'systemd', hugepageSizes: ['2Mi'] });
  await cgroups.start();
  for (const one of [GUARANTEED, BURSTABLE, pod({})]) await cgroups.make(one);
  t.same([...made.keys()].sort(), [
    '/kubepods.slice', '/kubepods.slice/kubepods-besteffort.slice', '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1f0a_b2c3.slice', '/kubepods.slice/kubepods-burstable.slice',
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f0a_b2c3.slice', '/kubepods.slice/kubepods-pod1f0a_b2c3.slice',
  ]);
  t.same(made.get('/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f0a_b2c3.slice')?.hugepageLimits, { '2MB': 4 * 2 ** 20 });
  t.same(made.get('/kubepods.slice/kubepods-pod1f0a_b2c3.slice')?.hugepageLimits, { '2MB': 0 }, 'huge pages that were not asked for are forbidden');
  t.same(made.get('/kubepods.slice/kubepods-burstable.slice')?.hugepageLimits, { '2MB': 2 ** 62 });
  await cgroups.removeOthers(new Set([UID]));
  t.same(removed, [], 'the uid is read back');
  await cgroups.removeOthers(new Set());
  t.same(removed.length, 3, 'a class is no pod');
  t.end();
});

t.test('a path tells whose it is', (t) => {
  for (const [driver, other] of [['cgroupfs', 'systemd'], ['systemd', 'cgroupfs']] as const) {
    const path = createPodCgroups(recording().tree, { driver }).pathOf(BURSTABLE);
    t.same([CGROUP_NAMES[driver].isOwn(path), CGROUP_NAMES[other].isOwn(path)], [true, false], driver);
  }
  t.end();
});

t.test('containers: folders, or scopes that runc has systemd make', (t) => {
  const cgroups = { pathForRunc: (path: string) => `/root${path}` } as Parameters<typeof cgroupsPathOf>[0]['cgroups'];
  t.equal(cgroupIn('/kubepods/pod1', ID), `/kubepods/pod1/${ID}`);
  t.equal(cgroupIn('/kubepods.slice/kubepods-pod1.slice', ID), `/kubepods.slice/kubepods-pod1.slice/cri-${ID}.scope`);
  t.equal(cgroupsPathOf({ cgroups }, '/kubepods/pod1', ID), `/root/kubepods/pod1/${ID}`);
  t.equal(cgroupsPathOf({ cgroups }, '/kubepods.slice/kubepods-pod1.slice', ID), `kubepods-pod1.slice:cri:${ID}`);
  t.same([containerOf(ID), containerOf(`cri-${ID}.scope`), containerOf('conmon')], [ID, ID, undefined]);
  t.end();
});

t.test('overhead comes on top of a pod\'s limits, where it has some', (t) => {
  const overhead = { overhead: { cpu: '250m', memory: '16Mi' } };
  t.match(podLimits(pod({ limits: { cpu: '1', memory: '64Mi' } }, overhead)), { cpuQuota: 125_000, memoryLimitBytes: 80 * 2 ** 20 });
  t.same(Object.keys(podLimits(pod({}, overhead))), ['cpuShares']);
  t.match(podLimits(pod({}, { ...overhead, resources: { limits: { memory: '32Mi' } } })), { memoryLimitBytes: 48 * 2 ** 20 });
  t.end();
});
