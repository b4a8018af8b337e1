// Requests and limits as the files of cgroup v2 have them, for pods of every class, by the formulas of upstream's own tests of nodes.
import type { Test } from 'tap';
import { cgroupFiles, containerCgroup, podCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const MIB = 1 << 20;
const POD_FILES = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.min', 'memory.low', 'memory.high', 'pids.max', 'hugetlb.2MB.max'];
const CONTAINER_FILES = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.min', 'memory.low', 'memory.high', 'memory.swap.max', 'memory.oom.group', 'hugetlb.2MB.max'];
/** MemoryQoS is off, as in upstream. */
const UNTOUCHED = { 'memory.min': '0', 'memory.low': '0', 'memory.high': 'max', 'hugetlb.2MB.max': '0' };
const CONTAINER = { ...UNTOUCHED, 'memory.swap.max': '0', 'memory.oom.group': '1' };

/** As upstream turns milli-CPUs into weights: by way of v1's shares. */
function weight(milliCpu: number): string {
  const shares = Math.max(2, Math.floor((milliCpu * 1024) / 1000));
  return String(1 + Math.floor(((shares - 2) * 9999) / 262_142));
}

/** systemd takes whole percents of a CPU, rounded up. */
function quota(driver: Driver, milliCpu: number): string {
  return `${String((driver === 'systemd' ? Math.ceil(milliCpu / 10) * 10 : milliCpu) * 100)} 100000`;
}

interface Expected {
  pod: Record<string, string>;
  containers: Record<string, Record<string, string>>;
}

const resources = (requests?: object, limits?: object): Record<string, unknown> => ({ resources: { ...(requests !== undefined && { requests }), ...(limits !== undefined && { limits }) } });

const none = { 'cpu.max': 'max 100000', 'memory.max': 'max' };

export async function valuesOfPods(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const pods: [object & { metadata: { name: string } }, Expected][] = [
    [sleeper('best'), { pod: { 'cpu.weight': '1', ...none }, containers: { c0: { 'cpu.weight': '1', ...none } } }],
    [sleeper('requests', { containers: [resources({ cpu: '100m', memory: '16Mi' }), resources({ cpu: '50m' }, { cpu: '80m', memory: '24Mi' })] }), {
      pod: { 'cpu.weight': weight(150), ...none },
      containers: { c0: { 'cpu.weight': weight(100), ...none }, c1: { 'cpu.weight': weight(50), 'cpu.max': '8000 100000', 'memory.max': String(24 * MIB) } },
    }],
    [sleeper('limited', { containers: [resources({ cpu: '10m' }, { cpu: '25m', memory: '16Mi' }), resources({ cpu: '10m' }, { cpu: '30m', memory: '24Mi' })] }), {
      pod: { 'cpu.weight': weight(20), 'cpu.max': quota(driver, 55), 'memory.max': String(40 * MIB) },
      containers: { c0: { 'cpu.weight': weight(10), 'cpu.max': '2500 100000', 'memory.max': String(16 * MIB) } },
    }],
    [sleeper('guaranteed', { containers: [resources(undefined, { cpu: '125m', memory: '32Mi' })] }), {
      pod: { 'cpu.weight': weight(125), 'cpu.max': quota(driver, 125), 'memory.max': String(32 * MIB) },
      containers: { c0: { 'cpu.weight': weight(125), 'cpu.max': '12500 100000', 'memory.max': String(32 * MIB) } },
    }],
    [sleeper('whole', { resources: { requests: { cpu: '60m', memory: '20Mi' }, limits: { cpu: '150m', memory: '48Mi' } }, containers: [{}, resources({ cpu: '20m' }, { cpu: '50m', memory: '16Mi' })] }), {
      pod: { 'cpu.weight': weight(60), 'cpu.max': quota(driver, 150), 'memory.max': String(48 * MIB) },
      containers: { c0: { 'cpu.weight': weight(150), 'cpu.max': '15000 100000', 'memory.max': String(48 * MIB) }, c1: { 'cpu.weight': weight(20), 'cpu.max': '5000 100000', 'memory.max': String(16 * MIB) } },
    }],
    [sleeper('sidecar', { initContainers: [{ name: 'side', restartPolicy: 'Always', ...resources(undefined, { cpu: '20m', memory: '16Mi' }) }, { name: 'init', command: ['true'], ...resources(undefined, { cpu: '90m', memory: '20Mi' }) }], containers: [resources(undefined, { cpu: '40m', memory: '16Mi' })] }), {
      pod: { 'cpu.weight': weight(110), 'cpu.max': quota(driver, 110), 'memory.max': String(36 * MIB) },
      containers: { side: { 'cpu.weight': weight(20), 'cpu.max': '2000 100000', 'memory.max': String(16 * MIB) } },
    }],
  ];
  const names = pods.map(([{ metadata }]) => metadata.name);
  await node.apply(...pods.map(([object]) => object));
  const running = await node.running(...names);
  for (const [index, [{ metadata }, expected]] of pods.entries()) {
    const pod = running[index];
    if (pod === undefined) continue;
    t.match(await cgroupFiles(node.machine, podCgroup(driver, pod), POD_FILES), { ...UNTOUCHED, 'pids.max': 'max', ...expected.pod }, `pod ${metadata.name}`);
    for (const [container, values] of Object.entries(expected.containers)) t.match(await cgroupFiles(node.machine, containerCgroup(driver, pod, container), CONTAINER_FILES), { ...CONTAINER, ...values }, `container ${container} of ${metadata.name}`);
  }
  await levels(t, node, driver);
  await node.gone(...names);
  for (const pod of running) t.notMatch(await node.machine.sh(`ls -d /sys/fs/cgroup/${podCgroup(driver, pod)} 2>/dev/null; true`), /kubepods/, `the cgroup of ${pod.metadata.name} goes with it`);
}

async function levels(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const [top, burstable, besteffort] = driver === 'systemd' ? ['kubepods.slice', 'kubepods.slice/kubepods-burstable.slice', 'kubepods.slice/kubepods-besteffort.slice'] : ['kubepods', 'kubepods/burstable', 'kubepods/besteffort'];
  const capacity = JSON.parse(await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].status.capacity}')) as Record<string, string>;
  const pids = await node.machine.sh('cat /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max');
  t.match(await cgroupFiles(node.machine, top, POD_FILES), {
    'cpu.weight': weight(1000 * Number(capacity['cpu'])), 'cpu.max': 'max 100000', 'memory.max': String(1024 * Number.parseInt(capacity['memory'] ?? '', 10)), 'pids.max': String(Math.min(...pids.split('\n').map(Number))), 'hugetlb.2MB.max': '0',
  }, 'all pods together');
  // requests, limited, whole and sidecar ask for so much.
  t.match(await cgroupFiles(node.machine, burstable, POD_FILES), { 'cpu.weight': weight(150 + 20 + 60), ...none, 'hugetlb.2MB.max': String(2n ** 62n) }, 'Burstable');
  t.match(await cgroupFiles(node.machine, besteffort, POD_FILES), { 'cpu.weight': '1', ...none }, 'BestEffort');
}

