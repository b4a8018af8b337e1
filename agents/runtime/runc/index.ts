// The built-in runtime: runc and conmon, no daemon beside Skiff. See runtime.ts for what it promises and records.ts for what lies where.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { findProgram, tryCommand } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { createLimit } from '../../../internal/base/limit.ts';
import { createOnce } from '../once.ts';
import { RuntimeError, type ContainerStatus, type Resources, type Runtime, type RuntimeEvent, type RuntimeHandler } from '../runtime.ts';
import { adopt } from './adoption.ts';
import { openCgroups } from './cgroups.ts';
import { connectTo } from './connect.ts';
import { reopenLog } from './control.ts';
import { createContainer, removeContainer, startContainer, stopContainer } from './container.ts';
import { exec } from './exec.ts';
import { createExits } from './exits.ts';
import { runcWith, failureOf, type Ground, type RuncRuntimeOptions } from './ground.ts';
import { layoutOf, openRecords, type ContainerRecord, type SandboxRecord } from './records.ts';
import { removeSandbox, runSandbox, statusOfSandbox, stopSandbox } from './sandboxes.ts';
import { createPrograms } from './programs.ts';
import { statsOf } from './stats.ts';
import { resourcesOf } from './spec.ts';

const AT_ONCE = 8;

export function createRuncRuntime(options: RuncRuntimeOptions): Runtime {
  const hub = createHub();
  const ociRuntime = findProgram(options.ociRuntime) ?? options.ociRuntime; // conmon wants the path
  const layout = layoutOf(options.dataDir, options.runDir);
  let hasFifos = false;
  const ground: Ground = {
    ...options, layout, ociRuntime,
    records: openRecords(layout),
    cgroups: openCgroups(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    emit: hub.emit,
    exited: (record) => (record.state === 'exited' ? Promise.resolve() : hub.exited(record.id)),
    starting: new Set(),
    oomKillsTold: new Map(),
    limit: createLimit(AT_ONCE),
    hasFifos: () => hasFifos,
    runc: runcWith(ociRuntime, layout.runc),
  };
  const { containers, sandboxes } = ground.records;
  const exits = createExits(ground);
  const programs = createPrograms([ociRuntime, 'conmon']);
  const container = (id: string): ContainerRecord => containers.get(id) ?? missing('container', id);
  const sandbox = (id: string): SandboxRecord => sandboxes.get(id) ?? missing('sandbox', id);
  const once = createOnce();
  const info = { name: options.ociRuntime.split('/').at(-1) ?? 'runc', version: '1' };
  const statusOf = (record: ContainerRecord): ContainerStatus => statusFrom(record, info.name);
  return {
    info,
    handlers: () => handlersOf(info.name),
    problem: () => programs.problem(),
    async start() {
      const told = await versionOf(ociRuntime);
      info.version = /version (\d[\w.]*)/.exec(told)?.[1] ?? 'unknown';
      hasFifos = info.name === 'runc' && told.startsWith('runc version 1.'); // by another name it may be what somebody has put around it
      ground.records.load();
      await adopt(ground);
      exits.start();
      await programs.tried();
    },
    async stop() {
      exits.stop();
      await options.network.stop();
    },
    subscribe: hub.subscribe,
    runSandbox: (config) => runSandbox(ground, config),
    stopSandbox: (id) => onThere(sandboxes.get(id), (record) => once(`stop ${id}`, () => stopSandbox(ground, record))),
    removeSandbox: (id) => onThere(sandboxes.get(id), (record) => once(`remove ${id}`, () => removeSandbox(ground, record))),
    listSandboxes: () => [...sandboxes.values()].filter(({ state }) => state !== 'making').map(statusOfSandbox),
    createContainer: async (sandboxId, config) => createContainer(ground, sandbox(sandboxId), config),
    startContainer: async (id) => startContainer(ground, container(id)),
    stopContainer: (id, timeoutMs) => onThere(containers.get(id), (record) => stopContainer(ground, record, timeoutMs)),
    removeContainer: (id) => onThere(containers.get(id), (record) => once(`remove ${id}`, () => removeContainer(ground, record))),
    listContainers: (sandboxId) => [...containers.values()].filter((record) => record.state !== 'making' && (sandboxId === undefined || record.sandboxId === sandboxId)).map(statusOf),
    status: (id) => {
      const record = containers.get(id);
      return record === undefined || record.state === 'making' ? undefined : statusOf(record);
    },
    updateResources: async (id, resources) => updateResources(ground, container(id), resources),
    reopenLog: async (id) => reopenLog(join(layout.containers, container(id).id)),
    exec: async (id, execOptions) => exec(ground, container(id), execOptions),
    attach: async (id, attachOptions) => (await import('./attach.ts')).attach(ground, container(id), attachOptions),
    connect: async (sandboxId, port) => connectTo(ground, sandbox(sandboxId), port),
    async stats(containerId) {
      const wanted = containerId === undefined ? [...containers.values()] : [container(containerId)];
      return (await Promise.all(wanted.map((record) => statsOf(ground, record)))).filter((stats) => stats !== undefined);
    },
  };
}

/** Layers are shown to other users since Linux 5.19. */
function handlersOf(ociRuntime: string): RuntimeHandler[] {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const userNamespaces = (major > 5 || (major === 5 && minor >= 19)) && Number(readFileIfThere('/proc/sys/user/max_user_namespaces') ?? '0') > 0;
  return [...new Set(['', 'runc', ociRuntime])].map((name) => ({ name, recursiveReadOnlyMounts: true, userNamespaces }));
}

function missing(what: string, id: string): never {
  throw new RuntimeError('NotFound', `${what} "${id}" not found`);
}

async function onThere<T>(record: T | undefined, run: (record: T) => Promise<void>): Promise<void> {
  if (record !== undefined) await run(record);
}

function statusFrom({ id, sandboxId, config, state, process, user, createdAt, startedAt, finishedAt, exitCode, reason, message }: ContainerRecord, runtime: string): ContainerStatus {
  return {
    id, runtime, sandboxId, config, createdAt, startedAt, finishedAt,
    state: state === 'making' ? 'unknown' : state,
    ...(process !== undefined && state !== 'exited' && { pid: process.pid }),
    ...(user !== undefined && { user }), ...(exitCode !== undefined && { exitCode }), ...(reason !== undefined && { reason }), ...(message !== undefined && { message }),
  };
}

async function updateResources(ground: Ground, record: ContainerRecord, resources: Resources): Promise<void> {
  const input = JSON.stringify(resourcesOf(resources, () => false));
  const result = await tryCommand(ground.ociRuntime, ['--root', ground.layout.runc, 'update', '--resources', '-', record.id], { input });
  if (result.code !== 0) throw new RuntimeError('ExecError', failureOf(result));
  record.config = { ...record.config, resources: { ...record.config.resources, ...resources } };
  ground.records.saveContainer(record);
}

async function versionOf(ociRuntime: string): Promise<string> {
  const { stdout } = await tryCommand(ociRuntime, ['--version']).catch((error: unknown) => {
    throw new Error(`${ociRuntime} cannot be run (is it installed?): ${messageOf(error)}`, { cause: error });
  });
  return stdout;
}

/** Events to everyone, and to those who wait for one exit. */
function createHub() {
  const listeners = new Set<(event: RuntimeEvent) => void>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  return {
    subscribe(listener: (event: RuntimeEvent) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit(event: RuntimeEvent): void {
      if (event.type === 'exited') {
        waiting.get(event.containerId)?.resolve();
        waiting.delete(event.containerId);
      }
      for (const listener of listeners) listener(event);
    },
    exited(id: string): Promise<void> {
      const one = waiting.get(id) ?? Promise.withResolvers<void>();
      waiting.set(id, one);
      return one.promise;
    },
  };
}
