// Letting a created container's process go. It stands in `runc init` and waits to open a fifo of runc's state for writing; who opens that for reading,
// takes what it says and removes the fifo has done all that `runc start` does (libcontainer, since 1.0), without a program of ten megabytes that
// finds the container again. Other OCI runtimes have ways of their own: they, and what is not as expected, are left to their `start`.
import { constants, existsSync, openSync, readdirSync, readlinkSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Timer } from '../../../internal/base/clock.ts';
import { failureOf, type Ground } from './ground.ts';
import { isAlive } from './process.ts';
import type { ContainerRecord, ProcessName } from './records.ts';

const FIFO = 'exec.fifo';
/** It waits there already, or is just about to. */
const LOOK_MS = 100;

/** Gives why it could not be started. */
export async function begin(ground: Ground, record: ContainerRecord): Promise<string | undefined> {
  if (ground.hasFifos() && record.process !== undefined && (await openFifo(ground, record.id, record.process))) return undefined;
  const result = await ground.limit(() => ground.runc('start', record.id));
  return result.code === 0 ? undefined : failureOf(result);
}

/** Of one whose start was noted, and which may have begun or not when this process ended. */
export async function hasBegun(ground: Ground, { id, process }: ContainerRecord): Promise<boolean> {
  if (!isAlive(process)) return true; // it waits no more
  if (ground.hasFifos()) return !existsSync(join(ground.layout.runc, id, FIFO));
  const { stdout } = await ground.runc('state', id);
  return !/"status": "created"/.test(stdout);
}

/** False: it is for the OCI runtime to say what there is. */
async function openFifo({ layout, clock }: Ground, id: string, process: ProcessName): Promise<boolean> {
  const path = join(layout.runc, id, FIFO);
  const file = openForReading(path);
  if (file === undefined) return false;
  const met = Promise.withResolvers<boolean>();
  const started = (): void => {
    rmSync(path, { force: true }); // at once: with it there it counts as created
    met.resolve(true);
  };
  const fifo = new Socket({ fd: file, readable: true, writable: false }).on('error', () => met.resolve(false)).once('data', started).once('end', () => met.resolve(false));
  const look = (): void => {
    if (!isAlive(process)) return said(file) ? started() : met.resolve(false);
    if (!holds(process.pid, path)) started(); // in a life of Skiff that ended before the fifo was removed
    else timer = clock.setTimer(LOOK_MS, look);
  };
  let timer: Timer = clock.setTimer(LOOK_MS, look);
  return met.promise.finally(() => {
    timer.cancel();
    fifo.destroy();
  });
}

/** A short one may have ended before this process, busy with others, came to read its word. */
function said(file: number): boolean {
  try {
    return readSync(file, Buffer.alloc(1)) > 0;
  } catch {
    return false; // nothing is there
  }
}

/** Does not wait for who writes. */
function openForReading(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/** As long as it has not become the container's own program. */
function holds(pid: number, path: string): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    return readdirSync(folder).some((name) => readlinkSync(join(folder, name)).endsWith(path.slice(path.lastIndexOf('/', path.length - FIFO.length - 2))));
  } catch {
    return true; // it has ended meanwhile, which the next look tells
  }
}
