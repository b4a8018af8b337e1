// Folders of local volumes: made open to all, removed whole, and nothing else touched.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { NO_LEDGER } from '../../../internal/base/ledger.ts';
import { createLocalVolumes } from '../../../agents/kubelet/volumes/local-volumes.ts';

const base = mkdtempSync(join(tmpdir(), `skiff-volumes-${String(process.pid)}-`));
t.teardown(() => rmSync(base, { recursive: true, force: true }));
const root = join(base, 'storage');
const made: string[] = [];
const volumes = createLocalVolumes({ root, ledger: { ...NO_LEDGER, making: (path) => void made.push(path) } });

t.test('a folder is made once, and kept with what is in it', async (t) => {
  const path = volumes.make('pvc-1_ns_data');
  t.equal(path, join(root, 'pvc-1_ns_data'));
  t.equal(statSync(path).mode & 0o7777, 0o777);
  t.equal(statSync(root).mode & 0o777, 0o700, 'for nobody of this machine');
  t.strictSame(made, [root, path]);
  writeFileSync(join(path, 'file'), 'kept');
  t.equal(volumes.make('pvc-1_ns_data'), path);
  t.strictSame(readdirSync(path), ['file']);
});

t.test('it is removed with all that is in it, and what links lead to stays', async (t) => {
  const outside = join(base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'not ours');
  const path = volumes.make('pvc-2_ns_links');
  symlinkSync(outside, join(path, 'link'));
  mkdirSync(join(path, 'deep/deeper'), { recursive: true });
  await volumes.remove(path);
  t.notOk(existsSync(path));
  t.ok(existsSync(join(outside, 'file')));
  await volumes.remove(path);
});

t.test('a removal that was cut off is finished', async (t) => {
  mkdirSync(join(root, '.going-pvc-3/rest'), { recursive: true });
  await volumes.finish();
  t.notOk(existsSync(join(root, '.going-pvc-3')));
});

t.test('names and paths that lead elsewhere are refused', async (t) => {
  for (const name of ['', '.', '..', '../x', 'a/b', '/etc', '.going-x', 'a\0b', 'x'.repeat(256)]) t.throws(() => volumes.make(name), /cannot be the name of a volume's folder/, JSON.stringify(name).slice(0, 30));
  for (const path of [base, root, join(root, '..'), `${root}/..`, '/', '']) await t.rejects(volumes.remove(path), path);
  await t.rejects(volumes.remove(join(base, 'outside')), /is not below .*storage, where this node keeps local volumes/);
  await t.rejects(volumes.remove(`${root}/pvc-1_ns_data/../../outside`), /is not below/);
  t.ok(existsSync(join(root, 'pvc-1_ns_data/file')));
});

t.test('without the folder that holds them all, as when its disk is not mounted, nothing counts as removed', async (t) => {
  const other = createLocalVolumes({ root: join(base, 'not-mounted'), ledger: NO_LEDGER });
  await t.rejects(other.remove(join(base, 'not-mounted/pvc-1')), /not-mounted is not there/);
});
