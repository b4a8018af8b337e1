// A container whose memory is full: who dies, and how that is told.
import type { Test } from 'tap';
import { cgroupFiles, containerCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const LIMITED = { resources: { requests: { memory: '24Mi' }, limits: { memory: '24Mi' } } };
/** dd takes a block of this size at once. */
const EATS = 'dd if=/dev/zero of=/dev/null bs=60M count=1';

export async function outOfMemory(t: Test, node: MachineNode, driver: Driver, args: readonly string[]): Promise<void> {
  await node.apply(
    sleeper('itself', { restartPolicy: 'Never', containers: [{ ...LIMITED, command: ['sh', '-c', `exec ${EATS}`] }] }),
    sleeper('child', { restartPolicy: 'Never', containers: [{ ...LIMITED, command: ['sh', '-c', `${EATS}; sleep 1000000`] }] }),
    sleeper('init', { restartPolicy: 'Never', initContainers: [{ name: 'before', ...LIMITED, command: ['sh', '-c', `exec ${EATS}`] }] }),
  );
  for (const name of ['itself', 'child', 'init']) {
    const { status } = await node.until(`${name} to fail`, async () => {
      const pod = await node.pod(name);
      return pod.status?.phase === 'Failed' && pod;
    });
    const [ended] = (name === 'init' ? status?.initContainerStatuses : status?.containerStatuses) ?? [];
    t.match(ended?.state?.terminated, { reason: 'OOMKilled', exitCode: 137 }, name === 'child' ? 'a child that takes too much ends the whole container' : `${name}: OOMKilled`);
  }
  await node.gone('itself', 'child', 'init');
  await node.apply(sleeper('again', { containers: [{ ...LIMITED, command: ['sh', '-c', `[ -e /tmp/x ] || sleep 2; ${EATS}`] }] }));
  const restarted = await node.until('it to be killed again', async () => {
    const [status] = (await node.pod('again')).status?.containerStatuses ?? [];
    return (status?.restartCount ?? 0) >= 1 && status;
  });
  t.match(restarted.lastState?.terminated, { reason: 'OOMKilled', exitCode: 137 }, 'and the one before it is told of');
  await node.gone('again');
  await oneProcess(t, node, driver, args);
}

async function oneProcess(t: Test, node: MachineNode, driver: Driver, args: readonly string[]): Promise<void> {
  await node.configure([...args, 'singleProcessOOMKill=true']);
  await node.apply(sleeper('single', { restartPolicy: 'Never', containers: [{ ...LIMITED, command: ['sh', '-c', `${EATS}; echo "ended with $?"; sleep 1000000`] }] }));
  const [pod] = await node.running('single');
  if (pod !== undefined) t.match(await cgroupFiles(node.machine, containerCgroup(driver, pod, 'c0'), ['memory.oom.group']), { 'memory.oom.group': '0' });
  t.match(await node.until('its words', async () => (await node.kubectl('logs', 'single')) || undefined), /ended with 137/, 'where only one process is to die the rest goes on');
  t.match((await node.pod('single')).status?.containerStatuses?.[0]?.state, { running: {} });
  await node.gone('single');
  await node.configure(args);
}
