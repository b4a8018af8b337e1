// Loads CSI when it is needed: a driver registers, a pod brings a volume of one, or an earlier life of the node left something of one. Until then this file
// and the CSINode in the API are all there is of it.
import { existsSync } from 'node:fs';
import type { Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { NodeContext } from '../node-context.ts';
import type { PluginHandler } from '../plugins/registration.ts';
import type { Csi, CsiLoader } from '../volumes/volume.ts';
import { createNodeInfo } from './node-info.ts';

export interface NodeCsi extends CsiLoader {
  handler: PluginHandler;
  /** As Node.status shows them; undefined: not known yet, what is shown stays. */
  volumesInUse(): readonly string[] | undefined;
  start(): void;
  /** Called every few seconds. */
  beat(): void;
  stop(): void;
}

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 64_000;
const LOOK_EVERY_MS = 60_000;

export interface NodeCsiOptions {
  node(): NodeContext;
  /** Node.status is to be posted. */
  changed(): void;
  /** Nobody tells of changes in the API: they are looked for. */
  looks: boolean;
}

export function createNodeCsi({ node, changed, looks }: NodeCsiOptions): NodeCsi {
  let loading: Promise<Csi> | undefined;
  let csi: Csi | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  let lookedAt = 0;
  const info = (): ReturnType<typeof createNodeInfo> => (nodeInfo ??= createNodeInfo(node()));
  let nodeInfo: ReturnType<typeof createNodeInfo> | undefined;

  const load = (): Promise<Csi> => (loading ??= import('./index.ts').then(({ createCsi }) => (csi = createCsi(node(), { nodeInfo: info(), changed }))));

  const isLeftBehind = (): boolean => existsSync(`${node().kubeletDir}/plugins/kubernetes.io/csi`);

  function prepare(delayMs: number): void {
    info().prepare().catch((error: unknown) => {
      if (stopped) return;
      node().log.debug('the CSINode could not be made', { error: messageOf(error) });
      timer = node().clock.setTimer(delayMs, () => prepare(Math.min(delayMs * 2, RETRY_MAX_MS)));
    });
  }

  return {
    load,
    loaded: () => csi,
    handler: {
      validate: async (plugin) => (await load()).handler.validate(plugin),
      register: async (plugin) => (await load()).handler.register(plugin),
      deregister: async (plugin) => (await load()).handler.deregister(plugin),
    },
    volumesInUse: () => (csi === undefined && loading === undefined && !isLeftBehind() ? [] : csi?.volumesInUse()),
    start() {
      prepare(RETRY_FIRST_MS);
      if (isLeftBehind()) void load();
    },
    beat() {
      if (!looks || csi === undefined || node().clock.monotonicMs() - lookedAt < LOOK_EVERY_MS) return;
      lookedAt = node().clock.monotonicMs();
      csi.look();
    },
    stop() {
      stopped = true;
      timer?.cancel();
      csi?.stop();
    },
  };
}
