// Pods ended by their records, when nothing runs them any more: the runtime is opened for it, adopts what runs, and attaches nothing.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../internal/base/clock.ts';
import { namesIn, readFileIfThere } from '../../internal/base/files.ts';
import { NO_LEDGER } from '../../internal/base/ledger.ts';
import type { Log } from '../../internal/base/log.ts';
import { systemRandom } from '../../internal/base/random.ts';
import type { ImageStore } from '../../agents/images/image-store.ts';
import { NO_REGISTRIES } from '../../agents/images/registry-settings.ts';
import { endPods } from '../../agents/kubelet/end-pods.ts';
import { createDetachingNetwork } from '../../agents/network/removal.ts';
import { createRuncRuntime } from '../../agents/runtime/runc/index.ts';
import { layoutOf, type SandboxRecord } from '../../agents/runtime/runc/records.ts';
import type { Runtime } from '../../agents/runtime/runtime.ts';
import type { Site } from './site.ts';

/** It may have ended before us, with the machine. */
const CRI_WITHIN_MS = 2000;

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

/** Resolves when all have ended; `tell` hears of each. */
export async function endAllPods(site: Site, { log, tell, remove = false, ...grace }: { log: Log; tell(line: string): void; remove?: boolean; graceMaxMs?: number; criticalMaxMs?: number }): Promise<void> {
  const runtime = site.criEndpoint === '' ? openBuiltIn(site, log) : await openCri(site, log);
  if (runtime === undefined) return;
  await runtime.start();
  try {
    await endPods({ runtime, clock: systemClock, log, ended: ({ config }) => tell(`pod ${config.namespace}/${config.name}`), ...grace });
    // The built-in runtime's records go with the data folder; another's are its own.
    if (remove && site.criEndpoint !== '') await Promise.all(runtime.listSandboxes().map(({ id }) => runtime.removeSandbox(id)));
  } finally {
    await runtime.stop();
  }
}

function openBuiltIn(site: Site, log: Log): Runtime | undefined {
  if (findPods(site).length === 0) return undefined;
  return createRuncRuntime({
    dataDir: site.dataDir, runDir: site.runDir, ociRuntime: site.ociRuntime, images: NO_IMAGES, clock: systemClock, random: systemRandom, log,
    network: createDetachingNetwork(join(site.dataDir, 'agent/network')),
  });
}

/** Its CNI plugin asks us, as long as pods end; where the network is not ours, nobody does. */
async function openCri({ criEndpoint, dataDir, runDir }: Site, log: Log): Promise<Runtime> {
  const [{ createCri }, { createCniNetwork }] = await Promise.all([import('../../agents/runtime/cri/index.ts'), import('../../agents/network/cni/network.ts')]);
  const cni = createCniNetwork({ network: createDetachingNetwork(join(dataDir, 'agent/network')), socketPath: join(runDir, 'cni.sock'), program: [], ledger: NO_LEDGER });
  const network = { ...cni, start: (_places: unknown, sandboxes: ReadonlySet<string>) => cni.start(undefined, sandboxes) };
  return createCri({ endpoint: criEndpoint, registries: NO_REGISTRIES, clock: systemClock, log, reachedWithinMs: CRI_WITHIN_MS, network }).runtime;
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