export async function reserved(t: Test, node: MachineNode, driver: Driver, args: readonly string[]): Promise<void> {
  await node.configure([...args, 'system-reserved=cpu=100m,memory=64Mi,pid=500', 'kube-reserved=cpu=100m,memory=36Mi,pid=238', 'eviction-hard=memory.available<50Mi,nodefs.available<1%,imagefs.available<1%', 'pod-max-pids=77']);
  const { capacity, allocatable } = JSON.parse(await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].status}')) as Record<'capacity' | 'allocatable', Record<string, string>>;
  const kib = (from: Record<string, string>): number => Number.parseInt(from['memory'] ?? '', 10);
  t.equal(kib(capacity) - kib(allocatable), 150 * 1024, 'reserved and kept free for evictions');
  t.equal(allocatable['cpu'], '800m');
  const top = driver === 'systemd' ? 'kubepods.slice' : 'kubepods';
  const pids = Math.min(...(await node.machine.sh('cat /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max')).split('\n').map(Number));
  t.match(await cgroupFiles(node.machine, top, POD_FILES), { 'cpu.weight': weight(800), 'memory.max': String((kib(capacity) - 100 * 1024) * 1024), 'pids.max': String(pids - 738) }, 'all pods together are kept from what is reserved');
  await node.apply(sleeper('pids'));
  const [pod] = await node.running('pids');
  if (pod !== undefined) t.match(await cgroupFiles(node.machine, podCgroup(driver, pod), POD_FILES), { 'pids.max': '77' });
  await node.gone('pids');
  await node.configure([...args, 'enforce-node-allocatable=', 'system-reserved=cpu=100m,memory=64Mi']);
  t.match(await cgroupFiles(node.machine, top, POD_FILES), { 'cpu.weight': weight(1000), 'memory.max': String(kib(capacity) * 1024), 'pids.max': String(pids) }, 'not where that is not enforced');
  await node.configure(args);
}
