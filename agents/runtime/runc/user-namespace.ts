// Pods with users of their own (`hostUsers: false`): a user namespace pinned as a file, which owns the pod's other namespaces; the layers of images
// and all that is bound into containers shown as its users see them. Root inside is nobody of note outside. Loaded with the first such pod.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { startChild } from '../../../internal/base/child.ts';
import type { IdRange } from '../runtime.ts';
import { bindNamespace, detach, mountIdmapped } from './mount-calls.ts';
import type { OciMount } from './mounts.ts';

/** Makes the namespaces `names`, owned by a new user namespace with the range, and binds each at the file of its name. */
export async function pinOwnedNamespaces(folder: string, names: readonly string[], range: IdRange): Promise<void> {
  const all = ['user', ...names];
  // It says its word back as soon as it stands in its namespaces, and ends with its input.
  const holder = startChild('unshare', [...all.map((name) => `--${name}`), 'cat'], { streams: ['input', 'output', 'output'] });
  const [stdin, stdout, stderr] = holder.streams as [Socket, Socket, Socket];
  const ended = Promise.all([holder.ended, once(stderr, 'close')]);
  const words = textOf(stderr);
  stdin.on('error', () => {}); // it ended before: that is told below
  try {
    stdin.write('ready\n');
    const ready = await Promise.race([once(stdout, 'data').then(() => true), ended.then(() => false)]);
    if (!ready) throw new Error(`a user namespace cannot be made: ${words() || 'unshare ended'}`);
    for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${String(holder.pid)}/${file}`, `0 ${String(range.hostId)} ${String(range.length)}\n`);
    for (const name of all) bindNamespace(holder.pid, name, join(folder, name));
  } finally {
    stdin.end();
    await ended;
    stdout.destroy();
  }
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text.trim();
}

/** Root inside must reach its root: each folder on the way lets through who knows the name. */
export function openRoots(roots: string): void {
  for (const folder of [dirname(dirname(roots)), dirname(roots), roots]) {
    const mode = statSync(folder).mode & 0o7777;
    if ((mode & 0o011) !== 0o011) chmodSync(folder, mode | 0o011);
  }
}

/** Shows each layer below `staging` by its number, in their order; gives the names. They are held by what is mounted over them: `clear` at once. */
export function stageLayers(layers: readonly string[], staging: string, usersPath: string): string[] {
  mkdirSync(staging, { recursive: true });
  return layers.map((layer, index) => {
    const name = String(index);
    mkdirSync(join(staging, name), { recursive: true });
    mountIdmapped(layer, join(staging, name), usersPath);
    return name;
  });
}

/** Puts in the place of each source that is bound a copy below `staging` with the pod's owners; `as they are` stay. */
export function stageBinds(mounts: OciMount[], { staging, usersPath, asTheyAre }: { staging: string; usersPath: string; asTheyAre: ReadonlySet<string> }): void {
  for (const [index, mount] of mounts.entries()) {
    if (mount.type !== 'bind' || asTheyAre.has(mount.source)) continue;
    const target = join(staging, String(index));
    mkdirSync(staging, { recursive: true });
    if (statSync(mount.source).isDirectory()) mkdirSync(target, { recursive: true });
    else writeFileSync(target, '');
    mountIdmapped(mount.source, target, usersPath);
    mount.source = target;
  }
}

/** Takes a staging folder away; what was mounted from it stays where it is used. Never walks into what it cannot unmount. */
export function clear(staging: string): void {
  if (!existsSync(staging)) return;
  for (const name of readdirSync(staging)) {
    const path = join(staging, name);
    detach(path);
    if (statSync(path).isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  }
  rmdirSync(staging);
}
