// install.sh as a user runs it: with the real executable on hosts without systemd or OpenRC, until nodes are Ready; then what it does for systemd and
// OpenRC, with an executable and init systems that only write down what they are asked.
import { hash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { KUBECTL, SKIFF } from '../support/cluster.ts';
import { createLab, ownNetwork, type Host } from '../support/lab.ts';

ownNetwork();
t.setTimeout(600_000);

const INSTALL = join(import.meta.dirname, '../../install.sh');
const lab = createLab('i', '10.97.9');
t.teardown(() => lab.remove());

interface Ran {
  code: number;
  text: string;
}

function run(host: Host, ...words: string[]): Ran {
  const [command = '', ...rest] = [...host.enter, ...words];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 240_000 });
  return { code: status ?? 1, text: stdout + stderr };
}

/** Programs of a host of its own: what is installed into it is in no other, nor on this machine. */
function addHost(name: string): Host {
  const host = lab.addHost(name);
  host.run('sh', '-c', 'mkdir -p /run/programs/upper /run/programs/work && mount -t overlay overlay -o lowerdir=/usr/local,upperdir=/run/programs/upper,workdir=/run/programs/work /usr/local');
  return host;
}

const text = (host: Host, path: string): string => host.run('cat', path);
const settingsOf = (host: Host): string[] => text(host, '/etc/skiff/config.yaml.d/install.yaml').split('\n').filter((line) => line !== '' && !line.startsWith('#')).sort();

const first = addHost('n1');
const install = (host: Host, environment: string[], ...words: string[]): Ran => run(host, 'env', `INSTALL_SKIFF_BINARY=${SKIFF}`, 'INSTALL_SKIFF_TIMEOUT=120', ...environment, ...words);
const pid = (): string => text(first, '/run/skiff/skiff.pid').trim();
const nodes = (): string => first.run(KUBECTL, '--kubeconfig', '/etc/skiff/skiff.yaml', 'get', 'nodes', '--no-headers', '--show-labels');

await t.test('a server without an init system: it ends when the node is Ready, and says what is next', async (t) => {
  const { code, text: told } = install(first, [], 'dash', INSTALL, '--disable', 'ingress', '--node-label', 'color=blue');
  t.equal(code, 0, told);
  t.match(nodes(), /^n1 +Ready.*color=blue/);
  t.match(told, /export KUBECONFIG=\/etc\/skiff\/skiff.yaml/);
  t.match(told, new RegExp(`SKIFF_URL=https://${first.ip}:6443 SKIFF_TOKEN=K10\\S+ sh install.sh`));
  t.match(told, /There is no systemd or OpenRC here/);
  t.strictSame(settingsOf(first), ['disable: \'ingress\'', 'node-label: \'color=blue\'']);
  t.equal(first.run('stat', '-c', '%a', '/etc/skiff/install.env', '/etc/skiff/config.yaml.d/install.yaml'), '600\n600\n');
});

await t.test('run again as it stands, nothing happens', async (t) => {
  const before = pid();
  const { code, text: told } = install(first, [], 'dash', INSTALL);
  t.equal(code, 0, told);
  t.match(told, /nothing has changed, and it runs/);
  t.equal(pid(), before);
});

await t.test('run again with other settings, by another shell, it changes those and keeps the rest', async (t) => {
  const before = pid();
  const { code, text: told } = install(first, ['INSTALL_SKIFF_EXEC=server --node-label "color=red" --node-label size=small'], 'busybox', 'sh', INSTALL);
  t.equal(code, 0, told);
  t.not(pid(), before);
  t.strictSame(settingsOf(first), ['disable: \'ingress\'', 'node-label: [\'color=red\',\'size=small\']']);
  t.match(nodes(), /^n1 +Ready/);
  install(first, [], 'sh', INSTALL, '--disable=');
  t.strictSame(settingsOf(first), ['node-label: [\'color=red\',\'size=small\']'], 'an empty value goes back to the default');
});

