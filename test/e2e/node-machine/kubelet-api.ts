// The kubelet's API on cgroup v2: what streams into containers, probes, and what is counted of them.
import type { Test } from 'tap';
import { sleeper, podCgroup, type Driver, type MachineNode } from '../../support/machine-node.ts';

const MIB = 1 << 20;

interface Summary {
  node: { cpu: { usageCoreNanoSeconds: number }; memory: Record<string, number> };
  pods: { podRef: { name: string }; cpu: { usageCoreNanoSeconds: number }; memory: Record<string, number>; process_stats?: { process_count: number }; containers: { name: string; cpu: { usageCoreNanoSeconds: number }; memory: Record<string, number>; rootfs: { usedBytes: number } }[] }[];
}

export async function kubeletApi(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  await node.apply(
    sleeper('web', { containers: [{ image: 'docker.io/library/web:1', command: undefined, readinessProbe: { exec: { command: ['cat', '/tmp/www/version'] }, periodSeconds: 5, timeoutSeconds: 30 } }] }),
    sleeper('eats', { containers: [{ command: ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20; dd if=/dev/zero of=/file bs=1M count=3; sleep 1000000'], resources: { limits: { memory: '64Mi', cpu: '100m' } } }] }),
    sleeper('reads', { containers: [{ stdin: true, stdinOnce: true, command: ['sh', '-c', 'read line; echo "got $line"; sleep 1000000'] }] }),
  );
  await node.running('web', 'eats', 'reads');
  t.match(await node.kubectl('exec', 'web', '--', 'sh', '-c', 'echo out; exit 0'), /^out/);
  t.match(await node.tryKubectl('exec', 'web', '--', 'sh', '-c', 'exit 7'), /exit code 7|exit status 7|exit 7/);
  t.match(await node.kubectl('exec', 'web', '--', 'cat', '/proc/self/cgroup'), /^0::\/$/m, 'a container sees its own cgroup as the top');
  await node.shell('(echo hello; sleep 20) | timeout 60 $KUBECTL attach -i reads; true');
  t.match(await node.kubectl('logs', 'reads'), /got hello/, 'attach');
  t.match(await node.shell(`$KUBECTL port-forward pod/web 18080:80 >/dev/null 2>&1 & f=$!; for i in $(seq 60); do curl -sf -m 20 http://127.0.0.1:18080/version && break; sleep 1; done; kill $f`), /^1/m, 'port-forward');
  await node.until('the memory to be written', async () => (await node.kubectl('exec', 'eats', '--', 'stat', '-c', '%s', '/file')).trim() === String(3 * MIB));
  await summary(t, node);
  await cadvisor(t, node, driver);
  await node.gone('web', 'eats', 'reads');
}

async function summary(t: Test, node: MachineNode): Promise<void> {
  const name = (await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const { node: whole, pods } = JSON.parse(await node.kubectl('get', '--raw', `/api/v1/nodes/${name}/proxy/stats/summary`)) as Summary;
  const eats = pods.find(({ podRef }) => podRef.name === 'eats');
  const [container] = eats?.containers ?? [];
  t.ok((whole.memory['workingSetBytes'] ?? 0) > 100 * MIB, 'of the node');
  for (const memory of [eats?.memory ?? {}, container?.memory ?? {}]) t.ok((memory['workingSetBytes'] ?? 0) > 20 * MIB && (memory['workingSetBytes'] ?? 0) < 64 * MIB, `what it holds: ${JSON.stringify(memory)}`);
  t.ok((container?.cpu.usageCoreNanoSeconds ?? 0) > 1e6 && (eats?.cpu.usageCoreNanoSeconds ?? 0) >= (container?.cpu.usageCoreNanoSeconds ?? 0), 'what it worked');
  t.ok((container?.rootfs.usedBytes ?? 0) >= 3 * MIB && (container?.rootfs.usedBytes ?? 0) < 4 * MIB, 'what it wrote');
  t.ok((eats?.process_stats?.process_count ?? 0) >= 1);
}

async function cadvisor(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const name = (await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const text = await node.kubectl('get', '--raw', `/api/v1/nodes/${name}/proxy/metrics/cadvisor`);
  const value = (metric: string, ...labels: string[]): number => Number(text.split('\n').find((line) => line.startsWith(`${metric}{`) && labels.every((label) => line.includes(label)))?.split(' ')[1] ?? NaN);
  const own = ['container="c0"', 'pod="eats"'];
  t.ok(value('container_memory_working_set_bytes', ...own) > 20 * MIB, 'working set');
  t.ok(value('container_cpu_usage_seconds_total', ...own) > 0, 'CPU');
  t.equal(value('container_spec_memory_limit_bytes', ...own), 64 * MIB);
  t.equal(value('container_spec_cpu_quota', ...own), 10_000);
  const id = `/${podCgroup(driver, await node.pod('eats'))}`;
  t.ok(value('container_memory_working_set_bytes', 'container=""', `id="${id}"`) > 20 * MIB, `the pod, as ${id}`);
  t.ok(value('container_memory_usage_bytes', `id="/kubepods${driver === 'systemd' ? '.slice' : ''}"`) > 20 * MIB, 'all pods');
  t.ok(value('container_oom_events_total', ...own) === 0);
}
