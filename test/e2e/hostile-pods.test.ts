// Pods that take what they can get, on a small node: processes, log, disk. They are held to their limits, an event says so, and the node stays.
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { fixtureImages, packRaw, packTree } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const MEGABYTE = 1 << 20;
const base = fixtureImages()[0]?.layers[0] ?? { tar: Buffer.alloc(0) };
const path = { Env: ['PATH=/bin'] };
const cluster = await createSuppliedCluster('g', '10.96.7', [...fixtureImages(),
  { name: 'links:1', layers: [base, { tar: packRaw([{ name: 'data', type: '2', link: '/etc' }, { name: 'up', type: '2', link: '../../../../../../victim' }, { name: 'loop', type: '2', link: 'loop' }, { name: 'etc/hosts', type: '2', link: '/etc/passwd' }]) }], config: path },
  { name: 'workdir:1', layers: [base], config: { ...path, WorkingDir: '/proc/self/fd/8' } },
  { name: 'bulky:1', layers: [{ tar: packTree({ bulk: { text: 'bulk'.repeat(15 * MEGABYTE) } }) }], config: { Cmd: ['/none'] } }]);
t.teardown(() => cluster.remove());
const { kubectl, host, tryKubectl, field, events, told } = cluster;
const running = (name: string): Promise<true> => until(() => field(`pod ${name}`, '.status.phase') === 'Running', `${name} to run`);

function run(name: string, command: string, more: object = {}): void {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', command] }], ...more } };
  const { code, stderr } = tryKubectl(['create', '-f', '-'], JSON.stringify(pod));
  if (code !== 0) throw new Error(stderr);
}


await t.test('a server comes up on small disks', async () => {
  host.run('sh', '-c', 'for disk in skiff kubelet; do mkdir -p /var/lib/$disk && mount -t tmpfs -o size=500m tmpfs /var/lib/$disk; done');
  const settings = { 'pod-max-pids': '40', 'container-log-max-size': '1Mi', 'container-log-max-files': '3', 'image-gc-high-threshold': '50', 'image-gc-low-threshold': '40', 'minimum-image-ttl-duration': '1s', 'eviction-pressure-transition-period': '5s', 'eviction-hard': 'nodefs.available<10%,imagefs.available<10%' };
  await cluster.start(...Object.entries(settings).flatMap(([name, value]) => ['--kubelet-arg', `${name}=${value}`]));
});

await t.test('processes without end: the pod gets no more than its limit, and an event', async (t) => {
  // Bounded, so that a limit that does not hold harms nobody.
  run('bomb', '(for i in $(seq 300); do sleep 100000 & done); sleep 100000');
  run('beside', 'sleep 100000');
  t.ok(await told('bomb', /PidsLimitReached: The pod has reached its limit of 40 processes: it was refused more/));
  const processes = Number(host.run('sh', '-c', 'pgrep -fcx "sleep 100000"'));
  t.ok(processes <= 42, `${String(processes)} processes`);
  await running('beside');
  t.equal(kubectl('exec', 'beside', '--', 'sh', '-c', 'echo fine').trim(), 'fine', 'others have processes');
  kubectl('delete', 'pod', 'bomb', 'beside', '--wait=true');
});

