// Where pods' cgroups start, by what /proc/self/cgroup says of this process.
import t from 'tap';
import { rootOf } from '../../../agents/cgroup-root.ts';
import { scopeAnnotations, stoppedBefore } from '../../../agents/runtime/runc/container-cgroup.ts';

t.test('cgroup v2: where the process stands, the top when that is a unit', async (t) => {
  const root = (path: string): string[] => { const { directory, pathForRunc } = rootOf(`0::${path}\n`, 2); return [directory('memory'), pathForRunc('/kubepods/pod1/c')]; };
  t.same(root('/'), ['/sys/fs/cgroup', '/kubepods/pod1/c']);
  t.same(root('/lab/m1'), ['/sys/fs/cgroup/lab/m1', '/lab/m1/kubepods/pod1/c']);
  t.same(root('/lab/m1/skiff'), ['/sys/fs/cgroup/lab/m1', '/lab/m1/kubepods/pod1/c'], 'moved into its leaf by an earlier start');
  t.same(root('/../..'), ['/sys/fs/cgroup', '/kubepods/pod1/c']);
  for (const unit of ['/system.slice/skiff.service', '/user.slice/user-0.slice/session-3.scope']) t.same(root(unit), ['/sys/fs/cgroup', '/kubepods/pod1/c'], unit);
});

t.test('cgroup v1: by hierarchy; relative for runc where it stands there itself', async (t) => {
  const lab = rootOf('9:name=systemd:/lab/m1\n8:cpu,cpuacct:/lab/m1\n7:memory:/lab/m1\n', 1);
  t.same(lab.controllers, ['name=systemd', 'cpu', 'cpuacct', 'memory']);
  t.equal(lab.directory('memory'), '/sys/fs/cgroup/memory/lab/m1');
  t.equal(lab.directory('name=systemd'), '/sys/fs/cgroup/systemd/lab/m1');
  t.equal(lab.pathForRunc('/kubepods/pod1/c'), 'kubepods/pod1/c');
  const unit = rootOf('9:name=systemd:/system.slice/skiff.service\n7:memory:/system.slice/skiff.service\n6:cpuset:/\n', 1);
  t.equal(unit.directory('memory'), '/sys/fs/cgroup/memory');
  t.equal(unit.pathForRunc('/kubepods/pod1/c'), '/kubepods/pod1/c');
});

t.test('scopes of containers are stopped after the unit that ends their pods in order', async (t) => {
  const before = (membership: string): Record<string, string> => scopeAnnotations('/kubepods.slice/kubepods-pod1.slice', stoppedBefore(rootOf(membership, 2)));
  t.same(before('0::/system.slice/skiff-agent.service\n'), { 'org.systemd.property.Before': '["skiff-agent.service"]' });
  t.same(before('0::/lab/m1\n'), {}, 'run by hand');
  t.same(scopeAnnotations('/kubepods/pod1', ['skiff.service']), {}, 'no scope');
});
