// The audit log's file: a line of JSON for each event, in order. When it is full it is renamed by the time (as upstream's lumberjack does) and begun
// anew; old ones go by number and age. Writing never waits for the disk, and what the disk does not keep up with is dropped and counted.
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

export interface AuditLogOptions {
  path: string;
  /** A file is renamed before it grows beyond this. */
  sizeMaxBytes: number;
  /** 0: all are kept. */
  backupsMax: number;
  /** 0: for ever. */
  ageMaxMs: number;
  clock: Clock;
  log: Log;
}

export interface AuditLog extends Component {
  write(event: object): void;
}

const WAITING_MAX_BYTES = 16 * 1024 * 1024;

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { path, sizeMaxBytes, log } = options;
  let waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let file: FileHandle | undefined;
  let size = 0;
  let writing: Promise<void> | undefined;

  const openFile = async (): Promise<FileHandle> => {
    if (file !== undefined) return file;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    file = await open(path, 'a', 0o600);
    ({ size } = await file.stat());
    return file;
  };
  const rotate = async (): Promise<void> => {
    await file?.close();
    file = undefined;
    await rename(path, backupName(path, options.clock.now()));
    await removeOld(options);
  };
  const append = async (lines: readonly string[]): Promise<void> => {
    let text = '';
    for (const line of lines) {
      if (size + text.length + line.length > sizeMaxBytes && size + text.length > 0) {
        await (await openFile()).write(text);
        text = '';
        await rotate();
        await openFile();
      }
      text += line;
    }
    await (await openFile()).write(text);
    size += Buffer.byteLength(text);
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      [waiting, waitingBytes] = [[], 0];
      try {
        await openFile();
        await append(lines);
      } catch (error) {
        dropped += lines.length;
        log.warn('the audit log could not be written', { path, dropped, error: messageOf(error) });
      }
    }
    writing = undefined;
  };
  return {
    name: 'audit log',
    write(event) {
      const line = `${JSON.stringify(event)}\n`;
      if (waitingBytes + line.length > WAITING_MAX_BYTES) return void dropped++;
      waiting.push(line);
      waitingBytes += line.length;
      writing ??= Promise.resolve().then(drain);
    },
    start: async () => void (await openFile()),
    async stop() {
      await writing;
      await file?.close();
      file = undefined;
    },
  };
}

/** audit.log → audit-2026-11-21T12-30-00.000.log */
function backupName(path: string, now: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}-${new Date(now).toISOString().replaceAll(':', '-').replace('Z', '')}${extension}`);
}

async function removeOld({ path, backupsMax, ageMaxMs, clock }: AuditLogOptions): Promise<void> {
  const [directory, extension] = [dirname(path), extname(path)];
  const isBackup = (name: string): boolean => name.startsWith(`${basename(path, extension)}-`) && name.endsWith(extension) && /-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}/.test(name);
  const backups = (await readdir(directory)).filter(isBackup).sort().reverse(); // the newest first, by its name
  for (const [index, name] of backups.entries()) {
    const file = join(directory, name);
    const tooOld = ageMaxMs > 0 && (await stat(file)).mtimeMs < clock.now() - ageMaxMs;
    if (tooOld || (backupsMax > 0 && index >= backupsMax)) await rm(file, { force: true });
  }
}
