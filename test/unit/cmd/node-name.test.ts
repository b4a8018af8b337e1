// What a node is called, from one start to the next.
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { keepNodeName, nodeNameOf } from '../../../cmd/node-name.ts';

t.test('a node keeps its name, unless another is given; its id is made once', (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), `skiff-name-${String(process.pid)}-`));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const name = (given?: string, withId = false): string => nodeNameOf({ 'data-dir': dataDir, 'with-node-id': withId, ...(given !== undefined && { 'node-name': given }) });
  t.equal(name(), hostname().toLowerCase());
  keepNodeName({ 'data-dir': dataDir }, 'first');
  t.equal(name(), 'first', 'whatever the machine is called now');
  t.equal(name('second'), 'second');
  t.equal(name(), 'first', 'a name that was refused is not kept');
  const withId = name('second', true);
  t.match(withId, /^second-[0-9a-f]{8}$/);
  t.equal(name('second', true), withId);
  keepNodeName({ 'data-dir': dataDir }, withId);
  t.equal(name(undefined, true), withId, 'it is not added twice');
  t.equal(name(), withId);
  t.end();
});
