// What goes through the node's streams: exec latency, a log that is followed while its container writes fast, and pulling an image of 100 MB beside
// `skopeo copy` from the same registry.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packTree, pushImages } from '../support/images.ts';
import { until } from '../support/until.ts';
import { createPodRunner } from './pod-runner.ts';
import { quantile } from './pods.ts';
import type { BenchServer } from './server-process.ts';
import type { Figures } from './table.ts';

const POD = '/api/v1/namespaces/default/pods';
const EXECS = 30;
const LOG_BYTES = 60_000_000;
const LINE = 'a line of a log as programs write them, neither long nor short, about a hundred characters in all ..';
const PULLS = 3;
const LAYERS = 5;
const LAYER_BYTES = 20 << 20;

export async function measureExec(server: BenchServer, figures: Figures, image: string): Promise<void> {
  const runner = await createPodRunner(server, image);
  await runner.run('exec');
  const took: number[] = [];
  const cpuBefore = server.counters().cpuSeconds;
  for (let round = 0; round < EXECS; round++) {
    const begin = performance.now();
    const { status } = await server.cluster().exec(`${POD}/exec/exec?command=echo&command=hello&stdout=true&stderr=true`);
    if (!status.includes('Success')) throw new Error(`exec: ${status}`);
    took.push(performance.now() - begin);
  }
  figures['exec p50, ms'] = quantile(took, 0.5);
  figures['exec p99, ms'] = quantile(took, 0.99);
  figures['exec CPU, ms each'] = ((server.counters().cpuSeconds - cpuBefore) * 1000) / EXECS;
  await runner.remove(['exec']);
  runner.close();
}

/** Followed from the start; what rotation takes away before it is read is lost to any reader, so the figure counts what came. */
export async function measureLogs(server: BenchServer, figures: Figures, image: string): Promise<void> {
  const runner = await createPodRunner(server, image);
  await runner.run('log', { command: ['sh', '-c', `sleep 2; yes '${LINE}' | head -c ${String(LOG_BYTES)}; echo; echo THE END; sleep 36000`] });
  const cpuBefore = server.counters().cpuSeconds;
  const { bytes, ms } = await server.cluster().follow(`${POD}/log/log?follow=true`, 'THE END');
  figures['log followed, MB/s'] = bytes / 1e6 / (ms / 1000);
  figures['log followed, part that came'] = bytes / LOG_BYTES;
  figures['log followed, CPU s per 100 MB'] = ((server.counters().cpuSeconds - cpuBefore) * 1e8) / LOG_BYTES;
  await runner.remove(['log']);
  runner.close();
}

/** `registry` as {address} and {url}; a new image each round, of bytes that do not compress. */
export async function measurePull(server: BenchServer, figures: Figures, { image, registry }: { image: string; registry: { address: string; url: string } }): Promise<void> {
  const runner = await createPodRunner(server, image);
  await runner.run('warm-up');
  const took: Record<'pull' | 'skopeo' | 'cpu', number[]> = { pull: [], skopeo: [], cpu: [] };
  for (let round = 0; round < PULLS; round++) {
    const name = `big${String(round)}:1`;
    const layers = Array.from({ length: LAYERS }, (_, index) => ({ tar: packTree({ [`data/${String(index)}`]: { text: randomBytes(LAYER_BYTES) } }) }));
    await pushImages(registry.url, [{ name, layers }]);
    took.skopeo.push(copyTime(`${registry.address}/${name}`));
    const cpuBefore = server.counters().cpuSeconds;
    took.pull.push(await pullTime(server, `pull-${String(round)}`, `${registry.address}/${name}`));
    took.cpu.push(server.counters().cpuSeconds - cpuBefore);
  }
  figures['pull of 100 MB, s'] = quantile(took.pull, 0.5);
  figures['the same by skopeo copy, s'] = quantile(took.skopeo, 0.5);
  figures['pull of 100 MB, CPU s'] = quantile(took.cpu, 0.5);
  await runner.remove(['warm-up', ...took.pull.map((_, round) => `pull-${String(round)}`)]);
  runner.close();
}

/** Seconds, as the kubelet's Event says them. The image has no program: the pod need not start. */
async function pullTime(server: BenchServer, pod: string, image: string): Promise<number> {
  const cluster = server.cluster();
  await cluster.call('POST', POD, { metadata: { name: pod }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image, command: ['/none'] }] } });
  const [, took, unit] = await until(async () => {
    const { items } = JSON.parse((await cluster.call('GET', `/api/v1/namespaces/default/events?fieldSelector=reason%3DPulled,involvedObject.name%3D${pod}`)).body) as { items: { message: string }[] };
    return /Successfully pulled image .* in ([\d.]+)(ms|s)\b/.exec(items[0]?.message ?? '') ?? false;
  }, `${image} to be pulled`);
  return Number(took) / (unit === 'ms' ? 1000 : 1);
}

/** Seconds of a copy that unpacks nothing. */
function copyTime(image: string): number {
  const target = mkdtempSync(join(tmpdir(), `skiff-bench-${String(process.pid)}-`));
  try {
    const begin = performance.now();
    execFileSync('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${image}`, `dir:${target}`], { stdio: 'pipe' });
    return (performance.now() - begin) / 1000;
  } finally {
    rmSync(target, { recursive: true });
  }
}
