// What an uninstall removes of files, from what was written down: tables of values in, steps out; and how trees go.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parseLedger } from '../../../internal/base/ledger.ts';
import { planFiles, removeFiles, type FileFacts, type FilePlan } from '../../../cmd/ownership/files.ts';
import { runDirOf } from '../../../cmd/places.ts';

/** A machine's files as a list of paths; folders are those that something is in, or that end in a slash. */
function plan(paths: readonly string[], ledger: string, more: Partial<FileFacts> = {}): FilePlan {
  const all = new Set(paths.flatMap((path) => withAncestors(path.replace(/\/$/, ''))));
  const isFolder = (path: string): boolean => paths.includes(`${path}/`) || [...all].some((other) => dirname(other) === path && other !== path);
  return planFiles({
    dataDir: '/var/lib/skiff', kept: parseLedger(ledger), volatile: [], others: [], purge: false,
    list: (path) => (all.has(path) && isFolder(path) ? [...all].filter((other) => dirname(other) === path && other !== path).map((other) => other.slice(path.length + 1)) : undefined),
    isThere: (path) => all.has(path), isMountPoint: () => false, ...more,
  });
}
function withAncestors(path: string): string[] {
  return path === '/' ? ['/'] : [...withAncestors(dirname(path)), path];
}
const lines = ({ steps }: FilePlan): string[] => steps.map(({ what, path }) => `${what} ${path}`);

const INSTALLED = ['/usr/local/bin/skiff', '/usr/local/bin/kubectl', '/etc/systemd/system/skiff.service', '/etc/skiff/skiff.yaml', '/etc/skiff/config.yaml', '/var/lib/skiff/installed-files', '/var/lib/skiff/server/db', '/var/lib/skiff/agent/images', '/var/lib/kubelet/pods/', '/var/log/pods/'];
const LEDGER = '/var/lib/skiff/\n/usr/local/bin/skiff\n/usr/local/bin/kubectl\n/etc/systemd/system/skiff.service\n/etc/skiff/\n/etc/skiff/skiff.yaml\n/var/lib/kubelet/\n/var/lib/kubelet/pods/\n/var/log/pods/\n';

t.test('all that was made goes: the program last but the ledger, and the ledger last', (t) => {
  t.strictSame(lines(plan(INSTALLED, LEDGER)), [
    'tree /var/lib/kubelet', 'tree /var/log/pods', 'tree /etc/skiff', 'file /etc/systemd/system/skiff.service',
    'tree /var/lib/skiff/server', 'tree /var/lib/skiff/agent', 'file /usr/local/bin/kubectl', 'file /usr/local/bin/skiff', 'file /var/lib/skiff/installed-files', 'folder /var/lib/skiff',
  ]);
  t.end();
});

t.test('what was there before stays: folders without a line lose only what has one', (t) => {
  const found = plan([...INSTALLED, '/var/lib/skiff/mine'], '/etc/skiff/skiff.yaml\n/var/lib/kubelet/pods/\n');
  t.strictSame(lines(found), ['tree /var/lib/kubelet/pods', 'file /etc/skiff/skiff.yaml', 'tree /var/lib/skiff/server', 'tree /var/lib/skiff/agent', 'file /var/lib/skiff/installed-files']);
  t.end();
});

t.test('a data folder that is a disk of its own keeps what is not ours, whoever made it', (t) => {
  t.notMatch(lines(plan([...INSTALLED, '/var/lib/skiff/lost+found/'], LEDGER, { isMountPoint: (path) => path === '/var/lib/skiff' })), ['tree /var/lib/skiff/lost+found']);
  t.ok(lines(plan([...INSTALLED, '/var/lib/skiff/lost+found/'], LEDGER)).includes('tree /var/lib/skiff/lost+found'));
  t.end();
});

