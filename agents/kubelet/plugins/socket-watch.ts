// Unix sockets in a folder and those below it, as they come and go: by inotify alone, nothing is asked twice. Names that begin with a dot are
// passed over. A socket that was made anew under its old name is told of again, with another identity.
import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, unlessErrno } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';

/** `identity` is undefined when the socket is gone. */
export type SocketChange = (path: string, identity: string | undefined) => void;

export interface SocketWatch {
  /** Tells of the sockets that are there already, too. */
  start(): void;
  stop(): void;
}

export function createSocketWatch(directory: string, { log, changed }: { log: Log; changed: SocketChange }): SocketWatch {
  const watchers = new Map<string, FSWatcher>();
  const sockets = new Map<string, string>();

  function enter(folder: string): void {
    if (!watchers.has(folder)) {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        if (event !== 'rename') return;
        if (name === null) for (const path of [...known(folder), ...childrenOf(folder)]) look(path);
        else look(join(folder, name));
      });
      watcher.on('error', (error) => log.warn('plugin sockets are not watched any more', { folder, error: messageOf(error) }));
      watchers.set(folder, watcher);
    }
    for (const path of childrenOf(folder)) look(path);
  }

  function known(folder: string): string[] {
    return [...watchers.keys(), ...sockets.keys()].filter((path) => dirname(path) === folder);
  }

  function look(path: string): void {
    if (basename(path).startsWith('.')) return;
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    if (found?.isDirectory() !== true && watchers.has(path)) leave(path);
    if (found?.isDirectory() === true) return enter(path);
    const identity = found?.isSocket() === true ? `${String(found.ino)} ${String(found.birthtimeNs)}` : undefined;
    if (identity === sockets.get(path)) return;
    if (identity === undefined) sockets.delete(path);
    else sockets.set(path, identity);
    changed(path, identity);
  }

  /** A folder that went took all below with it. */
  function leave(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
    for (const path of known(folder)) look(path);
  }

  return {
    start: () => enter(directory),
    stop() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function childrenOf(folder: string): string[] {
  // Gone again already, of which its parent hears.
  const names = unlessErrno(['ENOENT', 'ENOTDIR'], () => readdirSync(folder)) ?? [];
  return names.map((name) => join(folder, name));
}
