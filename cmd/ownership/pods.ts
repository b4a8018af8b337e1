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
import { layoutOf, type SandboxRecord } from '../../agents/runtime/runc/records.ts';
import type { Site } from './site.ts';

interface Left {
  id: string;
  namespace: string;
  name: string;
  ready: boolean;
  logDirectory: string;
}

/** As much of the records as has to be told; of any version, and without making anything. */
function recorded({ dataDir, runDir }: Site): Left[] {
  const { sandboxes } = layoutOf(dataDir, runDir);
  return namesIn(sandboxes).flatMap((id) => {
    try {
      const { config, state } = JSON.parse(readFileIfThere(join(sandboxes, id, 'record.json')) ?? '') as SandboxRecord;
      return [{ id, namespace: config.namespace, name: config.name, ready: state === 'ready', logDirectory: config.logDirectory }];
    } catch {
      return []; // cut off by a power failure
    }
  });
}

/** Those with something that runs or waits, of this boot. */
export function findPods(site: Site): Left[] {
  const { pins } = layoutOf(site.dataDir, site.runDir);
  return recorded(site).filter(({ id, ready }) => ready && existsSync(join(pins, id)));
}

export function podLines(site: Site): string[] {
  return findPods(site).map(({ namespace, name }) => `pod ${namespace}/${name}`);
}

/** Their folders where others may have such: of the sandboxes that are recorded, and of the pods that the kubelet has a folder for. */
export function podLogs(site: Site): string[] {
  const { kubeletDir, logsDir } = site;
  const uids = new Set(namesIn(join(kubeletDir, 'pods')));
  const ofPods = namesIn(logsDir).filter((name) => uids.has(name.split('_').at(-1) ?? '')).map((name) => join(logsDir, name));
  return [...new Set([...recorded(site).map(({ logDirectory }) => logDirectory).filter((path) => dirname(path) === logsDir), ...ofPods])].filter((path) => existsSync(path));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Resolves when all have ended; `tell` hears of each. */
export async function endAllPods(site: Site, { log, tell, ...grace }: { log: Log; tell(line: string): void; graceMaxMs?: number; criticalMaxMs?: number }): Promise<void> {
  if (findPods(site).length === 0) return;
  const runtime = createRuncRuntime({
    dataDir: site.dataDir, runDir: site.runDir, ociRuntime: site.ociRuntime, images: NO_IMAGES, clock: systemClock, random: systemRandom, log,
    network: createDetachingNetwork(join(site.dataDir, 'agent/network')),
  });
  await runtime.start();
  try {
    await endPods({ runtime, clock: systemClock, log, ended: ({ config }) => tell(`pod ${config.namespace}/${config.name}`), ...grace });
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
