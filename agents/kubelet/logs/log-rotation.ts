// Keeps container logs small: a log past its size is renamed, the runtime opens a new one, older ones are compressed and the oldest removed
// (upstream's containerLogMaxSize and containerLogMaxFiles).
//
// A silent log costs nothing: its folder is watched, and the first write starts a timer; when the timer finds that it has grown no more,
// the folder is watched again. Busy logs are looked at all together, at most once in a period.
import { createReadStream, createWriteStream, existsSync, readdirSync, renameSync, rmSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { ContainerStatus, Runtime } from '../../runtime/runtime.ts';

export interface RotationOptions {
  runtime: Runtime;
  clock: Clock;
  log: Log;
  /** Default 10 MiB. */
  sizeMaxBytes?: number;
  /** The current log counted. Default 5. */
  filesMax?: number;
  /** A log was so much larger than that when it was looked at that only its end is kept. */
  onCut?(containerId: string, sizeBytes: number): void;
}

export interface LogRotation {
  start(): void;
  stop(): void;
}

const LOOK_EVERY_MS = 10_000;
/** After silence, and while a log grows by more than its size between two looks: the next one is to find it before it has filled the disk. */
const LOOK_AT_FLOOD_MS = 1_000;

/** What is so many times larger than it may be is a flood. */
const FLOOD_TIMES = 5;

interface Watched {
  path: string;
  /** Silent: the next write is waited for. */
  watcher: FSWatcher | undefined;
  sizeBytes: number;
}

export function createLogRotation({ runtime, clock, log, sizeMaxBytes = 10 * 1024 * 1024, filesMax = 5, onCut = () => {} }: RotationOptions): LogRotation {
  const watched = new Map<string, Watched>();
  let timer: Timer | undefined;
  let unsubscribe = (): void => {};

  function begin(id: string): void {
    const container = runtime.status(id);
    if (container?.state !== 'running' || watched.has(id)) return;
    const path = logPathOf(container, runtime);
    if (path === undefined) return;
    watched.set(id, { path, watcher: undefined, sizeBytes: sizeOf(path) });
    listen(id);
  }

  function end(id: string): void {
    watched.get(id)?.watcher?.close();
    watched.delete(id);
  }

  function listen(id: string): void {
    const entry = watched.get(id);
    if (entry === undefined || !existsSync(dirname(entry.path))) return;
    entry.watcher = watch(dirname(entry.path), { persistent: false }, () => written(entry));
    entry.watcher.on('error', () => end(id));
  }

  function written(entry: Watched): void {
    entry.watcher?.close();
    entry.watcher = undefined;
    timer ??= clock.setTimer(LOOK_AT_FLOOD_MS, () => void look());
  }

  async function look(): Promise<void> {
    let flood = false;
    for (const [id, entry] of [...watched].filter(([, { watcher }]) => watcher === undefined)) {
      const before = entry.sizeBytes;
      entry.sizeBytes = sizeOf(entry.path);
      flood ||= entry.sizeBytes - Math.max(0, before) > sizeMaxBytes;
      if (entry.sizeBytes >= sizeMaxBytes) {
        await rotate(id, entry.path).catch((error: unknown) => log.warn('container log could not be rotated', { path: entry.path, error: messageOf(error) }));
        entry.sizeBytes = -1; // looked at once more
      } else if (entry.sizeBytes === before) listen(id);
    }
    const busy = [...watched.values()].some(({ watcher }) => watcher === undefined);
    timer = busy ? clock.setTimer(flood ? LOOK_AT_FLOOD_MS : LOOK_EVERY_MS, () => void look()) : undefined;
  }

  async function rotate(id: string, path: string): Promise<void> {
    const old = rotatedLogs(path);
    const rotated = `${path}.${timestamp(clock.now())}`;
    renameSync(path, rotated);
    await runtime.reopenLog(id).catch((error: unknown) => {
      renameSync(rotated, path); // the runtime still writes to it
      throw error;
    });
    const sizeBytes = sizeOf(rotated);
    if (sizeBytes > FLOOD_TIMES * sizeMaxBytes) {
      await keepEnd(rotated, sizeMaxBytes);
      onCut(id, sizeBytes);
    }
    const kept = old.slice(Math.max(0, old.length - Math.max(0, filesMax - 2)));
    for (const name of old) if (!kept.includes(name)) rmSync(name, { force: true });
    for (const name of kept) if (!name.endsWith('.gz')) await compress(name);
  }

  return {
    start() {
      unsubscribe = runtime.subscribe(({ type, containerId }) => (type === 'started' ? begin(containerId) : end(containerId)));
      for (const { id } of runtime.listContainers()) begin(id);
    },
    stop() {
      unsubscribe();
      timer?.cancel();
      for (const id of watched.keys()) end(id);
    },
  };
}

function logPathOf({ sandboxId, config }: ContainerStatus, runtime: Runtime): string | undefined {
  const sandbox = runtime.listSandboxes().find(({ id }) => id === sandboxId);
  return sandbox === undefined ? undefined : join(sandbox.config.logDirectory, config.logPath);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Oldest first; what a stop in the middle of compressing left is removed. */
function rotatedLogs(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`)).sort();
  const unfinished = names.filter((name) => name.endsWith('.tmp') || names.includes(`${name}.gz`));
  for (const name of unfinished) rmSync(join(dirname(path), name), { force: true });
  return names.filter((name) => !unfinished.includes(name)).map((name) => join(dirname(path), name));
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`, { mode: 0o640 }));
  renameSync(`${path}.tmp`, `${path}.gz`);
  rmSync(path);
}

/** Its last bytes alone: written faster than it could be compressed, the whole would fill the disk. */
async function keepEnd(path: string, bytes: number): Promise<void> {
  await pipeline(createReadStream(path, { start: sizeOf(path) - bytes }), createWriteStream(`${path}.tmp`, { mode: 0o640 }));
  renameSync(`${path}.tmp`, path);
}

/** `20260102-150405` */
function timestamp(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}