await t.test('what is wrong is told before anything is touched', async (t) => {
  const before = pid();
  for (const [words, code, message] of [
    [['--disable', 'nothing'], 2, /install.yaml: disable: "nothing" must be one of/],
    [['--no-such-flag', 'x'], 2, /no-such-flag: unknown flag/],
    [['start'], 2, /unexpected word "start"/],
    [['--cluster-cidr', `${first.ip}/16`], 1, /the network .* of eth0 has the addresses of --cluster-cidr.*\n.*fix: choose others[^]*nothing was changed/],
    [['agent'], 1, /this machine is installed as server: take it away first with "skiff uninstall"/],
  ] as const) {
    const ran = install(first, [], 'sh', INSTALL, ...words);
    t.equal(ran.code, code, ran.text);
    t.match(ran.text, message);
  }
  const stranger = run(first, 'setpriv', '--reuid', '65534', '--clear-groups', 'sh', INSTALL);
  t.equal(stranger.code, 1);
  t.match(stranger.text, /needs root: run it with sudo/);
  t.strictSame(settingsOf(first), ['node-label: [\'color=red\',\'size=small\']']);
  t.equal(pid(), before);
});

await t.test('an agent joins with the words that the server’s install has said, and needs them once', async (t) => {
  const second = addHost('n2');
  const { text: told } = install(first, [], 'sh', INSTALL);
  const [, url = '', token = ''] = /SKIFF_URL=(\S+) SKIFF_TOKEN=(\S+)/.exec(told) ?? [];
  const joined = install(second, [`SKIFF_URL=${url}`, `SKIFF_TOKEN=${token}`], 'sh', INSTALL);
  t.equal(joined.code, 0, joined.text);
  t.match(joined.text, /This machine is a node now/);
  t.match(nodes(), /^n2 +Ready/m);
  const again = install(second, [], 'sh', INSTALL, '--log-level', 'debug');
  t.equal(again.code, 0, again.text);
  t.strictSame(settingsOf(second), ['log-level: \'debug\'', `server: '${url}'`, `token: '${token}'`]);
});

// An executable that answers as Skiff does, as far as the installer asks.
const FAKE = `#!/bin/sh
case $1 in
  --version) echo 'skiff 9.9.9 (Kubernetes 1.36.3, Node v26.0.0)' ;;
  --help) printf '  server  s\\n  kubectl  k\\n' ;;
  check) ;;
  *) exit 1 ;;
esac
`;
const NAME = `skiff-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
const packed = gzipSync(FAKE);
const sums = (bytes: Uint8Array): string => `${hash('sha256', bytes)}  ${NAME}.gz\n`;
const site: Record<string, string | Uint8Array> = { '/good/sha256sums.txt': sums(packed), [`/good/${NAME}.gz`]: packed, '/bad/sha256sums.txt': sums(packed), [`/bad/${NAME}.gz`]: gzipSync(`${FAKE}# cut`) };
const asked: string[] = [];
const web = createServer(({ url = '' }, response) => {
  asked.push(url);
  response.statusCode = site[url] === undefined ? 404 : 200;
  response.end(site[url]);
});
web.listen(8000, lab.ip);
await once(web, 'listening');
t.teardown(() => web.close());

/** Not `run`: the web server is of this process, which must go on. */
async function download(host: Host, environment: string[]): Promise<Ran> {
  const [command, ...words] = ['env', ...host.enter, 'env', ...environment, 'sh', '-s', '-', '--log-level', 'debug'];
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  child.stdin.end(readFileSync(INSTALL));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text: said };
}

function addPrograms(host: Host, programs: Record<string, string>): void {
  const folder = join(lab.directory, `programs-${host.name}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}`);
    chmodSync(join(folder, name), 0o755);
  }
  host.run('sh', '-c', `cp ${folder}/* /usr/local/sbin/`);
}

const SYSTEMCTL = `echo "$*" >>/run/asked
case $1 in
  is-enabled) [ -e /etc/systemd/system/multi-user.target.wants/$2.service ] && echo enabled ;;
  --quiet) mkdir -p /etc/systemd/system/multi-user.target.wants; ln -s ../$3.service /etc/systemd/system/multi-user.target.wants/ ;;
  restart) echo $$ >/run/invocation ;;
  show) case $3 in
    InvocationID) echo "InvocationID=$(cat /run/invocation 2>/dev/null)" ;;
    ActiveState) [ -e /run/invocation ] && echo ActiveState=active || echo ActiveState=inactive ;;
    SubState) echo SubState=running ;;
    StatusText) echo 'StatusText=Skiff 9.9.9 is ready at https://10.9.9.9:6443' ;;
  esac ;;
esac
`;

