// Files that must survive a power cut: written beside, synced, renamed (ext4 keeps the name and loses what was not synced). And what is read of
// files and folders that need not be there.
import { closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno, unlessErrno } from './errors.ts';

const NO_FOLDER = ['ENOENT', 'ENOTDIR'];

/** Replaces the file whole or not at all. Makes its folder. `sync: false` for what can be made anew. */
export function writeFileAtomically(path: string, data: string | Uint8Array, options: { mode?: number; sync?: boolean } = {}): void {
  const temporary = `${path}.${String(process.pid)}.tmp`;
  const file = openInFolder(temporary, options.mode ?? 0o644);
  try {
    fchmodSync(file, options.mode ?? 0o644);
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    if (options.sync !== false) fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true }); // of a full disk not even more
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  if (options.sync !== false) syncDirectory(dirname(path));
}

/** Its folder is nearly always there. */
function openInFolder(path: string, mode: number): number {
  try {
    return openSync(path, 'w', mode);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'w', mode);
  }
}

/** mkdir -p. Node's own `recursive` never returns below /proc, where nothing can be made. */
export function makeDirectory(path: string, mode = 0o755): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path), mode);
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** The file's text, or undefined when it is not there. Other errors are thrown. */
export function readFileIfThere(path: string): string | undefined {
  return unlessErrno(['ENOENT'], () => readFileSync(path, 'utf8'));
}

/** Names in the folder; none where there is no such folder. Other errors are thrown. */
export function namesIn(folder: string): string[] {
  return unlessErrno(NO_FOLDER, () => readdirSync(folder)) ?? [];
}

/** Names of the folders in it; none where there is no such folder. Other errors are thrown. */
export function foldersIn(folder: string): string[] {
  const entries = unlessErrno(NO_FOLDER, () => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
