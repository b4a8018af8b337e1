// Pods ended by their records, when nothing runs them any more: the runtime is opened for it, adopts what runs, and attaches nothing.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../internal/base/clock.ts';
import { readFileIfThere } from '../../internal/base/files.ts';
import type { Log } from '../../internal/base/log.ts';
import { systemRandom } from '../../internal/base/random.ts';
import type { ImageStore } from '../../agents/images/image-store.ts';
import { endPods } from '../../agents/kubelet/end-pods.ts';
import { createDetachingNetwork } from '../../agents/network/removal.ts';
import { createRuncRuntime } from '../../agents/runtime/runc/index.ts';
import { layoutOf, openRecords, type SandboxRecord } from '../../agents/runtime/runc/records.ts';
import type { Belonging } from './belongings.ts';
import type { Site } from './site.ts';

/** Those with something that runs or waits, as they were left. */
export function findPods(site: Site): SandboxRecord[] {
  const layout = layoutOf(site.dataDir, site.runDir);
  if (!existsSync(layout.sandboxes) || readdirSync(layout.sandboxes).length === 0 || !existsSync(layout.pins)) return [];
  const records = openRecords(layout);
  records.load();
  return [...records.sandboxes.values()].filter(({ state }) => state === 'ready');
}

export function podLines(site: Site): Belonging[] {
  return findPods(site).map(({ config }) => ({ line: `pod ${config.namespace}/${config.name}`, remove: () => {} }));
}

/** Their folders where others may have such: of the sandboxes that are recorded, and of the pods that the kubelet has a folder for. */
export function podLogs({ dataDir, runDir, kubeletDir, logsDir }: Site): string[] {
  const { sandboxes } = layoutOf(dataDir, runDir);
  const recorded = namesIn(sandboxes).flatMap((id) => {
    const path = /"logDirectory":"([^"]+)"/.exec(readFileIfThere(join(sandboxes, id, 'record.json')) ?? '')?.[1];
    return path === undefined || dirname(path) !== logsDir ? [] : [path];
  });
  const uids = new Set(namesIn(join(kubeletDir, 'pods')));
  return [...new Set([...recorded, ...namesIn(logsDir).filter((name) => uids.has(name.split('_').at(-1) ?? '')).map((name) => join(logsDir, name))])].filter((path) => existsSync(path));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Resolves when all have ended; `tell` hears of each. */
export async function endAllPods(site: Site, { log, tell, graceMaxMs }: { log: Log; tell(line: string): void; graceMaxMs?: number }): Promise<void> {
  if (findPods(site).length === 0) return;
  const runtime = createRuncRuntime({
    dataDir: site.dataDir, runDir: site.runDir, ociRuntime: site.ociRuntime, images: NO_IMAGES, clock: systemClock, random: systemRandom, log,
    network: createDetachingNetwork(join(site.dataDir, 'agent/network')),
  });
  await runtime.start();
  try {
    await endPods({ runtime, clock: systemClock, log, ended: ({ config }) => tell(`pod ${config.namespace}/${config.name}`), ...(graceMaxMs !== undefined && { graceMaxMs }) });
  } finally {
    await runtime.stop();
  }
}

/** Layers stay where they are: nothing is started. */
const NO_IMAGES: ImageStore = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  find: () => undefined,
  list: () => [],
  pull: () => Promise.reject(new Error('nothing is pulled now')),
  layers: () => [],
  release: () => {},
  remove: () => Promise.resolve(),
};
