// A node that runs short of memory, disk and processes: the conditions, what goes first, who is evicted with which words, and that it is over again.
import type { Test } from 'tap';
import type { Node, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const MIB = 1 << 20;
const STAYS = '20s';

interface Room {
  memory: number;
  disk: number;
  pids: number;
}

/** As the kubelet counts it. */
async function roomOn(node: MachineNode): Promise<Room> {
  const name = (await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const summary = JSON.parse(await node.kubectl('get', '--raw', `/api/v1/nodes/${name}/proxy/stats/summary`)) as { node: { memory: { availableBytes: number }; fs: { availableBytes: number }; rlimit: { maxpid: number; curproc: number } } };
  const { memory, fs, rlimit } = summary.node;
  return { memory: memory.availableBytes, disk: fs.availableBytes, pids: rlimit.maxpid - rlimit.curproc };
}

/** The kubelet with this threshold alone. */
async function withThreshold(node: MachineNode, args: readonly string[], threshold: string): Promise<void> {
  const others = { 'memory.available': '1Mi', 'nodefs.available': '1Mi', 'imagefs.available': '1Mi' };
  const hard = [...Object.entries(others).filter(([signal]) => !threshold.startsWith(`${signal}<`)).map((pair) => pair.join('<')), threshold].join(',');
  await node.configure([...args, `eviction-hard=${hard}`, `eviction-pressure-transition-period=${STAYS}`, 'minimum-image-ttl-duration=1s']);
}

const condition = async (node: MachineNode, type: string): Promise<string | undefined> => {
  const { items } = JSON.parse(await node.kubectl('get', 'nodes', '-o', 'json')) as { items: Node[] };
  return items[0]?.status?.conditions?.find((one) => one.type === type)?.status;
};
const evicted = (node: MachineNode, name: string): Promise<Pod> => node.until(`${name} to be evicted`, async () => {
  const pod = await node.pod(name);
  return pod.status?.phase === 'Failed' && pod;
});
const over = (node: MachineNode, type: string): Promise<boolean> => node.until(`${type} to be over`, async () => (await condition(node, type)) === 'False');

/** Fills a tmpfs of its own, which is its memory. */
const hog = (name: string, mebibytes: number, spec: object = {}): object => sleeper(name, {
  ...spec, volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }],
  containers: [{ command: ['sh', '-c', `dd if=/dev/zero of=/m/x bs=1M count=${String(mebibytes)}; sleep 1000000`], volumeMounts: [{ name: 'm', mountPath: '/m' }] }],
});

export async function memoryPressure(t: Test, node: MachineNode, _driver: Driver, args: readonly string[]): Promise<void> {
  await node.kubectl('delete', 'priorityclass', 'high', '--ignore-not-found');
  await node.apply({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 });
  await withThreshold(node, args, `memory.available<${String((await roomOn(node)).memory - 200 * MIB)}`);
  await node.apply(sleeper('modest', { containers: [{ resources: { requests: { memory: '40Mi' } } }] }), sleeper('guaranteed', { containers: [{ resources: { limits: { memory: '32Mi', cpu: '10m' } } }] }));
  await node.running('modest', 'guaranteed');
  await node.apply(hog('low', 150), hog('high', 120, { priorityClassName: 'high' }));
  const low = await evicted(node, 'low');
  t.match(low.status, { reason: 'Evicted', message: /^The node was low on resource: memory\. Threshold quantity: \d+(Ki|Mi)?, available: \d+(Ki|Mi)?\. (Container c0 was using \d+(Ki|Mi), request is 0, has larger consumption of memory\. )?$/ });
  t.match(low.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet' });
  t.match((await node.events('low')).join('\n'), /Evicted: The node was low on resource: memory/);
  await over(node, 'MemoryPressure');
  for (const name of ['modest', 'guaranteed', 'high']) t.equal((await node.pod(name)).status?.phase, 'Running', `${name} stays`);
  t.match((await node.kubectl('get', 'events', '--field-selector', 'reason=EvictionThresholdMet', '-o', 'jsonpath={.items[*].message}')), /Attempting to reclaim memory/);
  await node.gone('low', 'high', 'modest', 'guaranteed');
}

export async function diskPressure(t: Test, node: MachineNode, _driver: Driver, args: readonly string[]): Promise<void> {
  const threshold = (await roomOn(node)).disk - 300 * MIB;
  await withThreshold(node, args, `nodefs.available<${String(threshold)}`);
  const writes = (name: string, mebibytes: number, spec: object = {}): object => sleeper(name, {
    ...spec, volumes: [{ name: 'd', emptyDir: {} }],
    containers: [{ command: ['sh', '-c', `dd if=/dev/zero of=/d/x bs=1M count=${String(mebibytes)}; sync; sleep 1000000`], volumeMounts: [{ name: 'd', mountPath: '/d' }] }],
  });
  await node.apply(sleeper('dead', { restartPolicy: 'Never', containers: [{ command: ['sh', '-c', 'dd if=/dev/zero of=/x bs=1M count=120; sync'] }] }), writes('little', 5));
  await node.until('it to end', async () => (await node.pod('dead')).status?.phase === 'Succeeded');
  await node.running('little');
  await node.machine.sh('sync');
  const margin = async (): Promise<number> => Math.floor(((await roomOn(node)).disk - threshold) / MIB);
  await node.apply(writes('some', (await margin()) + 30));
  await node.until('what is dead to go', async () => (await node.machine.sh('ls -d /var/lib/skiff/agent/containers/*/upper/x 2>/dev/null; true')) === '');
  t.match(await node.kubectl('get', 'events', '--field-selector', 'reason=EvictionThresholdMet', '-o', 'jsonpath={.items[*].message}'), /Attempting to reclaim ephemeral-storage/);
  await over(node, 'DiskPressure');
  for (const name of ['some', 'little']) t.equal((await node.pod(name)).status?.phase, 'Running', `${name}: what was dead was enough`);
  t.match((await node.pod('dead')).status, { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] });
  await node.apply(writes('less', (await margin()) + 20));
  const some = await evicted(node, 'some');
  t.match(some.status, { reason: 'Evicted', message: /^The node was low on resource: ephemeral-storage\. Threshold quantity: \d+(Ki|Mi)?, available: \d+(Ki|Mi)?\. / });
  await over(node, 'DiskPressure');
  t.match(await node.machine.sh(`ls /var/lib/kubelet/pods/${some.metadata.uid}/volumes/kubernetes.io~empty-dir 2>/dev/null; true`), /^$/, 'its volumes are gone while the pod is still there to be seen');
  for (const name of ['less', 'little']) t.equal((await node.pod(name)).status?.phase, 'Running', `${name} has less than the one that went`);
  await node.gone('dead', 'little', 'some', 'less');
}

export async function processPressure(t: Test, node: MachineNode, _driver: Driver, args: readonly string[]): Promise<void> {
  await withThreshold(node, args, `pid.available<${String((await roomOn(node)).pids - 150)}`);
  await node.apply(sleeper('few'), sleeper('many', { containers: [{ command: ['sh', '-c', 'for i in $(seq 200); do sleep 1000000 & done; wait'] }] }));
  const { status } = await evicted(node, 'many');
  t.match(status, { reason: 'Evicted', message: /^The node was low on resource: pids\. Threshold quantity: \d+, available: \d+\. / });
  await over(node, 'PIDPressure');
  t.equal((await node.pod('few')).status?.phase, 'Running');
  await node.gone('few', 'many');
}
