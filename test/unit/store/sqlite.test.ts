import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqliteJournal } from '../../../internal/store/sqlite-journal.ts';
import { openSqliteStore } from '../../../internal/store/sqlite.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { CONFIGMAPS, configMap, LEASES, rejects, storeContract } from '../../contract/store.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-store-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(folder, `${String(files++)}.db`);
const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

await t.test('contract', (t) => storeContract(t, (options) => openSqliteStore({ path: newPath(), ...options })));

t.test('after a clean stop everything is there, relaxed too, and revisions go on', async (t) => {
  const path = newPath();
  const first = await openSqliteStore({ path, clock: createFakeClock() });
  const durable = await first.create(CONFIGMAPS, configMap('a', { k: 'é☃' }), 'durable');
  const relaxed = await first.create(LEASES, configMap('l'), 'relaxed');
  await first.create(LEASES, configMap('gone'), 'relaxed');
  await first.delete(LEASES, key('gone'), first.get(LEASES, key('gone'))?.metadata.resourceVersion ?? '', 'relaxed');
  const { revision } = first;
  await first.close();
  const second = await openSqliteStore({ path, clock: createFakeClock() });
  t.strictSame(second.get(CONFIGMAPS, key('a')), durable);
  t.strictSame(second.get(LEASES, key('l')), relaxed);
  t.equal(second.get(LEASES, key('gone')), undefined);
  t.equal(second.revision, revision);
  second.watch(CONFIGMAPS, revision, { onChange: () => {} }).close();
  t.ok((await second.create(CONFIGMAPS, configMap('b'), 'durable')).metadata.resourceVersion > String(revision));
  await second.close();
});

t.test('relaxed writes are flushed when their time has come', async (t) => {
  const path = newPath();
  const clock = createFakeClock();
  const store = await openSqliteStore({ path, clock, relaxedFlushMs: 1000 });
  await store.create(CONFIGMAPS, configMap('d'), 'durable');
  await store.create(LEASES, configMap('l'), 'relaxed');
  t.equal(clock.nextInMs(), 1000);
  await clock.advance(1000);
  await store.create(CONFIGMAPS, configMap('e'), 'durable'); // its batch comes after the flush
  copyFileSync(path, `${path}-copy`);
  copyFileSync(`${path}-wal`, `${path}-copy-wal`);
  const crashed = await openSqliteStore({ path: `${path}-copy`, clock: createFakeClock() });
  t.ok(crashed.get(LEASES, key('l')));
  await crashed.close();
  await store.close();
});

t.test('a revision is not given twice after a crash, whatever relaxed writes used', async (t) => {
  const path = newPath();
  const store = await openSqliteStore({ path, clock: createFakeClock() });
  await store.create(CONFIGMAPS, configMap('d'), 'durable');
  for (let at = 0; at < 12_000; at++) void store.create(LEASES, configMap(`l${String(at)}`), 'relaxed');
  await store.create(LEASES, configMap('last'), 'relaxed');
  const used = store.revision;
  copyFileSync(path, `${path}-copy`);
  copyFileSync(`${path}-wal`, `${path}-copy-wal`);
  const crashed = await openSqliteStore({ path: `${path}-copy`, clock: createFakeClock() });
  t.ok(crashed.revision >= used, `${String(crashed.revision)} is not before ${String(used)}`);
  t.equal(crashed.count(LEASES), 0);
  await crashed.close();
  await store.close();
});

t.test('a database that cannot be used is named, with what to do, and stays as it is', async (t) => {
  const open = (path: string): Promise<unknown> => rejects(() => openSqliteStore({ path, clock: createFakeClock() }));
  const garbage = newPath();
  writeFileSync(garbage, 'not a database at all '.repeat(500));
  t.equal(((await open(garbage)) as Error).message, `the database ${garbage} cannot be used (file is not a database): restore a snapshot of it, or move the file away to start an empty cluster; nothing was changed`);
  t.equal(readFileSync(garbage, 'utf8'), 'not a database at all '.repeat(500));

  const damaged = newPath();
  const store = await openSqliteStore({ path: damaged, clock: createFakeClock() });
  await Promise.all(Array.from({ length: 200 }, (_, at) => store.create(CONFIGMAPS, configMap(`c${String(at)}`, { text: 'x'.repeat(2000) }), 'durable')));
  await store.close();
  const bytes = readFileSync(damaged);
  bytes.fill(0xa5, 8192, 8192 + 40_000);
  writeFileSync(damaged, bytes);
  t.match(((await open(damaged)) as Error).message, /^the database .* cannot be used \(.*\): restore a snapshot of it, or move the file away/);
  t.ok(readFileSync(damaged).equals(bytes));

  const cut = newPath();
  writeFileSync(cut, '');
  writeFileSync(`${cut}-wal`, 'something');
  t.match(((await open(cut)) as Error).message, /the file is empty but its log is not/);
  t.equal(statSync(`${cut}-wal`).size, 9);

  const blocked = newPath();
  writeFileSync(blocked, 'a file, not a folder');
  t.match(((await open(join(blocked, 'state.db'))) as Error).message, /cannot be used/);
});

t.test('a second server on the same file is refused', async (t) => {
  const path = newPath();
  const store = await openSqliteStore({ path, clock: createFakeClock() });
  const error = await rejects(() => openSqliteStore({ path, clock: createFakeClock() }));
  t.match((error as Error).message, /is in use by another process/);
  await store.create(CONFIGMAPS, configMap('a'), 'durable');
  await store.close();
});

t.test('others cannot read it', async (t) => {
  const path = newPath();
  const store = await openSqliteStore({ path, clock: createFakeClock() });
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
  await store.close();
});

t.test('a newer version changes the tables and keeps a copy; the older one says that it cannot, and leaves the file as it is', async (t) => {
  const path = newPath();
  const older = await openSqliteStore({ path, clock: createFakeClock() });
  const kept = await older.create(CONFIGMAPS, configMap('kept'), 'durable');
  await older.close();
  const newer = await openSqliteJournal(path, ['CREATE TABLE extras (name TEXT)', 'ALTER TABLE extras ADD COLUMN value TEXT']);
  t.match(newer.recovered.rows, [{ resource: '/configmaps', key: 'default/kept' }]);
  await newer.journal.close();
  const bytes = readFileSync(path);
  await t.rejects(openSqliteStore({ path, clock: createFakeClock() }), { message: new RegExp(`^the database ${path} was written by a newer version of skiff \\(schema 3, this one knows 1\\): start that version again, or, .* put its copy ${path}\\.v1 in its place; nothing was changed$`) });
  t.ok(readFileSync(path).equals(bytes));
  t.equal(statSync(`${path}.v1`).mode & 0o777, 0o600);
  const back = await openSqliteStore({ path: `${path}.v1`, clock: createFakeClock() });
  t.strictSame(back.get(CONFIGMAPS, key('kept')), kept);
  await back.close();
  const again = await openSqliteJournal(path, ['CREATE TABLE extras (name TEXT)', 'ALTER TABLE extras ADD COLUMN value TEXT']);
  await again.journal.close();
  await t.rejects(openSqliteJournal(`${path}.v1`, ['CREATE TABLE extras (name TEXT)', 'no sql']), /cannot be used/);
  const untouched = await openSqliteStore({ path: `${path}.v1`, clock: createFakeClock() });
  t.ok(untouched.get(CONFIGMAPS, key('kept')), 'a step that fails undoes those before it');
  await untouched.close();
});
