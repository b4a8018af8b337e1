import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readSettings, UsageError } from '../../../cmd/settings.ts';

t.test('defaults hold without a file, and the command line wins over environment and files', (t) => {
  const file = configFile(t, 'node-name: from-file\nnode-label:\n  - a=1\n  - b=2\ntls-san: x.example\n');
  t.equal(readSettings('server', [], {})['https-listen-port'], 6443);
  const fromFile = readSettings('server', ['--config', file], {});
  t.equal(fromFile['node-name'], 'from-file');
  t.strictSame(fromFile['node-label'], ['a=1', 'b=2']);
  t.strictSame(fromFile['tls-san'], ['x.example']);
  t.equal(readSettings('server', [], { SKIFF_CONFIG_FILE: file, SKIFF_NODE_NAME: 'from-env' })['node-name'], 'from-env');
  t.equal(readSettings('server', ['--config', file, '--node-name=from-line'], { SKIFF_NODE_NAME: 'from-env' })['node-name'], 'from-line');
  t.end();
});

t.test('drop-ins are read in order; a list replaces, and key+ appends', (t) => {
  const file = configFile(t, 'node-label: [a=1]\ndisable: [dns]\n');
  mkdirSync(`${file}.d`);
  writeFileSync(`${file}.d/10.yaml`, 'node-label+: [b=2]\n');
  writeFileSync(`${file}.d/20.yaml`, 'disable: [proxy]\n');
  const settings = readSettings('server', ['--config', file], {});
  t.strictSame(settings['node-label'], ['a=1', 'b=2']);
  t.strictSame(settings.disable, ['proxy']);
  t.strictSame(readSettings('server', ['--node-label', 'c=3', '--node-label=d=4', '--config', file], {})['node-label'], ['c=3', 'd=4'], 'a list given twice on the line adds up');
  t.end();
});

t.test('wrong usage names the flag and the value', (t) => {
  const wrong = (argv: string[], message: RegExp): void => {
    t.throws(() => readSettings('server', argv, {}), { name: 'UsageError', message });
  };
  wrong(['--no-such-flag'], /^--no-such-flag: unknown flag/);
  wrong(['--server', 'https://x'], /not a flag of skiff server/);
  wrong(['--node-name'], /--node-name: needs a value/);
  wrong(['--https-listen-port', '70000'], /--https-listen-port: "70000" must be a port/);
  wrong(['--https-listen-port', 'x'], /--https-listen-port: "x" must be a whole number/);
  wrong(['--node-label', 'color=light blue'], /--node-label: "color=light blue" must be key=value of letters/);
  wrong(['--disable', 'dns,nothing'], /--disable: "nothing" must be one of/);
  wrong(['--cluster-cidr', '10.42.0.0'], /must be a network/);
  wrong(['stray'], /unexpected argument "stray"/);
  wrong(['--config', '/nowhere.yaml'], /--config: "\/nowhere.yaml" does not exist/);
  t.throws(() => readSettings('agent', [], { SKIFF_URL: 'http://x' }), /SKIFF_URL: "http:\/\/x" must be a URL/);
  t.end();
});

t.test('a broken configuration file is told by its path', (t) => {
  const read = (content: string) => () => readSettings('server', ['--config', configFile(t, content)], {});
  t.throws(read('node-name: [unclosed'), /config.yaml: not valid YAML: /);
  t.throws(read('- a\n- b\n'), /config.yaml: must be a list of "flag: value" lines/);
  t.throws(read('node-nam: x\n'), /config.yaml: node-nam: unknown flag/);
  t.throws(read('node-name: {a: 1}\n'), /config.yaml: node-name: .* must be a string/);
  t.throws(read('node-ip: not-an-ip\n'), UsageError);
  t.end();
});

function configFile(t: { teardown(done: () => void): unknown }, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-settings-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, content);
  return file;
}
