// Skiff comes onto a machine and leaves it: stop, stop --pods, uninstall, each against listings of the machine taken before the install.
import t from 'tap';
import { BIN, createInstalledHost, createSuppliedLab, sameListing } from '../support/installed-host.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const lab = await createSuppliedLab(t, { prefix: 'u', net: '10.97.8' });
const { skiff, shell, kubectl, listing, ...server } = createInstalledHost(lab, 'n1');
const install = (): void => server.install(['server']);
const running = (): string[] => kubectl(['get', 'pods', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].state.running.startedAt}{"\\n"}{end}']).split('\n').filter((line) => /\dZ$/.test(line));
const pod = (name: string, spec: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 10, ...spec } });
const tells = (word: string): string => `echo ${word} >> /data/ends`;

const before = listing();
install();

await t.test('pods of every kind run', async (t) => {
  const volumes = [{ name: 'data', hostPath: { path: '/var/lib/user-data/kept', type: 'DirectoryOrCreate' } }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'disk', emptyDir: {} }];
  const data = { name: 'data', mountPath: '/data' };
  kubectl(['apply', '-f', '-'], [
    pod('web', { containers: [{ name: 'c', image: 'web:1', ports: [{ containerPort: 80, hostPort: 8088 }], volumeMounts: [{ name: 'memory', mountPath: '/memory' }, { name: 'disk', mountPath: '/sub', subPath: 'a/b' }] }], volumes }),
    pod('polite', { shareProcessNamespace: true, volumes, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', `trap '${tells('polite')}; exit 0' TERM; while :; do sleep 0.1; done`], volumeMounts: [data], lifecycle: { preStop: { exec: { command: ['sh', '-c', tells('hook')] } } } }] }),
    pod('critical', { priorityClassName: 'system-node-critical', volumes, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', `trap '${tells('critical')}; exit 0' TERM; while :; do sleep 0.1; done`], volumeMounts: [data] }] }),
    JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30080 }] } }),
  ].join('\n---\n'));
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  t.equal(running().length, 3);
});

await t.test('stop: the server ends, containers go on', async (t) => {
  const began = running();
  const { code, text } = skiff('stop');
  t.equal(code, 0, text);
  t.match(text, /stopped skiff server \(process \d+\)\n3 pods go on; skiff stop --pods ends them/);
  t.equal(shell('curl -sS --max-time 5 http://127.0.0.1:8088/').trim(), 'web');
  t.match(skiff('stop').text, /skiff does not run/);
  install();
  await until(() => running().length === 3, 'the pods to be shown');
  t.strictSame(running(), began);
});

await t.test('stop --pods: each ends with its hook and its signal, the critical one last; the network goes, volumes stay', async (t) => {
  const { code, text } = skiff('stop', '--pods');
  t.equal(code, 0, text);
  for (const name of ['web', 'polite', 'critical']) t.match(text, `stopped pod default/${name}`);
  const ends = shell('cat /var/lib/user-data/kept/ends').trim().split('\n');
  t.strictSame(ends, ['hook', 'polite', 'critical']);
  sameListing(t, listing(), before, ['mounts', 'links', 'routes', 'rules', 'cgroups', 'sysctls', 'processes']);
});

await t.test('started again, the pods are back', async () => {
  install();
  await until(() => running().length === 3, 'the pods to run again', 60_000);
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  await until(() => shell('curl -s --max-time 5 http://127.0.0.1:30080/ || true').trim() === 'web', 'the service to answer');
});

