// Pods that take what they can get, on a small node: processes, log, disk. They are held to their limits, an event says so, and the node stays.
import t from 'tap';
import { createCluster, until } from '../support/cluster.ts';
import { fixtureImages, packTree, pushImages } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';

ownNetwork();
t.setTimeout(600_000);

const MEGABYTE = 1 << 20;
const cluster = await createCluster('g', '10.96.7', (lab) => `mirrors:\n  docker.io:\n    endpoint: ["http://${lab.ip}:5000"]\n`);
const registry = await startRegistry({ address: cluster.lab.ip, port: 5000 });
await pushImages(registry.url, [...fixtureImages(), { name: 'bulky:1', layers: [{ tar: packTree({ bulk: { text: 'bulk'.repeat(15 * MEGABYTE) } }) }], config: { Cmd: ['/none'] } }], 'library/');
t.teardown(async () => {
  await cluster.remove();
  await registry.stop();
});
const { kubectl, host, tryKubectl } = cluster;

function run(name: string, command: string, more: object = {}): void {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', command] }], ...more } };
  const { code, stderr } = tryKubectl(['create', '-f', '-'], JSON.stringify(pod));
  if (code !== 0) throw new Error(stderr);
}

const get = (what: string, path: string): string => tryKubectl(['get', ...what.split(' '), '-o', `jsonpath=${path}`]).stdout;
const events = (name: string): string => tryKubectl(['get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}']).stdout;

await t.test('a server comes up on small disks', async () => {
  host.run('sh', '-c', 'for disk in skiff kubelet; do mkdir -p /var/lib/$disk && mount -t tmpfs -o size=500m tmpfs /var/lib/$disk; done');
  const settings = { 'pod-max-pids': '40', 'container-log-max-size': '1Mi', 'container-log-max-files': '3', 'image-gc-high-threshold': '50', 'image-gc-low-threshold': '40', 'minimum-image-ttl-duration': '1s', 'eviction-pressure-transition-period': '5s', 'eviction-hard': 'nodefs.available<10%,imagefs.available<10%' };
  await cluster.start(...Object.entries(settings).flatMap(([name, value]) => ['--kubelet-arg', `${name}=${value}`]));
});

await t.test('processes without end: the pod gets no more than its limit, and an event', async (t) => {
  // Bounded, so that a limit that does not hold harms nobody.
  run('bomb', '(for i in $(seq 300); do sleep 100000 & done); sleep 100000');
  run('beside', 'sleep 100000');
  await until(() => events('bomb').includes('PidsLimitReached'), 'the event');
  t.match(events('bomb'), /The pod has reached its limit of 40 processes: it was refused more/);
  const processes = Number(host.run('sh', '-c', 'pgrep -fcx "sleep 100000"'));
  t.ok(processes <= 42, `${String(processes)} processes`);
  t.equal(kubectl('exec', 'beside', '--', 'sh', '-c', 'echo fine').trim(), 'fine', 'others have processes');
  kubectl('delete', 'pod', 'bomb', 'beside', '--wait=true');
});

await t.test('a log without end is rotated, and the server answers meanwhile', async (t) => {
  run('flood', 'yes "a line of a log that nobody will ever read, written as fast as it goes" | head -c 300000000; sleep 100000');
  await until(() => get('pod flood', '{.status.phase}') === 'Running', 'the flood');
  await until(() => kubectl('logs', 'flood', '--tail=1').includes('a line of a log'), 'its log'); // before the last rotation, after which there is none
  const begun = performance.now();
  const answers = new Set<string>();
  while (performance.now() - begun < 15_000) answers.add(tryKubectl(['get', '--raw', '/readyz', '--request-timeout=5s']).stdout);
  t.same([...answers], ['ok']);
  const files = (): number => Number(host.run('sh', '-c', 'ls /var/log/pods/default_flood_*/main | grep -vc tmp'));
  await until(() => files() > 1, 'the log to be rotated');
  t.ok(files() > 1);
  kubectl('delete', 'pod', 'flood');
});

await t.test('when the disk fills, images that nobody uses go', async (t) => {
  run('bulky', 'true', { containers: [{ name: 'main', image: 'bulky:1' }] });
  const images = (): string => get('node n1', '{.status.images[*].names}');
  await until(() => images().includes('bulky'), 'the image to be there');
  run('user', 'sleep 100000');
  await until(() => get('pod user', '{.status.phase}') === 'Running', 'a pod');
  kubectl('delete', 'pod', 'bulky', '--wait=true');
  host.run('sh', '-c', 'dd if=/dev/zero of=/var/lib/skiff/filler bs=1M count=240 2>/dev/null');
  await until(() => !images().includes('bulky'), 'the unused image to go', 90_000);
  t.match(images(), /busybox/, 'one in use stays');
});

await t.test('a pod that fills the disk is evicted, and others stay', async (t) => {
  run('hog', '', { containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'dd if=/dev/zero of=/full/file bs=1M count=480; sleep 100000'], volumeMounts: [{ name: 'full', mountPath: '/full' }] }], volumes: [{ name: 'full', emptyDir: {} }] });
  await until(() => get('pod hog', '{.status.reason}') === 'Evicted', 'the eviction', 90_000);
  t.match(get('pod hog', '{.status.message}'), /The node was low on resource: ephemeral-storage/);
  t.match(events('hog'), /Evicted: The node was low on resource/);
  t.equal(get('pod user', '{.status.phase}'), 'Running');
  kubectl('delete', 'pod', 'hog'); // its volumes go with it
  await until(() => get('node n1', '{.status.conditions[?(@.type=="DiskPressure")].status}') === 'False', 'the pressure to pass', 90_000);
  run('after', 'exit 0');
  await until(() => get('pod after', '{.status.phase}') === 'Succeeded', 'a pod afterwards');
});
