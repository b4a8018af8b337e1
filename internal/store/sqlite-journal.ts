// The SQLite journal: a database file written by a thread of its own (sqlite-worker.ts), so that the event loop never waits for a disk.
// One row an object, replaced in place. Errors are one clear line with the path and what to do; nothing is ever deleted or overwritten.
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf, StatusError } from '../base/errors.ts';
import type { Batch, Journal, Recovered } from './journal.ts';
import { work, type FromWorker, type SqliteWorkerData, type ToWorker } from './sqlite-worker.ts';

const APPLICATION_ID = 0x5b1ff001;
/** A change of the tables is one more entry, never a change of one. */
const MIGRATIONS: readonly string[] = [];
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** Throws an Error whose message is one line for the user. */
export async function openSqliteJournal(path: string, migrations = MIGRATIONS): Promise<{ journal: Journal; recovered: Recovered }> {
  prepareFile(path);
  const data: SqliteWorkerData = { path, applicationId: APPLICATION_ID, migrations };
  const worker = new Worker(`(${work.toString()})()`, {
    eval: true,
    name: 'store',
    workerData: data,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256, stackSizeMb: 1 },
  });
  try {
    return { recovered: await recover(worker, path), journal: journalOver(worker, path) };
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would throw the log of an empty file away; and it makes files that everyone may read, but this one holds Secrets.
    if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) > 0) throw new Error('the file is empty but its log is not');
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw unusable(path, messageOf(error), error);
  }
}

function recover(worker: Worker, path: string): Promise<Recovered> {
  return new Promise((resolve, reject) => {
    const rows: Recovered['rows'] = [];
    const onError = (error: unknown): void => reject(unusable(path, messageOf(error), error));
    worker.once('error', onError);
    worker.on('message', function onMessage(message: FromWorker) {
      if (message.type === 'rows') {
        for (const row of message.rows) rows.push(row);
        return;
      }
      worker.off('message', onMessage);
      worker.off('error', onError);
      if (message.type === 'opened') resolve({ ceiling: message.ceiling, rows });
      else if (message.type === 'refused') reject(openingError(path, message));
      else if (message.type === 'newer') reject(newerError(path, message));
    });
  });
}

function journalOver(worker: Worker, path: string): Journal {
  let waiting: PromiseWithResolvers<void> | undefined;
  let broken: Error | undefined;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const settle = (error?: unknown): void => {
    const settled = waiting;
    waiting = undefined;
    if (error === undefined) settled?.resolve();
    else settled?.reject(error);
  };
  worker.on('error', (error: unknown) => {
    broken = new StatusError('ServiceUnavailable', `the thread that writes ${path} has died: ${messageOf(error)}: restart skiff`, { cause: error });
    settle(broken);
  });
  worker.on('message', (message: FromWorker) => settle(message.type === 'done' ? undefined : writeError(path, message)));
  const send = (message: ToWorker): void => worker.postMessage(message);
  return {
    write(batch: Batch) {
      if (broken !== undefined) return Promise.reject(broken);
      waiting = Promise.withResolvers<void>();
      send({ type: 'batch', batch });
      return waiting.promise;
    },
    async close() {
      send({ type: 'close' });
      await exited;
    },
  };
}

function openingError(path: string, { errcode, message }: { errcode: number; message: string }): Error {
  const code = errcode & 0xff;
  if (code === SQLITE_BUSY) return new Error(`the database ${path} is in use by another process: is another skiff server running on this machine?`);
  if (code === SQLITE_FULL || code === SQLITE_READONLY || code === SQLITE_CANTOPEN || code === SQLITE_IOERR) {
    return new Error(`the database ${path} cannot be opened for writing (${message}): check the disk's free space, its state and the file's permissions; nothing was changed`);
  }
  return unusable(path, message);
}

function newerError(path: string, { found, known }: { found: number; known: number }): Error {
  return new Error(`the database ${path} was written by a newer version of skiff (schema ${String(found)}, this one knows ${String(known)}): start that version again, or, to go back to the day of the upgrade, put its copy ${path}.v${String(known)} in its place; nothing was changed`);
}

function unusable(path: string, why: string, cause?: unknown): Error {
  return new Error(`the database ${path} cannot be used (${why}): restore a snapshot of it, or move the file away to start an empty cluster; nothing was changed`, { cause });
}

function writeError(path: string, failure: FromWorker): StatusError {
  const { errcode, message } = failure.type === 'failed' ? failure : { errcode: 0, message: `unexpected ${failure.type}` };
  const why = (errcode & 0xff) === SQLITE_FULL ? 'the disk is full: free some space and try again' : message;
  return new StatusError('ServiceUnavailable', `the server cannot write its database ${path}: ${why}`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
