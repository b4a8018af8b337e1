// The pod network with real namespaces, links and packets, in a network namespace of the test's own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createPointToPointNetwork } from '../../../agents/network/point-to-point.ts';
import { ownNetwork } from '../../support/lab.ts';
import { until } from '../../support/until.ts';

ownNetwork();
const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
run('ip', 'link', 'set', 'lo', 'up');
run('ip', 'link', 'add', 'uplink', 'type', 'bridge');
run('ip', 'addr', 'add', '192.0.2.9/24', 'dev', 'uplink');
run('ip', 'link', 'set', 'uplink', 'up');

const directory = mkdtempSync(join(tmpdir(), 'skiff-network-'));
const names = ['a', 'b'].map((name) => `skn${String(process.pid)}${name}`);
const servers: ChildProcess[] = [];
t.teardown(() => {
  for (const server of servers) server.kill('SIGKILL');
  for (const name of names) try { run('ip', 'netns', 'del', name); } catch { /* the test ended before it was made */ }
  rmSync(directory, { recursive: true });
});
const network = createPointToPointNetwork({ podCidr: () => Promise.resolve('10.42.7.0/24'), clusterCidr: '10.42.0.0/16', directory });
await network.start(new Set());

await t.test('pods reach each other, the node and themselves; host ports lead to them; detaching leaves nothing', async (t) => {
  const ips: string[] = [];
  for (const [index, name] of names.entries()) {
    run('ip', 'netns', 'add', name);
    const hostPorts = index === 0 ? [{ protocol: 'TCP' as const, containerPort: 80, hostPort: 8080, hostIp: '' }] : [];
    const attached = await network.attach(name, `/run/netns/${name}`, { namespace: 'default', name, uid: name, hostPorts });
    t.strictSame(await network.attach(name, `/run/netns/${name}`, { namespace: 'default', name, uid: name, hostPorts }), attached, 'attaching again changes nothing');
    ips.push(...attached.ips);
    servers.push(spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', `require('http').createServer((q, r) => r.end('${name} ' + q.socket.remoteAddress)).listen(80, '0.0.0.0')`], { stdio: 'ignore' }));
  }
  const [a = '', b = ''] = ips;
  const from = (name: string, url: string): string => run('nsenter', `--net=/run/netns/${name}`, 'curl', '-sS', '--max-time', '20', url);
  await until(() => { try { return from(names[0] ?? '', `http://${b}`) !== '' && from(names[1] ?? '', `http://${a}`) !== ''; } catch { return false; } }, 'the servers to listen');
  t.equal(from(names[0] ?? '', `http://${b}`), `${names[1] ?? ''} ${a}`, 'pod to pod, with its own address');
  t.equal(from(names[0] ?? '', `http://${a}`), `${names[0] ?? ''} ${a}`, 'pod to itself');
  t.match(await get(`http://${b}`), names[1] ?? '', 'node to pod');
  const server = createServer((asked, response) => response.end(asked.socket.remoteAddress)).listen(9000, '192.0.2.9');
  t.teardown(() => server.close());
  await once(server, 'listening');
  t.equal(await output('nsenter', `--net=/run/netns/${names[1] ?? ''}`, 'curl', '-sS', '--max-time', '20', 'http://192.0.2.9:9000'), b, 'pod to node');
  for (const url of ['http://192.0.2.9:8080', 'http://127.0.0.1:8080']) t.match(await get(url), names[0] ?? '', `host port at ${url}`);
  t.match(from(names[1] ?? '', 'http://192.0.2.9:8080'), names[0] ?? '', 'host port from another pod');
  t.match(from(names[0] ?? '', 'http://192.0.2.9:8080'), names[0] ?? '', 'host port from the pod itself');
  for (const name of names) await network.detach(name, `/run/netns/${name}`);
  for (const name of names) await network.detach(name, `/run/netns/${name}`);
  t.notMatch(run('ip', 'link'), /skf/);
  t.notMatch(run('iptables-save', '-t', 'nat'), /DNAT/);
});

await t.test('an address is not given twice, comes back only when the others were used, and survives a restart', async (t) => {
  const made: string[] = [];
  const attach = async (id: string, of = network, uid = id): Promise<string> => {
    const name = `skn${String(process.pid)}${id}`;
    names.push(name);
    made.push(name);
    run('ip', 'netns', 'add', name);
    return (await of.attach(name, `/run/netns/${name}`, { namespace: 'default', name, uid, hostPorts: [] })).ips[0] ?? '';
  };
  const first = await attach('c');
  await network.detach(made[0] ?? '', '');
  const second = await attach('d');
  t.not(second, first);
  const again = createPointToPointNetwork({ podCidr: () => Promise.resolve('10.42.7.0/24'), clusterCidr: '10.42.0.0/16', directory });
  await again.start(new Set([made[1] ?? '']));
  t.not(await attach('e', again), second);
  await again.detach(made[1] ?? '', '');
  t.equal(await attach('f', again, 'd'), second, 'another sandbox of the same pod');
  for (const name of made) await again.detach(name, `/run/netns/${name}`);
});

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false, timeout: 20_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      response.on('end', () => resolve(body));
    }).on('error', reject).end();
  });
}

function output(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    child.on('error', reject).on('close', () => resolve(text));
  });
}