await t.test('a log without end is rotated, and the server answers meanwhile', async (t) => {
  run('flood', 'yes "a line of a log that nobody will ever read, written as fast as it goes" | head -c 300000000; sleep 100000');
  await running('flood');
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

await t.test('a flood without a line\'s end is rotated as well', async (t) => {
  run('stream', 'dd if=/dev/zero bs=1M count=60 2>/dev/null | tr "\\0" x; sleep 100000');
  const [folder, bytes] = ['/var/log/pods/default_stream_*/main', (): number => Number(host.run('sh', '-c', 'cat /var/log/pods/default_stream_*/main/* 2>/dev/null | wc -c'))];
  await until(() => Number(host.run('sh', '-c', `ls ${folder} 2>/dev/null | grep -vc tmp || true`)) > 1, 'the log to be rotated');
  await until(() => bytes() < 4 * MEGABYTE, 'its files to be few and small');
  t.ok(await told('stream', /ContainerLogCut: The log grew to \d+ bytes before it could be rotated: only its last 1Mi are kept/));
  kubectl('delete', 'pod', 'stream');
});

const one = (name: string, command: string, container: object = {}, spec: object = {}): void => run(name, '', { containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', command], ...container }], ...spec });

await t.test('arguments and environments that no process can have fail the start, and say why', async (t) => {
  one('words', 'true', { args: Array.from({ length: 20 }, () => 'a'.repeat(60_000)).concat('b'.repeat(140_000)) });
  await until(() => field('pod words', '.status.phase') === 'Failed', 'its end');
  t.match(`${tryKubectl(['logs', 'words']).stdout}${field('pod words', '.status.containerStatuses[0].state.terminated.message')}`, /argument list too long/);
  one('many', 'env | grep -c ^V', { env: Array.from({ length: 5000 }, (_, at) => ({ name: `V${String(at)}`, value: 'x'.repeat(100) })) });
  await until(() => field('pod many', '.status.phase') === 'Succeeded', 'one with many small ones to run');
  t.equal(kubectl('logs', 'many').trim(), '5000');
  kubectl('delete', 'pod', 'words', 'many');
});

await t.test('termination messages are cut: 4096 bytes of a file, 2048 of a log', async (t) => {
  one('message', 'head -c 3000000 /dev/zero | tr "\\0" m > /dev/termination-log; exit 3');
  one('fallback', 'for i in $(seq 500); do echo "line $i of the log"; done; exit 3', { terminationMessagePolicy: 'FallbackToLogsOnError' });
  one('link', 'rm /dev/termination-log 2>/dev/null; ln -sf /etc/passwd /dev/termination-log 2>/dev/null; exit 3');
  const message = (name: string): string => field(`pod ${name}`, '.status.containerStatuses[0].state.terminated.message');
  for (const name of ['message', 'fallback', 'link']) await until(() => field(`pod ${name}`, '.status.phase') === 'Failed', `the end of ${name}`);
  t.equal(message('message'), 'm'.repeat(4096));
  t.ok(message('fallback').length <= 2048 && message('fallback').endsWith('line 500 of the log\n'), `${String(message('fallback').length)} bytes of the log's end`);
  t.equal(message('link'), '', 'a link is not followed to the host');
  kubectl('delete', 'pod', 'message', 'fallback', 'link');
});

await t.test('an image whose folders are links to elsewhere: mounts stay in the container', async (t) => {
  const before = host.run('sh', '-c', 'cat /proc/self/mountinfo | grep -vE "/(run|var/lib)/(skiff|kubelet)" | wc -l; ls -la /etc | md5sum');
  const volumes = [{ name: 'v', emptyDir: {} }];
  one('links', 'touch /data/x /up/y && cat /etc/hosts | grep -c links; ls -d /etc/skiff /victim 2>/dev/null; echo done', { image: 'links:1', volumeMounts: [{ name: 'v', mountPath: '/data' }, { name: 'v', mountPath: '/up' }, { name: 'v', mountPath: '/loop/deep' }] }, { volumes });
  await until(() => ['Succeeded', 'Failed'].includes(field('pod links', '.status.phase')), 'it to end');
  t.match(`${tryKubectl(['logs', 'links']).stdout}${events('links')}`, /1\ndone|Failed/, 'it runs in its own root, or is refused');
  t.equal(host.run('sh', '-c', 'cat /proc/self/mountinfo | grep -vE "/(run|var/lib)/(skiff|kubelet)" | wc -l; ls -la /etc | md5sum'), before, 'the host has what it had');
  kubectl('delete', 'pod', 'links');
  one('workdir', 'pwd', { image: 'workdir:1' });
  await until(() => ['Succeeded', 'Failed'].includes(field('pod workdir', '.status.phase')), 'it to end');
  t.match([field('pod workdir', '.status.phase'), field('pod workdir', '.status.containerStatuses[0].state.terminated.message')], ['Failed', /\/proc\/self\/fd\/8|breakout|outside of container/], 'it is refused');
  t.notMatch(tryKubectl(['logs', 'workdir']).stdout, /skiff|\/proc/, 'a working directory behind an open file of the runtime is none');
  kubectl('delete', 'pod', 'workdir');
});

await t.test('a subPath that is a link to the host is refused, with an event', async (t) => {
  const mount = { name: 'v', mountPath: '/v' };
  one('subpath', 'ls /host', { volumeMounts: [{ name: 'v', mountPath: '/host', subPath: 'out' }] }, { volumes: [{ name: 'v', emptyDir: {} }], initContainers: [{ name: 'first', image: 'busybox:1', command: ['ln', '-s', '/', '/v/out'], volumeMounts: [mount] }] });
  t.ok(await told('subpath', /Failed: Error: failed to prepare subPath for volumeMount "v" of container "main"/));
  await until(() => field('pod subpath', '.status.containerStatuses[0].state.waiting.reason') === 'CreateContainerConfigError', 'the status to say so too');
  kubectl('delete', 'pod', 'subpath');
});

await t.test('a volume at /dev whose null is a link: what is masked stays masked, or the container does not start', async (t) => {
  const before = host.run('cat', '/proc/sys/kernel/core_pattern');
  const masks = 'cat /proc/timer_list 2>/dev/null | wc -c; echo evil > /proc/timer_list; cat /proc/sys/kernel/core_pattern; echo ended; sleep 0.1';
  for (const [name, target] of [['null-pattern', '/proc/sys/kernel/core_pattern'], ['null-nowhere', '/nowhere'], ['null-up', '../../../../proc/sysrq-trigger']] as const) {
    one(name, masks, { volumeMounts: [{ name: 'v', mountPath: '/dev' }] }, { volumes: [{ name: 'v', emptyDir: {} }], initContainers: [{ name: 'first', image: 'busybox:1', command: ['ln', '-s', target, '/v/null'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] });
    await until(() => ['Succeeded', 'Failed'].includes(field(`pod ${name}`, '.status.phase')), `${name} to end`);
    const said = tryKubectl(['logs', name, '-c', 'main']).stdout;
    if (said === '') t.ok(await told(name, /Failed: Error: .*(inside \/proc|StartError|unable to start)/), `${name}: refused`);
    else t.match(said, /^0\n/, `${name}: masked`);
  }
  t.equal(host.run('cat', '/proc/sys/kernel/core_pattern'), before);
  kubectl('delete', 'pod', 'null-pattern', 'null-nowhere', 'null-up');
});

await t.test('an env file that is a pipe keeps nobody waiting', async (t) => {
  one('pipe', 'true', { env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars', key: 'A' } } }] }, { volumes: [{ name: 'v', emptyDir: {} }], initContainers: [{ name: 'first', image: 'busybox:1', command: ['mkfifo', '/v/vars'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] });
  await told('pipe', /couldn't parse env file/);
  t.equal(kubectl('get', '--raw', '/readyz'), 'ok');
  kubectl('delete', 'pod', 'pipe', '--force');
});

await t.test('a container that no signal ends (frozen): the pod stays and is told of, others go on, and it goes when it can', async (t) => {
  run('frozen', 'sleep 100000');
  await running('frozen');
  const id = field('pod frozen', '.status.containerStatuses[0].containerID').split('//')[1] ?? '';
  const freeze = (state: 'FROZEN' | 'THAWED'): void => void host.run('sh', '-c', `d=$(find /sys/fs/cgroup -type d -name '*${id}*' | grep -E 'freezer|^/sys/fs/cgroup/kubepods' | head -n 1); if [ -e $d/freezer.state ]; then echo ${state} > $d/freezer.state; else echo ${state === 'FROZEN' ? '1' : '0'} > $d/cgroup.freeze; fi`);
  freeze('FROZEN');
  kubectl('delete', 'pod', 'frozen', '--wait=false');
  one('meanwhile', 'true');
  await until(() => field('pod meanwhile', '.status.phase') === 'Succeeded', 'another pod');
  // It may be ended by force even so; if not, it is there, and goes afterwards.
  freeze('THAWED');
  await until(() => !kubectl('get', 'pods').includes('frozen'), 'it to go');
  await until(() => host.run('sh', '-c', `find /sys/fs/cgroup -type d -name '*${id}*'`) === '', 'nothing of it to be left');
  t.equal(field('pod meanwhile', '.status.phase'), 'Succeeded', 'others went on');
  kubectl('delete', 'pod', 'meanwhile');
});

await t.test('folders without end: the node still looks after itself, and they go with the pod', async () => {
  one('deep', 'cd /v && i=0; while [ $i -lt 4000 ]; do mkdir dddddddd && cd ./dddddddd || break; i=$((i+1)); done; cd /tmp; i=0; while [ $i -lt 4000 ]; do mkdir dddddddd && cd ./dddddddd || break; i=$((i+1)); done; echo made; sleep 100000', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', emptyDir: {} }] });
  await until(() => tryKubectl(['logs', 'deep']).stdout.includes('made'), 'the folders');
  const uid = field('pod deep', '.metadata.uid');
  kubectl('delete', 'pod', 'deep');
  await until(() => host.run('sh', '-c', `ls -d /var/lib/kubelet/pods/${uid} 2>/dev/null || true`) === '', 'its folders to go');
});

await t.test('pods that outgrow what they may have on disk are evicted, in upstream\'s words', async (t) => {
  const write = (path: string): string => `dd if=/dev/zero of=${path} bs=1M count=20 2>/dev/null; sleep 100000`;
  const limits = { resources: { limits: { 'ephemeral-storage': '10Mi' } } };
  one('empty', write('/v/file'), { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', emptyDir: { sizeLimit: '10Mi' } }] });
  one('layer', write('/file'), limits);
  run('pair', '', { containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', write('/file')] }, { name: 'other', image: 'busybox:1', command: ['sleep', '100000'], ...limits }] });
  one('tmpfs', 'exec 2>&1; dd if=/dev/zero of=/v/file bs=1M count=20; echo "ended with $?"', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '10Mi' } }] });
  const words: Record<string, string> = {
    empty: 'Usage of EmptyDir volume "v" exceeds the limit "10Mi". ', layer: 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ', pair: 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ',
  };
  for (const [name, message] of Object.entries(words)) {
    await until(() => field(`pod ${name}`, '.status.reason') === 'Evicted', `${name} to be evicted`, 150_000);
    t.equal(field(`pod ${name}`, '.status.message'), message);
    t.ok(await told(name, new RegExp(`Evicted: ${message}`)), `${name}: an event says so`);
  }
  await until(() => field('pod tmpfs', '.status.phase') === 'Succeeded', 'the last to end');
  t.match(kubectl('logs', 'tmpfs'), /No space left on device[^]*ended with 1/, 'memory is limited by its file system');
  kubectl('delete', 'pod', ...Object.keys(words), 'tmpfs');
});

await t.test('when the disk fills, images that nobody uses go', async (t) => {
  run('bulky', 'true', { containers: [{ name: 'main', image: 'bulky:1' }] });
  const images = (): string => field('node n1', '.status.images[*].names');
  await until(() => images().includes('bulky'), 'the image to be there');
  run('user', 'sleep 100000');
  await running('user');
  kubectl('delete', 'pod', 'bulky', '--wait=true');
  host.run('sh', '-c', 'dd if=/dev/zero of=/var/lib/skiff/filler bs=1M count=240 2>/dev/null');
  await until(() => !images().includes('bulky'), 'the unused image to go', 90_000);
  t.match(images(), /busybox/, 'one in use stays');
});

await t.test('a pod that fills the disk is evicted, and others stay', async (t) => {
  run('hog', '', { containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'dd if=/dev/zero of=/full/file bs=1M count=480; sleep 100000'], volumeMounts: [{ name: 'full', mountPath: '/full' }] }], volumes: [{ name: 'full', emptyDir: {} }] });
  await until(() => field('pod hog', '.status.reason') === 'Evicted', 'the eviction', 90_000);
  t.match(field('pod hog', '.status.message'), /The node was low on resource: ephemeral-storage/);
  t.ok(await told('hog', /Evicted: The node was low on resource/));
  t.equal(field('pod user', '.status.phase'), 'Running');
  kubectl('delete', 'pod', 'hog'); // its volumes go with it
  await until(() => field('node n1', '{.status.conditions[?(@.type=="DiskPressure")].status}') === 'False', 'the pressure to pass', 90_000);
  run('after', 'exit 0');
  await until(() => field('pod after', '.status.phase') === 'Succeeded', 'a pod afterwards');
});
