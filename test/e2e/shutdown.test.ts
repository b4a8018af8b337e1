// A machine goes down: the server ends its pods in order before it ends itself, and they are back after the boot. What tells it that it is the machine's
// end is the mark that the script for OpenRC leaves; systemd is asked on the machines of test/e2e/machines.
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const cluster = await createSuppliedCluster('d', '10.97.10');
const { kubectl, tryKubectl, host } = cluster;
t.teardown(() => cluster.remove());
await cluster.start();

const pod = (name: string, more: object = {}): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: {
    ...more, terminationGracePeriodSeconds: 30, volumes: [{ name: 'data', hostPath: { path: '/var/lib/skiff/told', type: 'DirectoryOrCreate' } }],
    containers: [{ name: 'c', image: 'busybox:1', volumeMounts: [{ name: 'data', mountPath: '/data' }], command: ['sh', '-c', `trap 'sleep 0.3; echo ${name} >>/data/ends; exit 0' TERM; echo ${name} >>/data/starts; while :; do sleep 0.1; done`] }],
  },
});
const told = (file: string): string[] => host.run('sh', '-c', `cat /var/lib/skiff/told/${file} 2>/dev/null || true`).split('\n').filter((line) => line !== '');
const running = (): string[] => tryKubectl(['get', 'pods', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].state.running.startedAt}{"\\n"}{end}']).stdout.split('\n').filter((line) => /\dZ$/.test(line));

tryKubectl(['apply', '-f', '-'], [pod('critical', { priorityClassName: 'system-node-critical' }), pod('plain')].join('\n---\n'));
await until(() => told('starts').length === 2 && running().length === 2, 'both pods to run');

await t.test('a stop of Skiff alone leaves them be', async (t) => {
  const before = running();
  await cluster.stop();
  t.strictSame(told('ends'), []);
  await cluster.start();
  await until(() => running().length === 2, 'the pods to be shown');
  t.strictSame(running(), before);
});

await t.test('at the end of the machine they end with their grace period, critical ones last', async (t) => {
  host.run('touch', '/run/skiff/machine-stops');
  await cluster.stop();
  t.strictSame(told('ends'), ['plain', 'critical']);
  t.match(cluster.log(), /ended pod default\/plain[^]*ended pod default\/critical/);
});

await t.test('after the boot they go on', async (t) => {
  host.kill();
  host.boot();
  await cluster.start();
  // What the API shows may be of before the boot as yet.
  await until(() => kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[0].restartCount}') === '1 1' && running().length === 2, 'the pods to run again');
  t.equal(told('starts').length, 4);
});
