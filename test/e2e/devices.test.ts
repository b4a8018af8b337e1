// Devices as a user has them: a plugin that registers, pods that ask for what it has, its health, its end; Skiff killed in between; resources that a hand
// gave the node; who has what, by the podresources API; and claims of a DRA driver's devices.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('d', '10.97.16');
const { kubectl, host, apply: applyAll, field, told } = cluster;
const programs = new Set<ChildProcess>();
t.teardown(async () => {
  for (const program of programs) program.kill('SIGKILL');
  await cluster.remove();
});
await t.test('a server comes up', () => cluster.start());

interface Plugin {
  said: string[];
  tell(line: string): void;
  end(): Promise<void>;
}

function startPlugin(resource: string, ...ids: string[]): Plugin {
  return startProgram('device-plugin.ts', resource, ...ids);
}

function startProgram(file: string, ...args: string[]): Plugin {
  const [enter = '', ...rest] = [...host.enter, process.execPath, join(import.meta.dirname, '../support', file), ...args];
  const program = spawn(enter, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  programs.add(program);
  const said: string[] = [];
  createInterface({ input: program.stdout }).on('line', (line) => said.push(line));
  const ended = new Promise<void>((resolve) => program.once('exit', () => resolve()));
  return {
    said,
    tell: (line) => void program.stdin.write(`${line}\n`),
    async end() {
      program.stdin.end();
      await ended;
    },
  };
}

const DEV = '.example\\.com/dev';
const amounts = (resource = DEV): string => `${field('node n1', `.status.capacity${resource}`)} ${field('node n1', `.status.allocatable${resource}`)}`;
const container = (name: string, count: string, command = 'sleep 1000'): object => ({ name, image: 'busybox:1', command: ['sh', '-c', command], resources: { limits: { 'example.com/dev': count } } });
const apply = (name: string, spec: object): void => applyAll({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, ...spec } });
const isRunning = (name: string): Promise<true> => until(() => field(`pod ${name}`, '.status.phase') === 'Running', `${name} to run`);
const health = (name: string): string => field(`pod ${name}`, '.status.containerStatuses[0].allocatedResourcesStatus');
const listed = (): unknown => JSON.parse(host.run(process.execPath, join(import.meta.dirname, '../support/pod-resources.ts'), 'List'));

host.run('mkdir', '-p', '/srv/example', '/etc/cdi');
host.run('sh', '-c', 'echo shared > /srv/example/file');
host.run('sh', '-c', `echo '${JSON.stringify({ cdiVersion: '0.6.0', kind: 'example.com/class', devices: [{ name: 'extra', containerEdits: { env: ['FROM_CDI=yes'], deviceNodes: [{ path: '/dev/extra', hostPath: '/dev/full' }] } }] })}' > /etc/cdi/example.json`);
let plugin = startPlugin('example.com/dev', 'a', 'b', 'c');

await t.test('a plugin registers, and the node has its devices', async (t) => {
  await until(() => amounts() === '3 3' && plugin.said.length > 0, 'the devices in the node\'s status');
  t.same(plugin.said, ['registered']);
});

await t.test('a container gets what its plugin says: variables, a mount, nodes, an annotation, CDI devices', async (t) => {
  apply('two', { containers: [container('c', '2', 'exec 2>&1; echo $EXAMPLE_DEVICES $FROM_CDI $(cat /example/file) $(head -c 3 /dev/example-c | wc -c) $(ls /dev/extra); touch /example/x; sleep 1000')], initContainers: [container('first', '2', 'true')] });
  await isRunning('two');
  await until(() => kubectl('logs', 'two', '-c', 'c').includes('Read-only'), 'its words');
  t.equal(kubectl('logs', 'two', '-c', 'c').split('\n')[0], 'c,b yes shared 3 /dev/extra');
  await until(() => plugin.said.length > 5, 'all that the plugin says');
  t.same(plugin.said.slice(1), ['prefer c,b of a,b,c', 'allocate c,b', 'allocate c,b', 'prestart c,b', 'prestart c,b'], 'the init container leaves its devices to the next');
  t.same(JSON.parse(health('two')), [{ name: 'example.com/dev', resources: [{ resourceID: 'c', health: 'Healthy' }, { resourceID: 'b', health: 'Healthy' }] }]);
  t.same(listed(), [{ name: 'two', namespace: 'default', containers: [{ name: 'c', devices: ['example.com/dev c', 'example.com/dev b'] }] }]);
});