await t.test('piped from a download on systemd: the checksum is held against it, a unit made, enabled and started', async (t) => {
  const host = addHost('n3');
  addPrograms(host, { systemctl: SYSTEMCTL });
  host.run('mkdir', '-p', '/run/systemd/system');
  const broken = await download(host, [`INSTALL_SKIFF_URL=http://${lab.ip}:8000/bad`]);
  t.equal(broken.code, 1);
  t.match(broken.text, /is damaged \(its sha256 is not the one of sha256sums.txt\): try again/);
  t.match(await download(host, [`INSTALL_SKIFF_URL=http://${lab.ip}:8000/none`]), { code: 1, text: /cannot download .*none\/sha256sums.txt: check INSTALL_SKIFF_URL/ });
  t.match(run(host, 'sh', '-c', 'ls -A /usr/local/bin | grep skiff; ls -d /etc/skiff /etc/systemd/system/skiff.service').text, /^(ls: cannot access.*\n){2}$/, 'nothing is there');

  const { code, text: told } = await download(host, [`INSTALL_SKIFF_URL=http://${lab.ip}:8000/good/`]);
  t.equal(code, 0, told);
  t.match(told, new RegExp(`curl -sfL http://${lab.ip}:8000/good/install.sh \\| INSTALL_SKIFF_URL=http://${lab.ip}:8000/good SKIFF_URL=https://10.9.9.9:6443 SKIFF_TOKEN= sh -`));
  t.equal(text(host, '/usr/local/bin/skiff'), FAKE);
  const unit = text(host, '/etc/systemd/system/skiff.service');
  for (const line of ['Type=notify', 'KillMode=process', 'Delegate=yes', 'Restart=always', 'ExecStart=/usr/local/bin/skiff server', 'EnvironmentFile=-/etc/skiff/install.env', 'TimeoutStartSec=infinity', 'WatchdogSec=120', 'WantedBy=multi-user.target']) t.ok(unit.split('\n').includes(line), line);
  t.match(unit, /^After=.*network-online.target.*time-sync.target/m);
  t.strictSame(text(host, '/run/asked').split('\n').filter((line) => !line.startsWith('show')), ['daemon-reload', 'is-enabled skiff', '--quiet enable skiff', 'reset-failed skiff', 'restart --no-block skiff', '']);
  for (const path of ['/usr/local/bin/skiff', '/etc/systemd/system/skiff.service', '/etc/systemd/system/multi-user.target.wants/skiff.service', '/etc/skiff/']) t.ok(text(host, '/var/lib/skiff/installed-files').split('\n').includes(path), `${path} is written down`);
});

