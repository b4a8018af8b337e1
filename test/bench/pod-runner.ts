// Pods of a measured cluster: created, and seen Ready or gone by one watch, without polling.
import type { BenchServer } from './server-process.ts';

const PODS = '/api/v1/namespaces/default/pods';
const SEEN_MS = 300_000;

export interface PodRunner {
  /** Milliseconds from sending the create to the watch showing the Ready condition. `container` is laid over the one container. */
  run(name: string, container?: object): Promise<number>;
  /** Resolves when the watch shows that they are gone. */
  remove(names: readonly string[]): Promise<void>;
  close(): void;
}

export async function createPodRunner(server: BenchServer, image: string): Promise<PodRunner> {
  const cluster = server.cluster();
  const waiting = new Map<string, () => void>();
  const close = await cluster.watch(`${PODS}?watch=1&timeoutSeconds=3600`, ({ type, object }) => {
    const ready = object.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
    if (type === 'DELETED' || ready) waiting.get(`${type === 'DELETED' ? 'gone' : 'ready'}/${object.metadata.name}`)?.();
  });
  const seen = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${key} was not seen in ${String(SEEN_MS / 1000)} s`)), SEEN_MS);
      waiting.set(key, () => { clearTimeout(timer); waiting.delete(key); resolve(); });
    });
  return {
    close,
    async run(name, container = {}) {
      const ready = seen(`ready/${name}`);
      const begin = performance.now();
      await cluster.call('POST', PODS, { metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '36000'], ...container }] } });
      await ready;
      return performance.now() - begin;
    },
    async remove(names) {
      const gone = names.map((name) => seen(`gone/${name}`));
      for (const name of names) await cluster.call('DELETE', `${PODS}/${name}?gracePeriodSeconds=1`);
      await Promise.all(gone);
    },
  };
}
