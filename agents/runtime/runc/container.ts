// A container's life.
//
//   making ──conmon──► created ──begin──► running ──exit file──► exited ──remove──► (gone)
//      └── fails: undone, the record too        (created may exit as well: killed before it was started)
//
// What the OCI runtime refuses (a command that is not there) is created all the same, and its start fails: as with runtimes that ask theirs
// only then, it has ended with code 128, and is restarted as its pod says.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../../../internal/base/errors.ts';
import { RuntimeError, type ContainerConfig } from '../runtime.ts';
import { apparmorProfileOf } from './apparmor-profile.ts';
import { begin } from './begin.ts';
import { cgroupOf, isSlice } from './container-cgroup.ts';
import { createWithConmon, RefusedError } from './conmon.ts';
import { conmonOf, recordExit, takeExit } from './exits.ts';
import { failureOf, type Ground } from './ground.ts';
import { bundleOf, mountRoots, stageMounts, unmountRoots } from './bundle.ts';
import { beginOomCount } from './oom.ts';
import { isAlive, processOf, signal, signalNumber } from './process.ts';
import type { ContainerRecord, SandboxRecord } from './records.ts';
import { setApart } from './watchers.ts';

const SIGKILL = 9;
const START_FAILED_CODE = 128;

export async function createContainer(ground: Ground, sandbox: SandboxRecord, config: ContainerConfig): Promise<string> {
  const { records, clock, random } = ground;
  const image = ground.images.find(config.imageId);
  if (image === undefined) throw new RuntimeError('CreateContainerError', `image ${config.imageId} of container ${config.name} is not here`);
  const record: ContainerRecord = {
    id: random.bytes(32).toString('hex'), sandboxId: sandbox.id, config, state: 'making', images: [],
    stopSignal: config.stopSignal ?? image.config.stopSignal ?? 'SIGTERM', createdAt: clock.now(), startedAt: 0, finishedAt: 0,
  };
  records.saveContainer(record);
  try {
    await ground.limit(() => make(ground, { record, sandbox, image: image.config }));
    return record.id;
  } catch (error) {
    await removeContainer(ground, record).catch((also: unknown) => ground.log.warn('what was left of a container could not be removed', { id: record.id, error: also }));
    throw error instanceof RuntimeError ? error : new RuntimeError('CreateContainerError', messageOf(error), { cause: error });
  }
}

async function make(ground: Ground, { record, sandbox, image }: { record: ContainerRecord; sandbox: SandboxRecord; image: Parameters<typeof bundleOf>[1]['image'] }): Promise<void> {
  const { layout, records } = ground;
  const { id, config } = record;
  const bundle = join(layout.containers, id);
  const roots = await mountRoots(ground, record, sandbox);
  const spec = bundleOf(ground, { record, sandbox, image, roots, apparmorProfile: await apparmorProfileOf(config.security) });
  const { uid, gid, additionalGids } = spec.process.user;
  record.user = { uid, gid, supplementalGroups: additionalGids };
  const staged = await stageMounts(ground, { record, sandbox, roots, mounts: spec.mounts });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  const logPath = join(sandbox.config.logDirectory, config.logPath);
  mkdirSync(dirname(logPath), { recursive: true, mode: 0o755 });
  const made = await createWithConmon({
    id, bundle, logPath, ociRuntime: ground.ociRuntime, root: layout.runc, exits: layout.exits, clock: ground.clock,
    stdin: config.stdin, stdinOnce: config.stdinOnce, tty: config.tty,
    systemdCgroup: isSlice(sandbox.config.cgroupParent), setApart: (conmon) => setApart(ground, conmon, sandbox.config.cgroupParent),
  }).then((pid) => ({ process: processOf(pid) }), (error: unknown) => {
    if (error instanceof RefusedError) return { refused: error.message };
    throw error;
  }).finally(staged.clear);
  Object.assign(record, { state: 'created', ...made });
  records.saveContainer(record);
}

