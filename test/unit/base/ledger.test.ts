import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { formatEntry, openLedger, parseLedger } from '../../../internal/base/ledger.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-ledger-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const at = (path: string): string => join(folder, path);

t.test('what was not there is written down before it is made, the folders above it too, and once', (t) => {
  const ledger = openLedger(at('data'), at('run'));
  ledger.making(at('data'), 'tree');
  ledger.making(at('etc/deep/file'));
  mkdirSync(at('etc/deep'), { recursive: true });
  writeFileSync(at('etc/deep/file'), '');
  ledger.making(at('etc/deep/file'));
  ledger.making(at('etc/deep/other'));
  ledger.making(at('volumes/a'), 'volume');
  ledger.making('/run/lock-of-a-test');
  t.equal(readFileSync(at('data/installed-files'), 'utf8'), [`${at('data')}/`, at('etc'), at('etc/deep'), at('etc/deep/file'), at('etc/deep/other'), at('volumes'), `volume ${at('volumes/a')}`, ''].join('\n'));
  t.equal(readFileSync(at('run/ledger'), 'utf8'), '/run/lock-of-a-test\n', 'what a boot takes away is not told of after it');
  t.end();
});

t.test('what was there is not written down', (t) => {
  mkdirSync(at('there'));
  const ledger = openLedger(at('there'), at('run-2'));
  ledger.making(at('there'), 'tree');
  ledger.making(folder, 'tree');
  t.notOk(existsSync(at('there/installed-files')));
  ledger.cgroup(folder);
  ledger.cgroup('/sys/fs/cgroup/none-of-this-name');
  ledger.table('iptables', 'nat');
  t.equal(readFileSync(at('run-2/ledger'), 'utf8'), 'cgroup /sys/fs/cgroup/none-of-this-name\ntable iptables nat\n');
  t.end();
});

t.test('lines of a shell, torn lines, strange ones', (t) => {
  const file = at('data/installed-files');
  appendFileSync(file, '/usr/local/bin/skiff\n/etc/skiff/\n\nsomething else\n/torn');
  openLedger(at('data'), at('run')).making(at('etc/more'));
  const entries = parseLedger(readFileSync(file, 'utf8'));
  t.match(entries.slice(-4), [{ kind: 'path', path: '/usr/local/bin/skiff' }, { kind: 'tree', path: '/etc/skiff' }, { kind: 'path', path: '/torn' }, { kind: 'path', path: at('etc/more') }]);
  t.strictSame(parseLedger('/\nsysctl net/ipv4/ip_forward 0\nsysctl kernel/words a b\nsysctl\ncgroup relative\nvolume /a b\n/x\n/x\n').map(formatEntry), ['sysctl net/ipv4/ip_forward 0', 'sysctl kernel/words a b', 'volume /a b', '/x']);
  t.throws(() => openLedger(at('data'), at('run')).making(at('two\nlines')), /cannot be written down: it has a line break/);
  t.end();
});
