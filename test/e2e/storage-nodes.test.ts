// Local volumes on a second node, in a folder of the user's choice: made there, kept while the node is away, removed when it is back, and what
// uninstall says of them.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('x', '10.97.8');
const { kubectl, tryKubectl, host: first, lab, program } = cluster;
const second = lab.addHost('n2');
let agent: ChildProcess | undefined;
t.teardown(async () => {
  agent?.kill('SIGKILL');
  await cluster.remove();
});

function startAgent(token: string): void {
  const [enter, ...rest] = [...second.enter, ...program, 'agent', '--node-name', 'n2', '--node-ip', second.ip, '--server', `https://${first.ip}:6443`, '--token', token];
  const log = openSync(join(lab.directory, 'agent.log'), 'a');
  agent = spawn(enter, rest, { stdio: ['ignore', log, log] });
}

async function killAgent(): Promise<void> {
  const ended = once(agent as ChildProcess, 'exit');
  second.run('pkill', '-KILL', '-f', `${program.join(' ')} agent`);
  await ended;
}

const field = (resource: string, path: string): string => tryKubectl(['get', ...resource.split(' '), '-o', `jsonpath={${path}}`]).stdout;
const folders = (host: typeof first): string => host.run('sh', '-c', 'ls -A /var/lib/skiff-volumes 2>/dev/null || true');
const pod = (name: string, command: string): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 0, nodeSelector: { 'kubernetes.io/hostname': 'n2' }, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
});
const apply = (...items: object[]): void => {
  const { code, stderr } = tryKubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  if (code !== 0) throw new Error(stderr);
};

second.run('sh', '-c', `mkdir -p /etc/skiff && cp ${join(lab.directory, 'registries.yaml')} /etc/skiff/registries.yaml`);
await t.test('two nodes come up', async () => {
  await cluster.start('--default-local-storage-path', '/var/lib/skiff-volumes');
  startAgent(first.run('cat', '/var/lib/skiff/server/node-token').trim());
  await until(() => /^n2 +Ready/m.test(tryKubectl(['get', 'nodes', '--no-headers']).stdout), 'the second node');
});
const token = first.run('cat', '/var/lib/skiff/server/node-token').trim();

await t.test('the folder is made on the node where the pod goes, and pods after it go there too', async (t) => {
  apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, pod('writer', 'echo kept > /data/file; sleep 1000'));
  await until(() => field('pod writer', '.status.phase') === 'Running', 'the writer');
  t.match(folders(second), /^pvc-\S+_default_data\n$/);
  t.equal(folders(first), '');
  kubectl('delete', 'pod', 'writer');
  apply({ ...pod('reader', 'cat /data/file; sleep 1000'), spec: { ...(pod('reader', 'cat /data/file; sleep 1000') as { spec: object }).spec, nodeSelector: {} } });
  await until(() => tryKubectl(['logs', 'reader']).stdout === 'kept\n', 'what it read');
  t.equal(field('pod reader', '.spec.nodeName'), 'n2', 'where its volume is');
});

await t.test('uninstall says that it keeps them', (t) => {
  t.match(second.run(program[0] ?? '', ...program.slice(1), 'uninstall', '--dry-run'), /would keep \/var\/lib\/skiff-volumes/);
  t.end();
});

await t.test('while the node is away the volume stays, and goes when it is back', async (t) => {
  const volume = field('pvc data', '.spec.volumeName');
  await killAgent();
  kubectl('delete', 'pod', 'reader', '--grace-period=0', '--force');
  kubectl('delete', 'pvc', 'data');
  await until(() => field(`pv ${volume}`, '.status.phase') === 'Released', 'the volume to be released');
  await until(() => kubectl('get', 'events', '--field-selector', `involvedObject.name=${volume}`).includes('VolumeFailedDelete'), 'the event');
  t.match(folders(second), /^pvc-/);
  startAgent(token);
  await until(() => tryKubectl(['get', 'pv', volume]).stderr.includes('not found'), 'the volume to go');
  t.equal(folders(second), '');
});
