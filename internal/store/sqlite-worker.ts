// The thread that owns the database file. `work` is turned into source text and run by `new Worker(text, { eval: true })`, so that it works
// alike from source, from a bundle and from a single executable, where no second script exists. It must therefore refer to nothing
// outside itself: no imports, no helpers of this file.
//
//   rows… → opened | refused        then, one at a time:  batch → done | failed
import type { Batch, Recovered } from './journal.ts';

export interface SqliteWorkerData {
  path: string;
  applicationId: number;
  /** SQL that leads from each version of the schema to the next: the first from 1 to 2. The version is one more than there are. */
  migrations: readonly string[];
}
export type FromWorker =
  | { type: 'rows'; rows: Recovered['rows'] }
  | { type: 'opened'; ceiling: number }
  | { type: 'refused' | 'failed'; errcode: number; message: string }
  | { type: 'newer'; found: number; known: number }
  | { type: 'done' };
export type ToWorker = { type: 'batch'; batch: Batch } | { type: 'close' };

export function work(): void {
  const sqlite = process.getBuiltinModule('node:sqlite');
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { path, applicationId, migrations } = workerData as SqliteWorkerData;
  const schemaVersion = migrations.length + 1;
  const port = parentPort as NonNullable<typeof parentPort>;
  const post = (message: FromWorker): void => port.postMessage(message);
  // Newer Nodes call the class Database.
  const Database = (sqlite as unknown as { Database?: typeof sqlite.DatabaseSync }).Database ?? sqlite.DatabaseSync;
  const errorOf = (error: unknown): { errcode: number; message: string } => {
    const { errcode, message } = error as { errcode?: number; message: string };
    return { errcode: errcode ?? 0, message };
  };

  // Undefined: it is a newer version's, and was left as it is.
  function open(): InstanceType<typeof Database> | undefined {
    const db = new Database(path, { timeout: 2000 });
    const number = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
    // Exclusive: no second server on the same file, and no shared-memory file beside it.
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-512');
    const isEmpty = number('SELECT count(*) FROM sqlite_schema') === 0;
    if (!isEmpty && number('PRAGMA application_id') !== applicationId) throw new Error('it is a database of another program');
    const found = isEmpty ? schemaVersion : number('PRAGMA user_version');
    if (found > schemaVersion) {
      db.close();
      post({ type: 'newer', found, known: schemaVersion });
      return undefined;
    }
    // FULL: every commit is synced. The log is folded back at 256 pages and cut to that size again.
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=256; PRAGMA journal_size_limit=1048576');
    // Objects are a rowid table with an index on the key: an update then writes the one page its row is in, where a WITHOUT ROWID table would
    // move rows over 1 KB to overflow pages.
    if (isEmpty) {
      db.exec(`BEGIN IMMEDIATE; PRAGMA application_id=${String(applicationId)}; PRAGMA user_version=1;
        CREATE TABLE objects (resource TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (resource, key));
        CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO facts VALUES ('ceiling', 0); ${migrations.join(';')}; PRAGMA user_version=${String(schemaVersion)}; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)`);
    } else if (Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0] !== 'ok') {
      throw new Error('its check finds damage');
    }
    if (found < schemaVersion) migrate(db, found);
    return db;
  }

  // All steps or none. The older file is kept beside it, for whoever goes back to the older version.
  function migrate(db: InstanceType<typeof Database>, from: number): void {
    const copy = `${path}.v${String(from)}`;
    const fs = process.getBuiltinModule('node:fs');
    fs.rmSync(copy, { force: true });
    db.exec(`VACUUM INTO '${copy.replaceAll("'", "''")}'`);
    const file = fs.openSync(copy, 'r+');
    fs.fchmodSync(file, 0o600);
    fs.fsyncSync(file);
    fs.closeSync(file);
    db.exec(`BEGIN IMMEDIATE; ${migrations.slice(from - 1).join(';')}; PRAGMA user_version=${String(schemaVersion)}; COMMIT`);
  }

  function readAll(db: InstanceType<typeof Database>): void {
    let rows: Recovered['rows'] = [];
    for (const row of db.prepare('SELECT resource, key, value FROM objects').iterate()) {
      rows.push(row as unknown as Recovered['rows'][number]);
      if (rows.length < 256) continue;
      post({ type: 'rows', rows });
      rows = [];
    }
    post({ type: 'rows', rows });
    const found = db.prepare("SELECT value FROM facts WHERE name = 'ceiling'").get();
    if (found === undefined) throw new Error('its revision is missing');
    post({ type: 'opened', ceiling: Number(found['value']) });
  }

  function serve(db: InstanceType<typeof Database>): void {
    const put = db.prepare('INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (resource, key) DO UPDATE SET value = excluded.value');
    const remove = db.prepare('DELETE FROM objects WHERE resource = ? AND key = ?');
    const reserve = db.prepare("UPDATE facts SET value = ? WHERE name = 'ceiling'");
    const write = ({ rows, ceiling }: Batch): void => {
      db.exec('BEGIN IMMEDIATE');
      try {
        for (const { resource, key, value } of rows) {
          if (value === undefined) remove.run(resource, key);
          else put.run(resource, key, value);
        }
        if (ceiling !== undefined) reserve.run(ceiling);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    };
    port.on('message', (message: ToWorker) => {
      try {
        if (message.type === 'batch') {
          write(message.batch);
          return post({ type: 'done' });
        }
        db.close();
        port.close();
      } catch (error) {
        post({ type: 'failed', ...errorOf(error) });
      }
    });
  }

  try {
    const db = open();
    if (db === undefined) return;
    try {
      readAll(db);
    } catch (error) {
      db.close();
      throw error;
    }
    serve(db);
  } catch (error) {
    post({ type: 'refused', ...errorOf(error) });
  }
}