export async function startContainer(ground: Ground, record: ContainerRecord): Promise<void> {
  if (record.state !== 'created') throw new RuntimeError('RunContainerError', `container ${record.id} is ${record.state}, not created`);
  if (record.refused !== undefined) failStart(ground, record, record.refused);
  ground.starting.add(record.id);
  try {
    record.startingAt = ground.clock.now();
    beginOomCount(ground, record);
    noteStart(ground, record);
    const problem = await begin(ground, record);
    if (problem !== undefined) failStart(ground, record, problem);
    Object.assign(record, { startedAt: record.startingAt, state: 'running' });
    if (!ground.hasFifos()) writeDown(ground, record); // a fifo that has gone says it in the record's stead
    ground.emit({ type: 'started', sandboxId: record.sandboxId, containerId: record.id });
  } finally {
    ground.starting.delete(record.id);
    takeExit(ground, record); // a short one has ended before its start was written down
  }
}

/** What cannot be noted is not started: after a crash it would be taken for new. */
function noteStart(ground: Ground, record: ContainerRecord): void {
  try {
    ground.records.saveContainer(record);
  } catch (error) {
    failStart(ground, record, messageOf(error));
  }
}

/** It runs, also when the disk is full: whoever finds it `created` with a `startingAt` looks further. */
function writeDown({ records, log }: Ground, record: ContainerRecord): void {
  try {
    records.saveContainer(record);
  } catch (error) {
    log.warn('the start of a container cannot be written down', { id: record.id, error: messageOf(error) });
  }
}

/** It has ended as far as anyone may care: with the code and reason that container runtimes give a start that failed. */
function failStart(ground: Ground, record: ContainerRecord, message: string): never {
  recordExit(ground, record, { exitCode: START_FAILED_CODE, reason: 'StartError', message });
  if (isAlive(record.process)) signal(record.process, SIGKILL);
  throw new RuntimeError('RunContainerError', message);
}

export async function stopContainer(ground: Ground, record: ContainerRecord, timeoutMs: number): Promise<void> {
  if (takeExit(ground, record) || record.state === 'making') return;
  if (record.refused !== undefined) return recordExit(ground, record, { exitCode: START_FAILED_CODE, reason: 'StartError', message: record.refused });
  const exited = ground.exited(record);
  if (timeoutMs > 0 && record.state === 'running') {
    if (isAlive(record.process)) signal(record.process, signalNumber(record.stopSignal));
    if (await endsWithin(ground, exited, timeoutMs)) return killRest(ground, record);
  }
  if (isAlive(record.process)) signal(record.process, SIGKILL);
  killRest(ground, record);
  await exited;
  killRest(ground, record);
}

/** Those of its processes that did not end with the first: in a PID namespace that is not its own they live on. */
function killRest(ground: Ground, record: ContainerRecord): void {
  for (const pid of ground.cgroups.processes(cgroupOf(ground, record))) signal({ pid, startTime: '' }, SIGKILL);
}

async function endsWithin({ clock }: Ground, exited: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = clock.setTimer(timeoutMs, () => late.resolve(false));
  const ended = await Promise.race([exited.then(() => true), late.promise]);
  timer.cancel();
  return ended;
}

/** Its conmon and the runc below that, which are one group: what they make after the deletion would stay. */
function endCreation(ground: Ground, record: ContainerRecord): void {
  const conmon = conmonOf(ground, record);
  if (conmon !== undefined) signal({ pid: -conmon, startTime: '' }, SIGKILL);
}

/** Idempotent; stops it first. */
export async function removeContainer(ground: Ground, record: ContainerRecord): Promise<void> {
  if (!ground.records.containers.has(record.id)) return;
  await stopContainer(ground, record, 0);
  if (record.state === 'making') endCreation(ground, record);
  killRest(ground, record);
  const deleted = await ground.limit(() => ground.runc('delete', '--force', record.id));
  if (deleted.code !== 0 && !/does not exist/.test(deleted.stderr)) throw new Error(`container ${record.id} cannot be deleted: ${failureOf(deleted)}`);
  await unmountRoots(ground, record);
  for (const image of record.images.splice(0)) ground.images.release(image);
  // conmon tells of a process that was killed after its start had failed.
  rmSync(join(ground.layout.exits, record.id), { force: true });
  ground.records.removeContainer(record.id);
}