let foretold: string[] = [];
await t.test('uninstall --dry-run says what would go, and touches nothing', async (t) => {
  const untouched = listing();
  const { code, text } = skiff('uninstall', '--dry-run');
  t.equal(code, 0, text);
  foretold = text.split('\n').filter((line) => line.startsWith('would remove ')).map((line) => line.slice('would remove '.length));
  for (const line of ['pod default/web', 'link skiff-dns', 'mount /var/lib/kubelet/memory', 'chain iptables nat SKIFF-SERVICES', 'file /etc/skiff/skiff.yaml', `file ${BIN}/skiff`, 'tree /var/lib/skiff/server', 'sysctl net/ipv4/conf/all/route_localnet back to 0']) t.ok(foretold.includes(line), `foretells: ${line}`);
  t.match(text, /would keep \/var\/lib\/user-data\/kept \(data of volumes: --purge takes it too\)/);
  sameListing(t, listing(), untouched, ['files', 'mounts', 'links', 'routes', 'rules', 'cgroups', 'sysctls']);
});

await t.test('cut off in the middle, and run again, it leaves nothing but the data of volumes', async (t) => {
  shell(`${BIN}/skiff uninstall >/run/first 2>&1 & sleep 0.1; for i in $(seq 600); do grep -q 'removed mount' /run/first && break; sleep 0.02; done; kill -9 $!; rm -f /run/first`);
  const { code, text } = skiff('uninstall');
  t.equal(code, 0, text);
  const removed = text.split('\n').filter((line) => line.startsWith('removed ')).map((line) => line.slice('removed '.length));
  t.strictSame(removed.filter((line) => !line.startsWith('process ') && !foretold.includes(line)), [], 'nothing that was not foretold');
  const now = listing();
  const isVolume = (line: string): boolean => line.startsWith('/var/lib/user-data');
  t.equal(now.files.filter(isVolume).length, 3, 'the data of the volume');
  sameListing(t, { ...now, files: now.files.filter((line) => !isVolume(line)) }, before);
});

await t.test('a data folder behind a link, on a disk with other things, with a disk in it: all that is not ours stays', async (t) => {
  shell(`rm -rf /var/lib/user-data; mkdir -p /var/lib/disk; mount -t tmpfs disk /var/lib/disk; mkdir -p /var/lib/disk/data/storage /var/lib/disk/own /var/lib/user-disk/sub; echo mine | tee /var/lib/disk/data/mine /var/lib/user-disk/precious /var/lib/user-disk/sub/precious
    ln -s disk/data /var/lib/linked; mount --bind /var/lib/user-disk /var/lib/disk/data/storage; mkdir -p /var/lib/disk/data/agent/mounted; mount --bind /var/lib/disk/own /var/lib/disk/data/agent/mounted; echo mine > /var/lib/disk/own/precious`);
  const untouched = listing();
  server.install(['server', '--data-dir', '/var/lib/linked']);
  const volumes = [{ name: 'data', hostPath: { path: '/var/lib/user-disk' } }];
  kubectl(['apply', '-f', '-'], pod('sub', { volumes, containers: [{ name: 'c', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'sub' }] }] }));
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  shell('kill -9 $(cat /run/skiff.pid)');
  const { code, text } = skiff('uninstall', '--purge');
  t.equal(code, 0, text);
  t.match(text, /removed pod default\/sub/, 'the data folder was found by what ran there');
  t.match(text, /kept tree \/var\/lib\/linked\/agent \(something is mounted there\)/);
  sameListing(t, listing(), untouched);
  t.equal(shell('cat /var/lib/disk/data/mine /var/lib/user-disk/precious /var/lib/user-disk/sub/precious /var/lib/disk/own/precious'), 'mine\n'.repeat(4));
  shell('umount /var/lib/disk/data/agent/mounted /var/lib/disk/data/storage /var/lib/disk; rm -rf /var/lib/disk /var/lib/user-disk /var/lib/linked');
});

await t.test('installed anew, uninstall --purge takes the volumes too', async (t) => {
  shell('rm -rf /var/lib/user-data');
  install();
  kubectl(['apply', '-f', '-'], pod('data', { containers: [{ name: 'c', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', hostPath: { path: '/var/lib/user-data', type: 'DirectoryOrCreate' } }] }));
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  const { code, text } = skiff('uninstall', '--purge');
  t.equal(code, 0, text);
  sameListing(t, listing(), before);
});
