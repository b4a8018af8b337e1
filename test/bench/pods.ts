// Pod starts with the image present: seconds from sending the create to the watch showing the Ready condition; and what a pod costs.
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchServer } from './server-process.ts';
import type { Figures } from './table.ts';

const PODS = '/api/v1/namespaces/default/pods';

export async function measurePods(server: BenchServer, figures: Figures, { count, image }: { count: number; image: string }): Promise<void> {
  const cluster = server.cluster();
  const waiting = new Map<string, () => void>();
  const stop = await cluster.watch(`${PODS}?watch=1&timeoutSeconds=3600`, ({ type, object }) => {
    const ready = object.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
    const key = `${type === 'DELETED' ? 'gone' : 'ready'}/${object.metadata.name}`;
    if (type === 'DELETED' || ready) waiting.get(key)?.();
  });
  const seen = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${key} was not seen in 120 s`)), 120_000);
      waiting.set(key, () => { clearTimeout(timer); waiting.delete(key); resolve(); });
    });
  const run = async (name: string): Promise<number> => {
    const ready = seen(`ready/${name}`);
    const begin = performance.now();
    await createWhenAllowed(name);
    await ready;
    return performance.now() - begin;
  };
  const createWhenAllowed = async (name: string): Promise<void> => {
    const pod = { metadata: { name }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '36000'] }] } };
    await cluster.call('POST', PODS, pod);
  };
  const remove = async (names: string[]): Promise<void> => {
    const gone = names.map((name) => seen(`gone/${name}`));
    for (const name of names) await cluster.call('DELETE', `${PODS}/${name}`);
    await Promise.all(gone);
  };

  await run('warm-up');
  const before = server.memory();
  const single: number[] = [];
  for (let index = 0; index < count; index++) single.push(await run(`one-${String(index)}`));
  figures['pod start one by one p50, ms'] = quantile(single, 0.5);
  figures['pod start one by one p99, ms'] = quantile(single, 0.99);
  await sleep(5000);
  const after = server.memory();
  figures['memory per pod RSS, MB'] = (after.rssKb - before.rssKb) / count / 1024;
  figures['memory per pod PSS, MB'] = (after.pssKb - before.pssKb) / count / 1024;
  figures[`RSS with ${String(count)} pods, MB`] = after.rssKb / 1024;
  await remove(single.map((_, index) => `one-${String(index)}`));
  const names = Array.from({ length: count }, (_, index) => `many-${String(index)}`);
  const together = await Promise.all(names.map(run));
  figures[`${String(count)} pods at once, slowest, ms`] = Math.max(...together);
  await remove(['warm-up', ...names]);
  stop();
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}