await t.test('what the scheduler cannot place waits; what is bound past it is refused, in upstream\'s words', async (t) => {
  apply('waits', { containers: [container('c', '2')] });
  await until(() => field('pod waits', '.status.conditions[0].message').includes('Insufficient example.com/dev'), 'the scheduler to say why');
  apply('forced', { nodeName: 'n1', containers: [container('c', '2')] });
  await until(() => field('pod forced', '.status.phase') === 'Failed', 'the refusal');
  t.equal(field('pod forced', '.status.reason'), 'UnexpectedAdmissionError');
  t.equal(field('pod forced', '.status.message'), 'Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/dev. Requested: 2, Available: 1, which is unexpected');
  plugin.tell('refuse out of paint');
  apply('refused', { containers: [container('c', '1')] });
  await until(() => field('pod refused', '.status.phase') === 'Failed', 'the plugin\'s refusal');
  t.equal(field('pod refused', '.status.message'), 'Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = out of paint, which is unexpected');
  kubectl('delete', 'pod', 'forced', 'refused');
});

await t.test('a device that is unhealthy: in the pod\'s status, and out of what may be had', async (t) => {
  plugin.tell('unhealthy c');
  await until(() => health('two').includes('Unhealthy') && amounts() === '3 2', 'its health to be told');
  t.same(JSON.parse(health('two')), [{ name: 'example.com/dev', resources: [{ resourceID: 'c', health: 'Unhealthy' }, { resourceID: 'b', health: 'Healthy' }] }]);
  plugin.tell('healthy c');
  await until(() => !health('two').includes('Unhealthy') && amounts() === '3 3', 'it to be healthy again');
});

await t.test('Skiff is killed: containers keep their devices, and the plugin registers again', async (t) => {
  const before = field('pod two', '.status.containerStatuses[0].containerID');
  const said = plugin.said.length;
  await cluster.stop('SIGKILL');
  await cluster.start();
  await until(() => plugin.said.slice(said).includes('registered') && amounts() === '3 3', 'the plugin to be back');
  t.equal(field('pod two', '.status.containerStatuses[0].containerID'), before);
  t.same((listed() as { name: string }[]).filter(({ name }) => name === 'two'), [{ name: 'two', namespace: 'default', containers: [{ name: 'c', devices: ['example.com/dev c', 'example.com/dev b'] }] }]);
  apply('third', { containers: [container('c', '1', 'echo $EXAMPLE_DEVICES; sleep 1000')] });
  await isRunning('third');
  await until(() => kubectl('logs', 'third') === 'a\n', 'its words');
  kubectl('delete', 'pod', 'two', 'third');
  await isRunning('waits');
});

await t.test('a plugin that ends leaves devices that nobody may have; another of its name takes over', async (t) => {
  await plugin.end();
  await until(() => amounts() === '3 0', 'its devices to be unhealthy');
  apply('none', { nodeName: 'n1', containers: [container('c', '1')] });
  await until(() => field('pod none', '.status.phase') === 'Failed', 'the refusal');
  t.equal(field('pod none', '.status.message'), 'Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/dev, which is unexpected');
  plugin = startPlugin('example.com/dev', 'x', 'b', 'c');
  await until(() => amounts() === '3 3', 'the new plugin\'s devices');
});