t.test('data of volumes stays, in the data folder and out of it, unless --purge', (t) => {
  const paths = [...INSTALLED, '/var/lib/skiff/storage/claim/file', '/srv/data/file', '/var/lib/kubelet/plugins/volume/file'];
  const ledger = `${LEDGER}/srv\nvolume /srv/data\nvolume /var/lib/kubelet/plugins/volume\n`;
  const kept = plan(paths, ledger);
  t.strictSame(kept.keeps, ['/var/lib/kubelet/plugins/volume', '/srv/data', '/var/lib/skiff/storage'].map((path) => `${path} (data of volumes: --purge takes it too)`));
  t.notOk(lines(kept).some((line) => /^tree \/(srv|var\/lib\/skiff\/storage|var\/lib\/kubelet(\/plugins(\/volume)?)?)$|file \/srv$/.test(line)), 'nothing that holds them goes whole');
  t.ok(lines(kept).includes('tree /var/lib/kubelet/pods'));
  const purged = plan(paths, ledger, { purge: true });
  t.strictSame(purged.keeps, []);
  for (const line of ['tree /srv/data', 'file /srv', 'tree /var/lib/skiff/storage', 'tree /var/lib/kubelet']) t.ok(lines(purged).includes(line), line);
  t.end();
});

t.test('the program is last wherever it is, and then the folder made for it', (t) => {
  const found = lines(plan(['/opt/skiff/skiff', '/opt/skiff/kubectl', '/etc/init.d/skiff', '/var/lib/skiff/installed-files', '/var/lib/skiff/agent/'], '/var/lib/skiff/\n/opt/skiff\n/opt/skiff/skiff\n/opt/skiff/kubectl\n/etc/init.d/skiff\n'));
  t.strictSame(found, ['file /etc/init.d/skiff', 'tree /var/lib/skiff/agent', 'file /opt/skiff/kubectl', 'file /opt/skiff/skiff', 'file /opt/skiff', 'file /var/lib/skiff/installed-files', 'folder /var/lib/skiff']);
  t.end();
});

t.test('an empty folder for volumes is none', (t) => {
  t.strictSame(plan([...INSTALLED, '/var/lib/skiff/storage/'], LEDGER).keeps, []);
  t.end();
});

t.test('a data folder elsewhere: both ledgers and their folders go; other instances keep their run folders', (t) => {
  const own = runDirOf('/mnt/skiff');
  const paths = ['/var/lib/skiff/installed-files', '/mnt/skiff/installed-files', '/mnt/skiff/agent/', `${own}/instance.json`, '/run/skiff/0123abcd/instance.json'];
  const found = lines(plan(paths, '/var/lib/skiff/\n/mnt/skiff/\n', { dataDir: '/mnt/skiff' }));
  t.strictSame(found, [`tree ${own}`, 'tree /mnt/skiff/agent', 'file /mnt/skiff/installed-files', 'file /var/lib/skiff/installed-files', 'folder /var/lib/skiff', 'folder /mnt/skiff']);
  t.strictSame(lines(plan(paths.slice(0, 4), '', { dataDir: '/mnt/skiff' }))[0], 'tree /run/skiff');
  t.end();
});

t.test('a second time there is nothing', (t) => {
  t.strictSame(plan(['/etc/hosts', '/var/lib/other/'], LEDGER), { steps: [], keeps: [] });
  t.end();
});

t.test('a tree goes without following links, and without what is mounted in it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), `skiff-tree-${String(process.pid)}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ['outside', 'tree/deep/mounted', 'tree/plain']) mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['outside/precious', 'tree/deep/mounted/precious', 'tree/plain/file']) writeFileSync(join(folder, path), 'x');
  symlinkSync(join(folder, 'outside'), join(folder, 'tree/link'));
  symlinkSync(folder, `${folder}-link`);
  t.teardown(() => rmSync(`${folder}-link`, { force: true }));
  const step = { what: 'tree', path: join(`${folder}-link`, 'tree') } as const;
  t.equal(removeFiles(step, (path) => path === join(folder, 'tree/deep/mounted')), 'something is mounted there');
  t.notOk(existsSync(join(folder, 'tree/plain')) || existsSync(join(folder, 'tree/link')), 'the rest has gone');
  t.ok(existsSync(join(folder, 'outside/precious')) && existsSync(join(folder, 'tree/deep/mounted/precious')));
  t.equal(removeFiles({ what: 'folder', path: join(folder, 'outside') }, () => false), 'it is not empty');
  t.equal(removeFiles(step, () => false), undefined);
  t.equal(removeFiles(step, () => false), undefined, 'gone already');
  t.notOk(existsSync(join(folder, 'tree')));
  t.equal(execFileSync('ls', [join(folder, 'outside')], { encoding: 'utf8' }), 'precious\n');
  t.end();
});
