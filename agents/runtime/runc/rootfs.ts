// Root file systems: an image's layers under an upper directory of the container's own (overlay), and images mounted as volumes.
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command, tryCommand } from '../../../internal/base/command.ts';

/** The kernel reads a page of them, with an end. */
const OPTIONS_MAX_BYTES = 4000;
/** The kernel's OVL_MAX_STACK. */
const LAYERS_MAX = 500;

export interface RootfsOptions {
  /** Lowest first. */
  layers: readonly string[];
  target: string;
  /** Holds upper/ and work/; absent: read-only. */
  writable?: string;
  /** As users of a pod's own see them. */
  users?: { pin: string; hostId: number; staging: string };
}

export async function mountLayers(options: RootfsOptions): Promise<void> {
  const { layers, target, writable, users } = options;
  if (layers.length > LAYERS_MAX) throw new Error(`an image of ${String(layers.length)} layers cannot be mounted: the kernel lays ${String(LAYERS_MAX)} over each other at most`);
  mkdirSync(target, { recursive: true });
  if (users !== undefined) return mountForUsers(options, users);
  const first = layers[0];
  if (writable === undefined && layers.length === 1 && first !== undefined) return void (await command('mount', ['--bind', '-o', 'ro', first, target]));
  const lower = [...layers].reverse();
  if (lower.length === 0) lower.push(emptyLayer(target));
  const upper = writable === undefined ? [] : upperOptions(writable, layers.at(-1), 0);
  const words = overlayOptions(lower, upper);
  if (Buffer.byteLength(words) < OPTIONS_MAX_BYTES) return (await import('./kernel-mounts.ts')).mountOverlayAt(target, words);
  return mountByLinks(lower, { target, upper });
}

/** Links with names that are short where they stand: as many layers as the kernel takes come below a page so. They are needed no longer than the call. */
async function mountByLinks(lower: readonly string[], overlay: { target: string; upper: readonly string[] }): Promise<void> {
  const links = `${overlay.target}.layers`;
  rmSync(links, { recursive: true, force: true });
  mkdirSync(links);
  try {
    for (const [index, layer] of lower.entries()) symlinkSync(layer, join(links, String(index)));
    await mountOverlay(links, [...lower.keys()].map(String), overlay);
  } finally {
    rmSync(links, { recursive: true, force: true });
  }
}

/** An overlay cannot be shown to other users; its lower layers can. The upper one is the container's own: its owners on disk are those outside. */
async function mountForUsers({ layers, target, writable }: RootfsOptions, { pin, hostId, staging }: NonNullable<RootfsOptions['users']>): Promise<void> {
  const { clear, stageLayers } = await import('./user-namespace.ts');
  try {
    const names = stageLayers(layers.length === 0 ? [emptyLayer(staging)] : layers, staging, pin);
    if (writable === undefined && names.length === 1) await command('mount', ['--bind', '-o', 'ro', join(staging, '0'), target]);
    else await mountOverlay(staging, names.reverse(), { target, upper: writable === undefined ? [] : upperOptions(writable, layers.at(-1), hostId) });
  } finally {
    clear(staging);
  }
}

/** By names that are short from where it is called. */
async function mountOverlay(folder: string, lower: readonly string[], { target, upper }: { target: string; upper: readonly string[] }): Promise<void> {
  const { code, stderr } = await tryCommand('mount', ['-t', 'overlay', 'overlay', '-o', overlayOptions(lower, upper), target], { cwd: folder, env: { LIBMOUNT_FORCE_MOUNT2: 'always' } });
  if (code !== 0) throw new Error(`${String(lower.length)} layers cannot be mounted over each other: ${stderr.trim()}`);
}

function overlayOptions(lower: readonly string[], upper: readonly string[]): string {
  return [`lowerdir=${lower.map(escape).join(':')}`, ...upper].join(',');
}

/** Also of what is not mounted. */
export async function unmount(...targets: string[]): Promise<void> {
  if (targets.length > 0) await tryCommand('umount', ['-q', '-l', ...targets]);
}

function upperOptions(writable: string, top: string | undefined, hostId: number): string[] {
  const [upper, work] = [join(writable, 'upper'), join(writable, 'work')];
  for (const directory of [upper, work]) mkdirSync(directory, { recursive: true });
  // The merged root shows the upper's own mode and owner: those of the image's root.
  const { mode, uid, gid } = top === undefined ? { mode: 0o755, uid: 0, gid: 0 } : statSync(top);
  chownSync(upper, hostId + uid, hostId + gid);
  chmodSync(upper, mode & 0o7777);
  return [`upperdir=${escape(upper)}`, `workdir=${escape(work)}`];
}

function emptyLayer(target: string): string {
  const directory = join(dirname(target), 'empty');
  mkdirSync(directory, { recursive: true });
  return directory;
}

function escape(path: string): string {
  return path.replace(/[\\:,]/g, (sign) => `\\${sign}`);
}
