// Two machines: what skiff status says on each, the tokens by which the second joins, and the second that leaves again.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { BIN, createInstalledHost, createSuppliedLab, sameListing } from '../support/installed-host.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const lab = await createSuppliedLab(t, { prefix: 'v', net: '10.97.9' });
const first = createInstalledHost(lab, 'n1');
const second = createInstalledHost(lab, 'n2');
const before = second.listing();

await t.test('status says when nothing runs', async (t) => {
  first.install(['server']);
  first.skiff('stop', '--pods');
  const { code, text } = first.skiff('status');
  t.equal(code, 1);
  t.equal(text, 'skiff: neither server nor agent runs on this machine (data folder /var/lib/skiff)\n');
  t.equal((JSON.parse(first.skiff('status', '-o', 'json').text) as { running: boolean }).running, false);
  first.install(['server']);
});

await t.test('status of a server: one screen, or JSON', async (t) => {
  const { code, text } = first.skiff('status');
  t.equal(code, 0);
  t.match(text, /^NODE +ROLES +STATUS +ADDRESS +VERSION\nn1 +\S+ +Ready +10\.97\.9\.11 +v1\.36/);
  t.match(text, /Memory +\d\S* MB resident \(\d\S* MB by share, \d\S* MB anonymous\)/);
  t.match(text, /Written +\S+ [kM]?B to disks since the start \S+ ago/);
  t.match(text, /Certificates +\d+, the first to end is \S+ on \d{4}-\d\d-\d\d \(\d+ days\)/);
  t.ok(text.split('\n').length < 24, 'it fits on a screen');
  const watched = first.shell(`timeout 10 ${BIN}/skiff status --watch -o json 2>/dev/null | head -n 2`).trim().split('\n').map((line) => JSON.parse(line) as { running: boolean });
  t.match(watched, [{ running: true }, { running: true }], 'again and again');
  const status = JSON.parse(first.skiff('status', '-o', 'json').text) as Record<string, unknown>;
  t.match(status, { running: true, role: 'server', nodes: [{ name: 'n1', ready: true }], memory: { main: { processes: 1, rssBytes: Number, pssBytes: Number, anonymousBytes: Number } }, written: { bytes: Number }, certificates: Array, warnings: Array });
});

let token = '';
await t.test('a token is created, listed with its end, and deleted', async (t) => {
  const created = first.skiff('token', 'create', '--ttl', '2h', '--description', 'for n2');
  t.equal(created.code, 0, created.text);
  token = created.text.trim();
  t.match(token, /^K10[0-9a-f]{64}::[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const id = token.split('::')[1]?.split('.')[0] ?? '';
  t.match(first.skiff('token', 'list').text, new RegExp(`^ID .*\n${id} +1h59m\\d+s +\\S+Z +authentication,signing +for n2$`, 'm'));
  const other = first.skiff('token', 'create', 'abcdef.0123456789abcdef', '--ttl=0');
  t.match(other.text, /::abcdef\.0123456789abcdef\n$/);
  t.match(first.skiff('token', 'create', 'abcdef.0123456789abcdef'), { code: 1, text: 'skiff: a token with the id abcdef is there already: skiff token delete abcdef\n' });
  t.match(first.skiff('token', 'list').text, /^abcdef +<forever> +never/m);
  t.equal(first.skiff('token', 'delete', 'abcdef').text, 'token abcdef deleted\n');
  t.match(first.skiff('token', 'delete', 'abcdef'), { code: 1, text: 'skiff: there is no token "abcdef"; see skiff token list\n' });
  t.match(first.skiff('token', 'create', '--ttl', 'soon'), { code: 2, text: /--ttl: "soon" must be a time such as 90m or 24h/ });
});

await t.test('the second machine joins by it; status on it shows the node it is', async (t) => {
  second.install(['agent'], { SKIFF_URL: `https://${first.host.ip}:6443`, SKIFF_TOKEN: token });
  t.match(first.kubectl(['get', 'nodes', '--no-headers']), /^n2 +Ready/m);
  const { code, text } = second.skiff('status');
  t.equal(code, 0, text);
  t.match(text, /^n2 +\S+ +Ready/m);
  t.match(text, /^Server +https:\/\/10\.97\.9\.11:6443$/m);
  t.match(second.skiff('token', 'list'), { code: 1, text: /this machine is no server/ });
});

await t.test('a rotated token holds at once, and the one before no longer', async (t) => {
  const old = first.shell('cat /var/lib/skiff/server/node-token').trim();
  const { code, text } = first.skiff('token', 'rotate');
  t.equal(code, 0, text);
  t.not(text.trim(), old);
  t.equal(first.shell('cat /var/lib/skiff/server/node-token'), text);
  const publicKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'pem' });
  const joins = (shown: string): number => {
    const password = shown.trim().split(':').at(-1) ?? '';
    const body = JSON.stringify({ nodeName: 'n3', nodeIps: ['10.97.9.99'], nodePassword: 'x'.repeat(16), publicKey });
    return Number(spawnSync('curl', ['-sk', '-o', '/dev/null', '-w', '%{http_code}', '-u', `node:${password}`, '-d', body, `https://${first.host.ip}:6443/v1-skiff/join`], { encoding: 'utf8' }).stdout);
  };
  t.equal(joins(old), 401);
  t.equal(joins(text), 200);
});

await t.test('the second leaves: nothing of Skiff is left on it', async (t) => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { nodeName: 'n2', terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'web:1' }] } };
  first.kubectl(['apply', '-f', '-'], JSON.stringify(pod));
  first.kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=60s']);
  await until(() => second.shell('ip route').includes('10.42.0.0/24'), 'the route to the first machine');
  const { code, text } = second.skiff('uninstall');
  t.equal(code, 0, text);
  t.match(text, /removed pod default\/web/);
  sameListing(t, second.listing(), before);
});
