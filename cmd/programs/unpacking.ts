// Carried programs as files, for they can be run in no other way: below the data folder, on disk, since memory is what small machines lack. Each start
// compares all of them with their digests and writes anew what differs: so an unpacking that was cut off is finished, and damage is healed. Each
// file is written beside and renamed: one that runs is never written to. Without a sync: what a power cut takes is found at the next start.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../../internal/base/files.ts';
import { LIBRARIES_PLACE, type CarriedFile, type Manifest } from './manifest.ts';

/** One for all files: a buffer for each would stay in memory until the collector comes by. */
const CHUNK = Buffer.alloc(64 * 1024);

/** All of them are there as they should be, and nothing else is. */
export function areUnpacked(parent: string, { digest, files, links }: Manifest): boolean {
  const folder = join(parent, digest);
  const place = placeOf(folder);
  return files.every((file) => isWhole(join(folder, file.path), file, place)) && links.every(({ path, to }) => linkOf(join(folder, path)) === to) && readdirSync(parent).length === 1;
}

/** Into the folder `<parent>/<digest>`. Folders of other digests go: what runs keeps its open files. */
export function unpackPrograms(parent: string, { digest, files, links }: Manifest, read: (path: string) => Uint8Array): string {
  const folder = join(parent, digest);
  const place = placeOf(folder);
  for (const file of files) {
    if (!isWhole(join(folder, file.path), file, place)) writeFileAtomically(join(folder, file.path), relocated(read(file.path), file, place), { mode: file.mode, sync: false });
  }
  for (const { path, to } of links) if (linkOf(join(folder, path)) !== to) link(to, join(folder, path));
  removeOthers(parent, digest);
  removeLeftovers(folder);
  return folder;
}

/** What stands for LIBRARIES_PLACE, of the same length. */
function placeOf(folder: string): Buffer {
  const path = Buffer.from(join(folder, 'lib'));
  if (path.length >= LIBRARIES_PLACE.length) throw new Error(`--data-dir: the path is too long for the programs in it: ${folder}`);
  return Buffer.concat([path, Buffer.alloc(LIBRARIES_PLACE.length - path.length)]);
}

function relocated(bytes: Uint8Array, { librariesAt }: CarriedFile, place: Buffer): Uint8Array {
  if (librariesAt === undefined) return bytes;
  bytes.set(place, librariesAt);
  return bytes;
}

/** The file's bytes, but for the place that unpacking has filled in, have their digest. */
function isWhole(path: string, { size, mode, sha256, librariesAt }: CarriedFile, place: Buffer): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const stats = fstatSync(file);
    if (stats.size !== size || (stats.mode & 0o777) !== mode) return false;
    const hash = createHash('sha256');
    if (librariesAt === undefined) {
      feed(file, 0, size, (chunk) => hash.update(chunk));
      return hash.digest('hex') === sha256;
    }
    const end = librariesAt + place.length;
    const found: Buffer[] = [];
    feed(file, librariesAt, end, (chunk) => found.push(Buffer.from(chunk)));
    feed(file, 0, librariesAt, (chunk) => hash.update(chunk));
    hash.update(LIBRARIES_PLACE);
    feed(file, end, size, (chunk) => hash.update(chunk));
    return Buffer.concat(found).equals(place) && hash.digest('hex') === sha256;
  } finally {
    closeSync(file);
  }
}

function feed(file: number, from: number, to: number, take: (chunk: Buffer) => void): void {
  for (let at = from; at < to; ) {
    const count = readSync(file, CHUNK, 0, Math.min(CHUNK.length, to - at), at);
    if (count === 0) return;
    take(CHUNK.subarray(0, count));
    at += count;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function link(to: string, path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  const temporary = `${path}.${String(process.pid)}.tmp`;
  rmSync(temporary, { force: true });
  symlinkSync(to, temporary);
  renameSync(temporary, path);
}

function removeOthers(parent: string, digest: string): void {
  for (const name of readdirSync(parent)) if (name !== digest) rmSync(join(parent, name), { recursive: true });
}

/** Of a start that was cut off. */
function removeLeftovers(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) if (entry.name.endsWith('.tmp')) rmSync(join(entry.parentPath, entry.name));
}
