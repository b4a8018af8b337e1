// How containers end: conmon leaves the exit code as a file; watching the folder tells within milliseconds. A container whose process has gone
// without such a file (conmon was killed), or that has lost its conmon, is found by a slow poll: its code is unknown.
import { existsSync, rmSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { readText } from './cgroups.ts';
import { cgroupOf } from './container-cgroup.ts';
import type { Ground } from './ground.ts';
import { wasOutOfMemory } from './oom.ts';
import { isAlive, processOf, signal } from './process.ts';
import type { ContainerRecord } from './records.ts';

const UNKNOWN_EXIT_CODE = 255;
const POLL_MS = 10_000;
const SIGKILL = 9;

export interface Exits {
  start(): void;
  stop(): void;
}

export function createExits(ground: Ground): Exits {
  const { layout, records, clock, log } = ground;
  let watcher: FSWatcher | undefined;
  let timer: Timer | undefined;
  const poll = (): void => {
    for (const record of records.containers.values()) {
      if (record.state === 'exited' && existsSync(join(layout.exits, record.id))) keepExit(ground, record);
      if ((record.state !== 'running' && record.state !== 'created') || record.refused !== undefined || ground.starting.has(record.id)) continue;
      if (hasTeller(ground, record)) continue;
      if (!isAlive(record.process)) recordUnknownExit(ground, record, 'The container ended and nothing was left that knew its exit code');
      else if (conmonHasGone(ground, record)) endOrphan(ground, record);
    }
    timer = clock.setTimer(POLL_MS, poll);
  };
  return {
    start() {
      watcher = watch(layout.exits, (_event, name) => {
        const record = name === null ? undefined : records.containers.get(name);
        if (record !== undefined) takeExit(ground, record);
        else if (name !== null && /^[0-9a-f]{64}$/.test(name)) rmSync(join(layout.exits, name), { force: true }); // of one removed before its conmon was done
      });
      watcher.unref();
      watcher.on('error', (error) => log.warn('exits are only polled for now', { error }));
      for (const record of records.containers.values()) takeExit(ground, record); // of those that ended just before they were watched
      timer = clock.setTimer(POLL_MS, poll);
    },
    stop() {
      watcher?.close();
      timer?.cancel();
    },
  };
}

/** Whether it has ended, by its exit file; records and reports it then. */
export function takeExit(ground: Ground, record: ContainerRecord): boolean {
  if (record.state === 'exited') return true;
  const text = readText(join(ground.layout.exits, record.id))?.trim() ?? '';
  // A creation under way tells itself whether it failed; that a container has ended is told after that it has started.
  if (text === '' || record.state === 'making' || record.refused !== undefined || ground.starting.has(record.id)) return false;
  const exitCode = Number(text);
  const oom = existsSync(join(ground.layout.containers, record.id, 'oom')) || (exitCode === 137 && wasOutOfMemory(ground, record));
  recordExit(ground, record, { exitCode, reason: oom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error' });
  return true;
}

/** Whether its end has been told, or will be: while conmon lives it may have seen the end, and not written it yet. */
export function hasTeller(ground: Ground, record: ContainerRecord): boolean {
  // Between the first two looks conmon may have written the code and gone.
  return takeExit(ground, record) || conmonLives(ground, record) || takeExit(ground, record);
}

export function recordUnknownExit(ground: Ground, record: ContainerRecord, message: string): void {
  recordExit(ground, record, { exitCode: UNKNOWN_EXIT_CODE, reason: 'ContainerStatusUnknown', message });
}

export function recordExit(ground: Ground, record: ContainerRecord, end: { exitCode: number; reason: string; message?: string }): void {
  const ended = { finishedAt: ground.clock.now(), state: 'exited' as const, ...end };
  Object.assign(record, ended);
  keepExit(ground, record);
  ground.emit({ type: 'exited', sandboxId: record.sandboxId, containerId: record.id, exitCode: end.exitCode });
}

/** What has happened is told also when the disk is full: conmon's file stays then, until it can be written down. */
function keepExit({ records, layout, log }: Ground, record: ContainerRecord): void {
  try {
    records.saveContainer(record);
    rmSync(join(layout.exits, record.id), { force: true });
  } catch (error) {
    log.warn('the end of a container cannot be written down', { id: record.id, error: messageOf(error) });
  }
}

export function conmonLives(ground: Ground, record: ContainerRecord): boolean {
  return conmonOf(ground, record) !== undefined;
}

/** It was there, and is not any more: not one that never wrote its pid. */
function conmonHasGone(ground: Ground, { id }: ContainerRecord): boolean {
  return Number(readText(join(ground.layout.containers, id, 'conmon.pid'))) > 0;
}

/** Without its conmon a container has nowhere to write, and nobody will know how it ends: it is ended, as by other runtimes, and made anew by its pod. */
function endOrphan(ground: Ground, record: ContainerRecord): void {
  ground.log.warn('a container whose conmon was killed is ended', { id: record.id });
  for (const pid of ground.cgroups.processes(cgroupOf(ground, record))) signal({ pid, startTime: '' }, SIGKILL);
  recordExit(ground, record, { exitCode: 128 + SIGKILL, reason: 'Error', message: 'The process that watched the container was killed' });
}

/** The pid of the conmon that watches it, while that lives. */
export function conmonOf({ layout }: Ground, { id }: ContainerRecord): number | undefined {
  const pid = Number(readText(join(layout.containers, id, 'conmon.pid')));
  return pid > 0 && isAlive(processOf(pid)) && (readText(`/proc/${String(pid)}/cmdline`) ?? '').includes(id) ? pid : undefined;
}
