// In-place resize: the files of the pod and its containers change, and nothing is restarted that need not be.
import type { Test } from 'tap';
import { cgroupFiles, containerCgroup, podCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const MIB = 1 << 20;
const FILES = ['cpu.max', 'memory.max'];
const both = (cpu: string, memory: string): object => ({ requests: { cpu, memory }, limits: { cpu, memory } });

export async function resizing(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const patch = (name: string, containers: object[]): Promise<string> => node.kubectl('patch', 'pod', name, '--subresource=resize', '--type=strategic', '-p', JSON.stringify({ spec: { containers } }));
  await node.apply(
    sleeper('grows', { containers: [{ resources: both('20m', '16Mi') }, { resources: both('20m', '16Mi') }] }),
    sleeper('restarts', { containers: [{ resources: both('20m', '16Mi'), resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }] }),
    sleeper('waits', { containers: [{ resources: both('20m', '16Mi') }] }), sleeper('big', { containers: [{ resources: both('600m', '16Mi') }] }),
  );
  await node.running('grows', 'restarts', 'waits', 'big');
  await patch('grows', [{ name: 'c0', resources: both('50m', '32Mi') }, { name: 'c1', resources: both('10m', '12Mi') }]);
  const grown = await node.until('the status to show the new resources', async () => {
    const pod = await node.pod('grows');
    const done = pod.status?.containerStatuses?.[0]?.resources?.limits?.['memory'] === '32Mi' && pod.status.conditions?.every(({ type }) => !type.startsWith('PodResize'));
    return done === true && pod;
  });
  t.same(grown.status?.containerStatuses?.map(({ restartCount }) => restartCount), [0, 0]);
  t.same(await cgroupFiles(node.machine, podCgroup(driver, grown), FILES), { 'cpu.max': '6000 100000', 'memory.max': String(44 * MIB) });
  t.same(await cgroupFiles(node.machine, containerCgroup(driver, grown, 'c0'), FILES), { 'cpu.max': '5000 100000', 'memory.max': String(32 * MIB) });
  t.same(await cgroupFiles(node.machine, containerCgroup(driver, grown, 'c1'), FILES), { 'cpu.max': '1000 100000', 'memory.max': String(12 * MIB) });
  t.match((await node.events('grows')).join('\n'), /ResizeStarted: [^]*ResizeCompleted: /);
  if (driver === 'systemd') {
    await node.machine.sh('systemctl daemon-reload');
    t.same(await cgroupFiles(node.machine, podCgroup(driver, grown), FILES), { 'cpu.max': '6000 100000', 'memory.max': String(44 * MIB) }, 'systemd knows them');
  }
  await patch('restarts', [{ name: 'c0', resources: both('20m', '24Mi') }]);
  const restarted = await node.until('it to be restarted', async () => {
    const pod = await node.pod('restarts');
    return pod.status?.containerStatuses?.[0]?.restartCount === 1 && pod.status.containerStatuses[0].ready && pod;
  });
  t.same(await cgroupFiles(node.machine, containerCgroup(driver, restarted, 'c0'), FILES), { 'cpu.max': '2000 100000', 'memory.max': String(24 * MIB) }, 'memory by a restart, as the pod asks for');
  await patch('waits', [{ name: 'c0', resources: both('700m', '16Mi') }]);
  const pending = await node.until('a condition', async () => (await node.pod('waits')).status?.conditions?.find(({ type }) => type === 'PodResizePending'));
  t.match(pending, { status: 'True', reason: 'Deferred', message: /Node didn't have enough resource: cpu, requested: 700, used: \d+, capacity: 1000/ });
  await node.gone('big');
  const had = await node.until('room for it', async () => {
    const pod = await node.pod('waits');
    return pod.status?.containerStatuses?.[0]?.resources?.limits?.['cpu'] === '700m' && pod;
  });
  t.match(await cgroupFiles(node.machine, containerCgroup(driver, had, 'c0'), FILES), { 'cpu.max': '70000 100000' }, 'as soon as there is room');
  t.match(await node.tryKubectl('patch', 'pod', 'waits', '--subresource=resize', '--type=strategic', '-p', JSON.stringify({ spec: { containers: [{ name: 'c0', resources: both('2', '16Mi') }] } })), /./);
  await node.gone('grows', 'restarts', 'waits');
}