await t.test('from the same place again, nothing is downloaded that is there', async (t) => {
  const host = addHost('n4');
  addPrograms(host, { systemctl: SYSTEMCTL });
  site['/raw/sha256sums.txt'] = `${hash('sha256', FAKE)}  ${NAME}\n`;
  site[`/raw/${NAME}`] = FAKE;
  const from = `INSTALL_SKIFF_URL=http://${lab.ip}:8000/raw`;
  t.match(await download(host, [from, 'INSTALL_SKIFF_SKIP_START=true', 'INSTALL_SKIFF_NAME=edge']), { code: 0, text: /installed, not started: systemctl enable --now skiff-edge/ });
  asked.length = 0;
  t.match(await download(host, [from, 'INSTALL_SKIFF_SKIP_START=true']), { code: 0, text: /\/usr\/local\/bin\/skiff is the one of/ });
  t.strictSame(asked, ['/raw/sha256sums.txt']);
  host.run('sh', '-c', 'sed s/9.9.9/9.9.10/ /usr/local/bin/skiff >/run/downloaded && chmod 644 /run/downloaded');
  t.match(run(host, 'env', 'INSTALL_SKIFF_BINARY=/run/downloaded', 'INSTALL_SKIFF_SKIP_START=true', 'sh', INSTALL), { code: 0, text: /installed \/usr\/local\/bin\/skiff \(9.9.10/ }, 'a file need not be executable');
  t.equal(host.run('sh', '-c', 'ls -A /usr/local/bin | grep skiff'), 'skiff\n', 'nothing is left beside it');
  t.match(await download(host, [from, 'INSTALL_SKIFF_NAME=other']), { code: 1, text: /installed here as the service skiff-edge: INSTALL_SKIFF_NAME=edge changes that one/ });
});

await t.test('out of the air-gap bundle: the executable and the images that lie beside it', async (t) => {
  const host = addHost('n6');
  addPrograms(host, { systemctl: SYSTEMCTL, fake: FAKE.replace('#!/bin/sh\n', '') });
  host.run('sh', '-c', `mkdir -p /run/skiff-bundle/dist /run/skiff-bundle/images && cp ${INSTALL} /run/skiff-bundle/ && cp /usr/local/sbin/fake /run/skiff-bundle/dist/${NAME} && echo tar >/run/skiff-bundle/images/a.tar`);
  const bundle = (): Ran => run(host, 'env', 'INSTALL_SKIFF_SKIP_START=true', 'sh', '/run/skiff-bundle/install.sh', '--data-dir', '/var/lib/elsewhere');
  t.match(bundle(), { code: 0, text: /put \/var\/lib\/elsewhere\/agent\/images\/a.tar there/ });
  t.equal(text(host, '/var/lib/elsewhere/agent/images/a.tar'), 'tar\n');
  t.match(text(host, '/var/lib/skiff/installed-files'), /^\/var\/lib\/elsewhere\n\/var\/lib\/elsewhere\/agent\n\/var\/lib\/elsewhere\/agent\/images\n/m);
  t.notMatch(bundle().text, /put /, 'once');
});

await t.test('on OpenRC it makes a script that starts at boot and tells a shutdown of the machine apart', async (t) => {
  const host = addHost('n5');
  addPrograms(host, {
    'rc-update': 'echo "rc-update $*" >>/run/asked\n',
    'rc-service': 'echo "rc-service $*" >>/run/asked\ncase $* in *restart) mkdir -p /run/skiff; echo "ready Skiff is ready at https://10.9.9.9:6443" >/run/skiff/status ;; esac\n',
    skiff: FAKE.replace('#!/bin/sh\n', ''),
  });
  host.run('sh', '-c', 'mkdir -p /run/openrc /usr/local/bin && mv /usr/local/sbin/skiff /usr/local/bin/skiff');
  const { code, text: told } = run(host, 'env', 'INSTALL_SKIFF_SKIP_DOWNLOAD=true', 'SKIFF_URL=https://10.9.9.9:6443', 'SKIFF_TOKEN=it\'s', 'HTTPS_PROXY=http://proxy:3128', 'sh', INSTALL);
  t.equal(code, 0, told);
  t.strictSame(text(host, '/run/asked').split('\n').filter((line) => !line.endsWith('status')), ['rc-update -q add skiff-agent default', 'rc-service -q skiff-agent restart', '']);
  t.strictSame(settingsOf(host), ['server: \'https://10.9.9.9:6443\'', 'token: \'it\'\'s\'']);
  t.match(text(host, '/etc/skiff/install.env'), /^HTTPS_PROXY='http:\/\/proxy:3128'$/m);
  const inside = (going: string): Ran => run(host, 'sh', '-c', `yesno() { [ "$1" = YES ]; }; checkpath() { :; }; . /etc/init.d/skiff-agent; start_pre; RC_GOINGDOWN=${going} stop_pre; echo "$supervisor $command $command_args $HTTPS_PROXY"; ls /run/skiff`);
  t.equal(inside('').text, 'supervise-daemon /usr/local/bin/skiff agent http://proxy:3128\nstatus\n');
  t.match(inside('YES').text, /^machine-stops$/m);
});

await t.test('shellcheck and two shells find nothing to say', async (t) => {
  t.strictSame(run(first, 'shellcheck', INSTALL), { code: 0, text: '' });
  t.strictSame(run(first, 'dash', '-n', INSTALL), { code: 0, text: '' });
  t.strictSame(run(first, 'busybox', 'sh', '-n', INSTALL), { code: 0, text: '' });
  const flags = readFileSync(join(import.meta.dirname, '../../cmd/flags.ts'), 'utf8');
  for (const [, variable = ''] of flags.matchAll(/env: '(\w+)'/g)) checkVariable(t, variable);
});

/** Each variable of Skiff's is one of the installer's as well. */
function checkVariable(t: Test, variable: string): void {
  t.match(readFileSync(INSTALL, 'utf8'), new RegExp(`\\{?${variable}[:},]`), variable);
}
