// After a start of Skiff: what the records say and what the machine shows are made one. Nothing is restarted.
//
//   another boot      every container is dead with an unknown code, its writable layer goes; sandboxes are not ready
//   the same boot     exit file → exited, with its code; `making` → undone; process or conmon alive → adopted; else dead, unknown
//   without a record  what stands in runc's state below our folder is killed and deleted: only we make such; mounts, pins, folders and
//                     cgroups below ours are removed. Other processes never: what is not recorded was not ours to kill
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { hasBegun } from './begin.ts';
import { containerOf } from './container-cgroup.ts';
import { removeContainer } from './container.ts';
import { conmonLives, conmonOf, hasTeller, recordUnknownExit, takeExit } from './exits.ts';
import type { Ground } from './ground.ts';
import { isAlive } from './process.ts';
import type { ContainerRecord, SandboxRecord } from './records.ts';
import { unmount } from './rootfs.ts';
import { unpinNamespaces } from './sandbox.ts';
import { removeSandbox } from './sandboxes.ts';
import { setApart } from './watchers.ts';

const UNDO_TRIES = 50;
const UNDO_MS = 100;

export async function adopt(ground: Ground): Promise<void> {
  const { records, layout } = ground;
  for (const record of records.containers.values()) holdImages(ground, record);
  const rebooted = new Set([...records.sandboxes.values()].filter((record) => isOfAnotherBoot(record, ground)).map(({ id }) => id));
  for (const record of records.containers.values()) {
    if (record.state === 'making') await quietly(ground, 'container', record.id, () => undo(ground, record));
    else await adoptContainer(ground, record, rebooted.has(record.sandboxId));
  }
  await removeStrays(ground);
  await ground.network.start(new Set([...records.sandboxes.values()].filter(({ id, state }) => state === 'ready' && !rebooted.has(id)).map(({ id }) => id)));
  for (const record of records.sandboxes.values()) {
    if (record.state === 'making') await quietly(ground, 'sandbox', record.id, () => removeSandbox(ground, record));
    else if (rebooted.has(record.id) && record.state === 'ready') {
      // Its namespaces went with the kernel.
      await quietly(ground, 'sandbox', record.id, () => ground.network.detach(record.id, join(layout.pins, record.id, 'net')));
      records.saveSandbox({ ...record, state: 'notready' });
    }
  }
}

/** Its namespaces are gone: with the kernel, or with the mounts of a machine that shares its kernel with others. */
function isOfAnotherBoot({ id, bootId, state }: SandboxRecord, { bootId: now, layout }: Ground): boolean {
  return bootId !== now || (state === 'ready' && !existsSync(join(layout.pins, id)));
}

/** A creation that was under way goes on without its parent: conmon may make the container only now. */
async function undo(ground: Ground, record: ContainerRecord): Promise<void> {
  for (let tries = 0; tries < UNDO_TRIES && conmonLives(ground, record); tries++) {
    await ground.runc('delete', '--force', record.id);
    await delay(ground.clock, UNDO_MS);
  }
  await removeContainer(ground, record);
}

async function adoptContainer(ground: Ground, record: ContainerRecord, rebooted: boolean): Promise<void> {
  if (record.state === 'exited') return;
  if (record.state === 'created' && record.startingAt !== undefined) await finishStart(ground, record, record.startingAt);
  const conmon = conmonOf(ground, record);
  if (conmon !== undefined) await setApart(ground, conmon, ground.records.sandboxes.get(record.sandboxId)?.config.cgroupParent ?? ''); // made by a Skiff that did not, or while it could not be done
  // A sandbox without its pins may also be one that was being undone: the file is right in any case.
  if (!rebooted) {
    if (!hasTeller(ground, record) && !isAlive(record.process)) recordUnknownExit(ground, record, 'The container ended and nothing was left that knew its exit code');
    return;
  }
  if (takeExit(ground, record)) return;
  recordUnknownExit(ground, record, 'The node was restarted');
  for (const folder of ['upper', 'work']) rmSync(join(ground.layout.containers, record.id, folder), { recursive: true, force: true });
}

/** Of a start it is written down only that it was about to be: what was started must not be taken for new, and started again. */
async function finishStart(ground: Ground, record: ContainerRecord, startingAt: number): Promise<void> {
  if (!(await hasBegun(ground, record))) return;
  Object.assign(record, { state: 'running', startedAt: startingAt });
  ground.records.saveContainer(record);
}

function holdImages({ images, log }: Ground, record: ContainerRecord): void {
  record.images = record.images.filter((id) => {
    try {
      images.layers(id);
      return true;
    } catch (error) {
      log.warn('an image of a container is not here any more', { container: record.id, image: id, error: messageOf(error) });
      return false;
    }
  });
}

async function removeStrays(ground: Ground): Promise<void> {
  const { layout, records } = ground;
  const isStray = (known: ReadonlyMap<string, unknown>) => (name: string): boolean => !known.has(name);
  // A pause process has the name of its sandbox.
  for (const name of readdirSync(layout.runc).filter(isStray(records.containers)).filter(isStray(records.sandboxes))) await removeState(ground, name);
  const containers = readdirSync(layout.containers).filter(isStray(records.containers));
  const doomed = new Set(containers.map((name) => join(layout.containers, name)));
  await unmount(...mountPoints().filter((path) => [...doomed].some((folder) => path.startsWith(`${folder}/`))).reverse());
  for (const folder of doomed) rmSync(folder, { recursive: true, force: true });
  const roots = readdirSync(layout.roots).filter(isStray(records.containers)).filter(isStray(records.sandboxes)).map((name) => join(layout.roots, name));
  await unmount(...roots);
  for (const root of roots) rmSync(root, { recursive: true, force: true });
  for (const name of readdirSync(layout.pins).filter(isStray(records.sandboxes))) await unpinNamespaces(join(layout.pins, name));
  for (const name of readdirSync(layout.sandboxes).filter(isStray(records.sandboxes))) rmSync(join(layout.sandboxes, name), { recursive: true, force: true });
  for (const name of readdirSync(layout.exits).filter(isStray(records.containers))) rmSync(join(layout.exits, name), { force: true });
  removeStrayCgroups(ground);
  for (const name of readdirSync(layout.sockets).filter((file) => file.startsWith('exec-'))) rmSync(join(layout.sockets, name), { force: true });
}

/** Of containers in pods that we know; those of other pods are the kubelet's to judge. */
function removeStrayCgroups({ cgroups, records: { sandboxes, containers } }: Ground): void {
  for (const parent of new Set([...sandboxes.values()].map(({ config }) => config.cgroupParent))) {
    for (const name of cgroups.children(parent)) {
      const id = containerOf(name);
      if (id !== undefined && !containers.has(id) && !sandboxes.has(id)) cgroups.remove(`${parent}/${name}`);
    }
  }
}

async function removeState({ runc, layout, log }: Ground, id: string): Promise<void> {
  const { code, stderr } = await runc('delete', '--force', id);
  if (code === 0) return;
  log.debug('runc state without a record is no container', { id, error: stderr.trim() });
  rmSync(join(layout.runc, id), { recursive: true, force: true });
}

function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
}

async function quietly({ log }: Ground, what: string, id: string, run: () => Promise<void>): Promise<void> {
  await run().catch((error: unknown) => log.warn(`${what} could not be cleaned up`, { id, error: messageOf(error) }));
}
