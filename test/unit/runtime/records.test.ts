// Records of another version of Skiff.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { layoutOf, openRecords, type SandboxRecord } from '../../../agents/runtime/runc/records.ts';

t.test('a record says its version; one without is of the first, one of a newer version ends the start', (t) => {
  const folder = mkdtempSync(join(tmpdir(), `skiff-records-${String(process.pid)}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const layout = layoutOf(folder, join(folder, 'run'));
  const path = join(layout.sandboxes, 's1', 'record.json');
  openRecords(layout).saveSandbox({ id: 's1', state: 'ready' } as SandboxRecord);
  t.match(JSON.parse(readFileSync(path, 'utf8')), { version: 1, id: 's1' });
  const load = (): SandboxRecord | undefined => {
    const records = openRecords(layout);
    records.load();
    return records.sandboxes.get('s1');
  };
  t.same(load(), { id: 's1', state: 'ready' });
  writeFileSync(path, '{"id":"s1","state":"ready"}');
  t.same(load(), { id: 's1', state: 'ready' });
  writeFileSync(path, '{"version":2,"id":"s1","state":"ready"}');
  t.throws(load, new RegExp(`${path} was written by a newer version of skiff \\(records of version 2, this one knows 1\\): start that version again; nothing was changed`));
  mkdirSync(join(layout.sandboxes, 's2'));
  writeFileSync(path, '');
  t.equal(load(), undefined, 'cut off by a power failure');
  t.end();
});
