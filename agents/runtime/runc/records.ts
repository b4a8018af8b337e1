// What the runtime knows, on disk: a record for each sandbox and container, written before anything is made for it, so that nothing on the machine is
// ever without one. Volatile parts (runc's state, pins, exit files) lie in the run folder. Only ends are synced: a power cut takes what a record that it
// took stood for (processes, namespaces, mounts), but for the record's own folder, which adoption removes; and no sync would help one that had been
// made but not begun, which is undone. How a container ended nobody could say again.
//
//   <data-dir>/agent/sandboxes/<id>/   record.json hostname resolv.conf
//   <data-dir>/agent/containers/<id>/  record.json upper/ work/ rootfs/ config.json oom ctl … (the OCI bundle)
//   <run-dir>/                         runc/ exits/ pins/<sandbox>/{net,ipc,uts,user,shm} sockets/ roots/<container> (of pods with users of their own)
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';
import type { ContainerConfig, ContainerState, ContainerUser, SandboxConfig } from '../runtime.ts';

/** Of the records' shape. An older Skiff must not take a newer one's records for broken, and clear away what they stand for. */
const VERSION = 1;

export interface Layout {
  sandboxes: string;
  containers: string;
  runc: string;
  exits: string;
  pins: string;
  sockets: string;
  roots: string;
}

export interface SandboxRecord {
  id: string;
  config: SandboxConfig;
  state: 'making' | 'ready' | 'notready';
  ips: string[];
  createdAt: number;
  bootId: string;
  /** Of shared PID namespaces. */
  pause?: ProcessName;
}

export interface ContainerRecord {
  id: string;
  sandboxId: string;
  config: ContainerConfig;
  /** `making`: the intent; anything may or may not exist. */
  state: ContainerState | 'making';
  /** Ids of images whose layers it holds: its own, then those mounted. */
  images: string[];
  stopSignal: string;
  process?: ProcessName;
  /** Whom it was made for. */
  user?: ContainerUser;
  createdAt: number;
  /** Written before it is started: who finds it `created` with this has to look whether it was (begin.ts). */
  startingAt?: number;
  /** Kills for want of memory in its pod before it began, where its own count would go with its cgroup (oom.ts). */
  oomKillsBefore?: number;
  startedAt: number;
  finishedAt: number;
  exitCode?: number;
  reason?: string;
  message?: string;
  /** Why the OCI runtime would not create it: told when it is to be started. */
  refused?: string;
}

/** A process of this boot: pids come again, start times do not. */
export interface ProcessName {
  pid: number;
  startTime: string;
}

export interface Records {
  readonly sandboxes: Map<string, SandboxRecord>;
  readonly containers: Map<string, ContainerRecord>;
  load(): void;
  saveSandbox(record: SandboxRecord): void;
  saveContainer(record: ContainerRecord): void;
  removeSandbox(id: string): void;
  removeContainer(id: string): void;
}

export function layoutOf(dataDir: string, runDir: string): Layout {
  return {
    sandboxes: join(dataDir, 'agent/sandboxes'), containers: join(dataDir, 'agent/containers'),
    runc: join(runDir, 'runc'), exits: join(runDir, 'exits'), pins: join(runDir, 'pins'), sockets: join(runDir, 'sockets'), roots: join(runDir, 'roots'),
  };
}

export function openRecords(layout: Layout): Records {
  const sandboxes = new Map<string, SandboxRecord>();
  const containers = new Map<string, ContainerRecord>();
  const save = (folder: string, id: string, record: object, sync: boolean): void => writeFileAtomically(join(folder, id, 'record.json'), JSON.stringify({ version: VERSION, ...record }), { mode: 0o600, sync });
  return {
    sandboxes,
    containers,
    load() {
      for (const folder of Object.values(layout) as string[]) mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const record of readAll<SandboxRecord>(layout.sandboxes)) sandboxes.set(record.id, record);
      for (const record of readAll<ContainerRecord>(layout.containers)) containers.set(record.id, record);
    },
    saveSandbox(record) {
      sandboxes.set(record.id, record);
      save(layout.sandboxes, record.id, record, false);
    },
    saveContainer(record) {
      containers.set(record.id, record);
      save(layout.containers, record.id, record, record.state === 'exited');
    },
    removeSandbox(id) {
      rmSync(join(layout.sandboxes, id), { recursive: true, force: true });
      sandboxes.delete(id);
    },
    removeContainer(id) {
      rmSync(join(layout.containers, id), { recursive: true, force: true });
      containers.delete(id);
    },
  };
}

/** A folder without a readable record is not listed: adoption removes it. One of a newer Skiff ends the start, before anything is touched. */
function readAll<T>(folder: string): T[] {
  return readdirSync(folder).flatMap((id) => {
    const path = join(folder, id, 'record.json');
    const record = parse<T & { version?: number }>(readFileIfThere(path));
    if (record === undefined) return [];
    const { version = 1, ...rest } = record;
    if (version > VERSION) throw new Error(`${path} was written by a newer version of skiff (records of version ${String(version)}, this one knows ${String(VERSION)}): start that version again; nothing was changed, and containers go on`);
    return [rest as unknown as T];
  });
}

function parse<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined; // cut off by a power failure
  }
}
