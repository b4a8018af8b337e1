// The store of one server: the engine over a SQLite file. What is durable is on the disk before it is acknowledged.
import type { Clock } from '../base/clock.ts';
import { createStore } from './engine.ts';
import { openSqliteJournal } from './sqlite-journal.ts';
import type { Store } from './store.ts';

export interface SqliteStoreOptions {
  path: string;
  clock: Clock;
  relaxedFlushMs?: number;
  historyMs?: number;
  historyBytes?: number;
}

/** Throws an Error with one line for the user when the file is damaged, in use, or not ours. The file stays as it is. */
export async function openSqliteStore({ path, ...options }: SqliteStoreOptions): Promise<Store> {
  const { journal, recovered } = await openSqliteJournal(path);
  try {
    return createStore({ ...options, journal, recovered });
  } catch (error) {
    await journal.close();
    throw new Error(`the database ${path} cannot be used (it holds an object that cannot be read): restore a snapshot of it, or move the file away to start an empty cluster; nothing was changed`, { cause: error });
  }
}