await t.test('resources that a hand gave the node are kept, may be had, and are counted by a quota', async (t) => {
  kubectl('patch', 'node', 'n1', '--subresource', 'status', '--type', 'merge', '-p', '{"status":{"capacity":{"example.com/hand":"2"}}}');
  await until(() => amounts('.example\\.com/hand') === '2 2', 'the kubelet to let it be had');
  kubectl('create', 'quota', 'q', '--hard', 'requests.example.com/hand=1');
  apply('hand', { containers: [{ name: 'c', image: 'busybox:1', command: ['sleep', '1000'], resources: { limits: { 'example.com/hand': '1' } } }] });
  await isRunning('hand');
  await until(() => field('quota q', '.status.used.requests\\.example\\.com/hand') === '1', 'the quota to count it');
  t.throws(() => apply('more', { containers: [{ name: 'c', image: 'busybox:1', resources: { limits: { 'example.com/hand': '1' } } }] }), /exceeded quota: q, requested: requests.example.com\/hand=1, used: requests.example.com\/hand=1, limited: requests.example.com\/hand=1/);
});

await t.test('claims: the scheduler chooses devices, the driver prepares them, containers get them, and they are taken down', async (t) => {
  const driver = startProgram('dra-driver.ts', 'dra.example.com');
  await until(() => driver.said.includes('registered'), 'the driver to be registered');
  const dra = (kind: string, name: string, spec: object): object => ({ apiVersion: 'resource.k8s.io/v1', kind, metadata: { name }, spec });
  const requests = [{ name: 'r', exactly: { deviceClassName: 'example', selectors: [{ cel: { expression: 'device.attributes["dra.example.com"].size >= 2' } }] } }];
  applyAll(
    dra('DeviceClass', 'example', { selectors: [{ cel: { expression: 'device.driver == "dra.example.com"' } }] }),
    dra('ResourceSlice', 'n1-example', { driver: 'dra.example.com', nodeName: 'n1', pool: { name: 'n1', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'small', attributes: { size: { int: 1 } } }, { name: 'one', attributes: { size: { int: 2 } } }] }),
    dra('ResourceClaimTemplate', 'example', { spec: { devices: { requests } } }), dra('ResourceClaim', 'shared', { devices: { requests } }),
  );
  const user = (source: object, command = 'sleep 1000'): object => ({ resourceClaims: [{ name: 'x', ...source }], containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], resources: { claims: [{ name: 'x' }] } }] });
  driver.tell('refuse not now');
  apply('own', user({ resourceClaimTemplateName: 'example' }, 'echo $CLAIM; ls /dev/claimed; sleep 1000'));
  await isRunning('own');
  const claim = field('pod own', '.status.resourceClaimStatuses[0].resourceClaimName');
  t.match(claim, /^own-x-/);
  await until(() => kubectl('logs', 'own') === `${claim}\n/dev/claimed\n`, 'its words');
  t.ok(await told('own', new RegExp(`FailedPrepareDynamicResources: .*Failed to prepare dynamic resources: prepare dynamic resources: NodePrepareResources failed for ResourceClaim ${claim}: not now`)));
  t.equal(field(`resourceclaim ${claim}`, '.status.allocation.devices.results[0].device'), 'one');
  t.same((listed() as { name: string }[]).find(({ name }) => name === 'own'), { name: 'own', namespace: 'default', containers: [{ name: 'c', devices: [], claims: [`${claim} dra.example.com/n1/one`] }] });
  apply('next', user({ resourceClaimName: 'shared' }));
  await until(() => field('pod next', '.status.conditions[0].message').includes('cannot allocate all claims'), 'the scheduler to say why');
  await cluster.stop('SIGKILL');
  await cluster.start();
  await until(() => driver.said.filter((line) => line === 'registered').length === 2, 'the driver to be registered again');
  t.equal(amounts('.example\\.com/hand'), '2 2', 'what a hand gave is kept over a restart');
  kubectl('delete', 'pod', 'own');
  await until(() => driver.said.includes(`unprepare ${claim}`), 'the claim to be unprepared');
  await isRunning('next');
  await until(() => !kubectl('get', 'resourceclaims').includes(claim), 'it to go with its pod');
  kubectl('delete', 'pod', 'next');
  await until(() => driver.said.includes('unprepare shared'), 'the shared claim to be unprepared');
  await until(() => field('resourceclaim shared', '.status') === '{}' || field('resourceclaim shared', '.status') === '', 'it to be free');
  await driver.end();
});
