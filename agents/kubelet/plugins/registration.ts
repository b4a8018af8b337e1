// Plugins of the kubelet (CSI drivers, device plugins, DRA drivers) that make themselves known by a socket in `<kubelet folder>/plugins_registry`:
//
//   socket appears ─► GetInfo ─► handler.validate ─► handler.register ─► NotifyRegistrationStatus
//   socket goes    ─► handler.deregister                   (made anew: both, in this order)
//
// A handler is asked one thing at a time per socket. What fails is tried again, later each time, for as long as the socket is there; the plugin is told why.
// Nothing is deregistered when the kubelet stops: at its next start it finds the sockets again. Until the first socket appears, no gRPC is loaded.
// Protocol: pluginregistration v1 of k8s.io/kubelet.
import { mkdirSync } from 'node:fs';
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import type { Component } from '../../../internal/base/component.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import { createSocketWatch } from './socket-watch.ts';

export type PluginType = 'CSIPlugin' | 'DevicePlugin' | 'DRAPlugin';

export interface PluginInfo {
  type: PluginType;
  name: string;
  /** Path of the socket that serves; the one it registered by, unless it names another. */
  endpoint: string;
  versions: readonly string[];
}

export interface PluginHandler {
  /** Throws what the plugin is told. */
  validate(info: PluginInfo): void | Promise<void>;
  /** Throws what the plugin is told; it may be called again for the same socket, later. */
  register(info: PluginInfo): Promise<void>;
  deregister(info: PluginInfo): Promise<void>;
}

export interface PluginWatcherOptions {
  /** Made where it lacks. */
  directory: string;
  handlers: ReadonlyMap<PluginType, PluginHandler>;
  clock: Clock;
  log: Log;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 122_000;

export function createPluginWatcher(options: PluginWatcherOptions): Component {
  const sockets = new Map<string, SocketWork>();
  const watch = createSocketWatch(options.directory, {
    log: options.log,
    changed(path, identity) {
      let work = sockets.get(path);
      if (work === undefined) sockets.set(path, (work = createSocketWork(path, { ...options, gone: () => sockets.delete(path) })));
      work.want(identity);
    },
  });
  return {
    name: 'plugin watcher',
    async start() {
      mkdirSync(options.directory, { recursive: true, mode: 0o750 });
      watch.start();
    },
    async stop() {
      watch.stop();
      await Promise.all([...sockets.values()].map((work) => work.stop()));
    },
  };
}

interface SocketWork {
  /** Which socket stands under the path now; undefined: none. */
  want(identity: string | undefined): void;
  stop(): Promise<void>;
}

/** Brings what is registered to what is there, one step at a time. */
function createSocketWork(path: string, { handlers, clock, log, gone }: PluginWatcherOptions & { gone(): void }): SocketWork {
  let wanted: string | undefined;
  let registered: { identity: string; info: PluginInfo } | undefined;
  let running: Promise<void> | undefined;
  let retry: Timer | undefined;
  let delayMs = RETRY_FIRST_MS;
  let stopped = false;

  async function settle(): Promise<void> {
    while (!stopped && wanted !== registered?.identity) {
      if (registered !== undefined) {
        const { info } = registered;
        registered = undefined;
        await deregister(info);
      }
      if (wanted !== undefined) await register(wanted);
    }
  }

  async function register(identity: string): Promise<void> {
    const { introduce } = await import('./introduction.ts');
    const info = await introduce(path, { handlers, clock });
    registered = { identity, info };
    delayMs = RETRY_FIRST_MS;
    log.info('plugin registered', { type: info.type, name: info.name, endpoint: info.endpoint });
  }

  async function deregister(info: PluginInfo): Promise<void> {
    await handlers.get(info.type)?.deregister(info);
    log.info('plugin is gone', { type: info.type, name: info.name });
  }

  function run(): void {
    retry?.cancel();
    running ??= settle().catch(later).finally(() => {
      running = undefined;
      if (wanted === undefined && registered === undefined) gone();
    });
  }

  function later(error: unknown): void {
    log.warn('plugin could not be registered', { socket: path, error: messageOf(error) });
    if (stopped) return;
    retry = clock.setTimer(delayMs, run);
    delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
  }

  return {
    want(identity) {
      if (identity !== wanted) delayMs = RETRY_FIRST_MS;
      wanted = identity;
      run();
    },
    async stop() {
      stopped = true;
      retry?.cancel();
      await running;
    },
  };
}
