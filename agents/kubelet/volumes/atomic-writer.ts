// Writes a volume's files so that a reader sees the old set or the new set, never a mixture, as every Kubernetes node does it:
//
//   <volume>/..data      → ..2026_11_21_10_00_00.123456789      (one rename swaps the whole set)
//   <volume>/key         → ..data/key
//
// Nothing is synced: what is written here can always be made again.
import { chmodSync, lchownSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unlessErrno } from '../../../internal/base/errors.ts';

export interface ProjectedFile {
  data: Uint8Array;
  mode: number;
  /** Owner of the file, where it is not root. */
  uid?: number;
}

/** Paths are relative to the volume and hold no `..`. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const DATA = '..data';

/** Makes the volume show exactly the payload. False: it did already. `prepare` sets ownership on the new set before it is shown. */
export function writePayload(volume: string, payload: Payload, stamp: string, prepare: (directory: string) => void = () => {}): boolean {
  const current = readLink(join(volume, DATA));
  if (current !== undefined && shows(join(volume, current), payload)) return false;
  const next = `..${stamp}`;
  const directory = join(volume, next);
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  for (const [path, file] of payload) writeProjected(join(directory, path), file);
  prepare(directory);
  const temporary = join(volume, '..data_tmp');
  rmSync(temporary, { force: true });
  symlinkSync(next, temporary);
  renameSync(temporary, join(volume, DATA));
  linkTopLevel(volume, payload);
  if (current !== undefined) rmSync(join(volume, current), { recursive: true, force: true });
  return true;
}

function writeProjected(path: string, { data, mode, uid }: ProjectedFile): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, data, { mode });
  chmodSync(path, mode); // the process's umask must not show
  if (uid !== undefined) lchownSync(path, uid, 0);
}

function linkTopLevel(volume: string, payload: Payload): void {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = new Set(readdirSync(volume).filter((name) => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) symlinkSync(join(DATA, name), join(volume, name));
  for (const name of present) if (!wanted.has(name)) rmSync(join(volume, name), { recursive: true, force: true });
}

function shows(directory: string, payload: Payload): boolean {
  const files = filesUnder(directory, '');
  if (files.length !== payload.size) return false;
  return files.every((path) => {
    const wanted = payload.get(path);
    return wanted !== undefined && Buffer.compare(readFileSync(join(directory, path)), wanted.data) === 0;
  });
}

function filesUnder(directory: string, prefix: string): string[] {
  const entries = unlessErrno(['ENOENT'], () => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(join(directory, entry.name), path) : [path];
  });
}

function readLink(path: string): string | undefined {
  return unlessErrno(['ENOENT'], () => (lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined));
}

/** The name of a new set: time to the second, then nanoseconds and a counter, so that two in one moment differ. */
let sets = 0;
export function payloadStamp(epochMs: number): string {
  const time = new Date(epochMs).toISOString();
  sets = (sets + 1) % 1_000_000;
  return `${time.slice(0, 10).replaceAll('-', '_')}_${time.slice(11, 19).replaceAll(':', '_')}.${time.slice(20, 23)}${String(sets).padStart(6, '0')}`;
}
