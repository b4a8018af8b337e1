// Pods over restarts of Skiff, a change of the cgroup driver, and the machine's shutdown.
import type { Test } from 'tap';
import { podCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const pids = (node: MachineNode): Promise<string> => node.machine.sh("pgrep -f '^sleep 1000000' | sort -n | tr '\\n' ' '");

export async function restarts(t: Test, node: MachineNode, driver: Driver, args: readonly string[]): Promise<void> {
  await node.apply(sleeper('stays', { containers: [{ resources: { limits: { memory: '32Mi', cpu: '50m' } } }] }), sleeper('shares', { shareProcessNamespace: true }));
  await node.running('stays', 'shares');
  const before = await pids(node);
  await node.machine.sh('systemctl restart skiff', 600);
  await node.machine.sh('kill -9 $(systemctl show -p MainPID --value skiff); sleep 2; for i in $(seq 200); do [ "$(systemctl is-active skiff)" = active ] && break; sleep 1; done', 900);
  await node.running('stays', 'shares');
  t.equal(await pids(node), before, 'containers did not notice a restart and a crash');
  t.match(await node.kubectl('exec', 'stays', '--', 'echo', 'here'), /here/);
  const other = driver === 'systemd' ? 'cgroupfs' : 'systemd';
  await node.configure([`cgroup-driver=${other}`]);
  const [moved] = await node.until('it to run again', async () => {
    const pods = await node.running('stays', 'shares');
    return pods.every(({ status }) => status?.containerStatuses?.[0]?.restartCount === 1) && pods;
  });
  if (moved !== undefined) t.match(await node.machine.sh(`ls -d /sys/fs/cgroup/${podCgroup(other, moved)}`), /kubepods/, 'a changed driver begins pods anew in its own cgroups');
  t.match(await node.machine.sh(`ls -d /sys/fs/cgroup/kubepods${driver === 'systemd' ? '.slice' : ''} 2>/dev/null; true`), driver === 'systemd' ? /^$/ : /^(\/sys\/fs\/cgroup\/kubepods)?$/, 'and those of the other are gone');
  await node.configure(args);
  await node.gone('stays', 'shares');
}

export async function shutdown(t: Test, node: MachineNode, _driver: Driver, args: readonly string[]): Promise<void> {
  await node.configure([...args, 'shutdownGracePeriod=60s', 'shutdownGracePeriodCriticalPods=20s']);
  const ends = (name: string, spec: object = {}): object => sleeper(name, {
    ...spec, terminationGracePeriodSeconds: 30, volumes: [{ name: 'h', hostPath: { path: '/var/lib/told', type: 'DirectoryOrCreate' } }],
    containers: [{ command: ['sh', '-c', `trap 'echo ${name} >>/h/ends; sync; exit 0' TERM; while :; do sleep 0.2; done`], volumeMounts: [{ name: 'h', mountPath: '/h' }] }],
  });
  await node.machine.sh('rm -rf /var/lib/told');
  await node.apply(ends('critical', { priorityClassName: 'system-node-critical' }), ends('plain'));
  await node.running('critical', 'plain');
  await node.machine.reboot();
  t.equal(await node.machine.sh('cat /var/lib/told/ends'), 'plain\ncritical', 'critical ones last');
  await node.until('the API', async () => / Ready/.test(await node.kubectl('get', 'nodes')));
  for (const name of ['plain', 'critical']) {
    const { status } = await node.pod(name);
    t.match(status, { phase: 'Failed', reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' }, name);
    t.match(status?.conditions?.find(({ type }) => type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet' });
  }
  await node.gone('plain', 'critical');
  await node.configure(args);
}
