// Who died for want of memory, where a container's own count has gone with its cgroup.
import t from 'tap';
import { beginOomCount, wasOutOfMemory } from '../../../agents/runtime/runc/oom.ts';
import type { ContainerRecord } from '../../../agents/runtime/runc/records.ts';

function pod(cgroupParent: string) {
  const kills = new Map<string, number>();
  const containers = new Map<string, ContainerRecord>();
  const ground = {
    cgroups: { oomKills: (path: string) => kills.get(path) ?? 0 }, oomKillsTold: new Map<string, number>(),
    records: { containers, sandboxes: new Map([['s', { config: { cgroupParent } }]]) },
  } as unknown as Parameters<typeof beginOomCount>[0];
  return {
    kills, ground,
    begin(name: string): ContainerRecord {
      const record = { id: name.padEnd(64, '0'), sandboxId: 's' } as ContainerRecord;
      containers.set(record.id, record);
      beginOomCount(ground, record);
      return record;
    },
  };
}

t.test('in a slice: what its pod has counted since it began, and nobody else can have been', (t) => {
  const { kills, ground, begin } = pod('/kubepods.slice/kubepods-pod1.slice');
  const scope = ({ id }: ContainerRecord): string => `/kubepods.slice/kubepods-pod1.slice/cri-${id}.scope`;
  const [a, b] = [begin('a'), begin('b')];
  t.equal(wasOutOfMemory(ground, a), false, 'killed by somebody');
  kills.set('/kubepods.slice/kubepods-pod1.slice', 2).set(scope(b), 2);
  t.equal(wasOutOfMemory(ground, a), false, 'those of one that lives on');
  kills.set('/kubepods.slice/kubepods-pod1.slice', 3);
  t.equal(wasOutOfMemory(ground, a), true);
  const again = begin('c');
  t.equal(wasOutOfMemory(ground, again), false, 'not those of one that was before it');
  kills.set('/kubepods.slice/kubepods-pod1.slice', 4).delete(scope(b));
  t.equal(wasOutOfMemory(ground, b), true, 'its own went with its scope');
  t.equal(wasOutOfMemory(ground, again), false, 'each is told once');
  t.end();
});

t.test('elsewhere by its own count, which stays', (t) => {
  const { kills, ground, begin } = pod('/kubepods/pod1');
  const a = begin('a');
  kills.set('/kubepods/pod1', 5);
  t.equal(wasOutOfMemory(ground, a), false);
  kills.set(`/kubepods/pod1/${a.id}`, 1);
  t.equal(wasOutOfMemory(ground, a), true);
  t.end();
});
