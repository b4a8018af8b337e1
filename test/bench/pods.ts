// Pod starts with the image present, one by one and many at once; and what pods cost: memory of the server with its helpers (the containers' own
// processes left out), and processor time while each is probed.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPodRunner, type PodRunner } from './pod-runner.ts';
import type { BenchServer } from './server-process.ts';
import type { Figures } from './table.ts';

const SETTLE_MS = 8000;
const PROBED_PODS = 10;
const PROBE_MS = 20_000;
const SLEEP = 'sleep 36000';

export async function measurePods(server: BenchServer, figures: Figures, { count, image }: { count: number; image: string }): Promise<void> {
  const runner = await createPodRunner(server, image);
  await runner.run('warm-up');
  const single: number[] = [];
  for (let index = 0; index < count; index++) {
    single.push(await runner.run(`one-${String(index)}`));
    await runner.remove([`one-${String(index)}`]);
  }
  tell(figures, 'pod start one by one', single);
  const cpuBefore = server.counters().cpuSeconds;
  const names = Array.from({ length: count }, (_, index) => `many-${String(index)}`);
  tell(figures, `pod start ${String(count)} at once`, await Promise.all(names.map((name) => runner.run(name))));
  figures[`pod start ${String(count)} at once, CPU ms each`] = ((server.counters().cpuSeconds - cpuBefore) * 1000) / count;
  await runner.remove(['warm-up', ...names]);
  runner.close();
}

/** With each number of pods at a time. */
export async function measurePodMemory(server: BenchServer, figures: Figures, { counts, image }: { counts: readonly number[]; image: string }): Promise<void> {
  const runner = await createPodRunner(server, image);
  await runner.run('warm-up');
  await runner.remove(['warm-up']);
  await sleep(SETTLE_MS);
  const before = server.memory(SLEEP);
  figures['PSS without pods, MB'] = before.pssKb / 1024;
  let running = 0;
  for (const count of counts) {
    const names = Array.from({ length: count - running }, (_, index) => `held-${String(running + index)}`);
    await Promise.all(names.map((name) => runner.run(name)));
    running = count;
    await sleep(SETTLE_MS);
    const memory = server.memory(SLEEP);
    figures[`PSS with ${String(count)} pods, MB`] = memory.pssKb / 1024;
    figures[`PSS a pod, of ${String(count)}, MB`] = (memory.pssKb - before.pssKb) / count / 1024;
    figures[`RSS a pod, of ${String(count)}, MB`] = (memory.rssKb - before.rssKb) / count / 1024;
    const cpuBefore = server.counters().cpuSeconds;
    await sleep(SETTLE_MS);
    figures[`CPU with ${String(count)} pods at rest, ms/s`] = ((server.counters().cpuSeconds - cpuBefore) * 1e6) / SETTLE_MS;
  }
  await runner.remove(Array.from({ length: running }, (_, index) => `held-${String(index)}`));
  runner.close();
}

/** Ten pods, each probed once a second. */
export async function measureProbes(server: BenchServer, figures: Figures, image: string): Promise<void> {
  const runner = await createPodRunner(server, image);
  const web = { command: ['httpd', '-f', '-p', '80', '-h', '/etc'] };
  const every = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 30 };
  figures['CPU a pod without probes, ms/s'] = await probedCpu(server, runner, { name: 'unprobed', container: web });
  figures['CPU a pod with an HTTP probe, ms/s'] = await probedCpu(server, runner, { name: 'http', container: { ...web, readinessProbe: { httpGet: { path: '/hostname', port: 80 }, ...every } } });
  figures['CPU a pod with a TCP probe, ms/s'] = await probedCpu(server, runner, { name: 'tcp', container: { ...web, readinessProbe: { tcpSocket: { port: 80 }, ...every } } });
  figures['CPU a pod with an exec probe, ms/s'] = await probedCpu(server, runner, { name: 'exec', container: { ...web, readinessProbe: { exec: { command: ['true'] }, ...every } } });
  runner.close();
}

async function probedCpu(server: BenchServer, runner: PodRunner, { name, container }: { name: string; container: object }): Promise<number> {
  const names = Array.from({ length: PROBED_PODS }, (_, index) => `${name}-${String(index)}`);
  await Promise.all(names.map((one) => runner.run(one, container)));
  await sleep(SETTLE_MS / 2);
  const before = server.counters().cpuSeconds;
  await sleep(PROBE_MS);
  const used = server.counters().cpuSeconds - before;
  await runner.remove(names);
  return (used * 1e6) / PROBE_MS / PROBED_PODS;
}

function tell(figures: Figures, title: string, took: readonly number[]): void {
  figures[`${title} p50, ms`] = quantile(took, 0.5);
  figures[`${title} p99, ms`] = quantile(took, 0.99);
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}
