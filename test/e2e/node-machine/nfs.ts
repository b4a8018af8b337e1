// NFS for real: the machine exports folders of its own by its kernel's server, and pods mount them. Shared, read only, by a claim with options, parts of
// it; what is told where it cannot be mounted; over restarts of Skiff; and a server that falls silent, which must hold up nobody but those who use it.
import type { Test } from 'tap';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { containerCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';
import { bringPackages } from './packages.ts';

/** With what they stand on. */
const PACKAGES = ['nfs-common', 'nfs-kernel-server', 'rpcbind', 'keyutils', 'libnfsidmap1', 'libevent-core-2.1-7', 'libsqlite3-0', 'libxml2', 'libicu72'];
const PODS = '/var/lib/kubelet/pods';

export async function nfs(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  await serve(node);
  try {
    await t.test('inline', (t) => inline(t, node));
    await t.test('claims', (t) => claims(t, node));
    await t.test('what cannot be mounted', (t) => refused(t, node));
    await t.test('a server that is away', { timeout: 0 }, (t) => away(t, node, driver));
  } finally {
    await answer(node);
    await node.gone('reads', 'writes', 'only', 'first', 'second', 'nowhere', 'bound', 'stuck', 'keeps', 'other');
    await node.kubectl('delete', 'pvc,pv', '--ignore-not-found', '--all');
  }
  t.equal(await mounts(node), '', 'nothing is mounted any more');
}

/** Versions 3 and 4, in one go again when it is already there. */
async function serve(node: MachineNode): Promise<void> {
  await bringPackages(node, PACKAGES);
  await node.machine.write('/etc/exports', '/srv/nfs *(rw,sync,no_root_squash,no_subtree_check)\n/srv/squashed *(rw,sync,root_squash,no_subtree_check)\n');
  await node.machine.sh([
    'mkdir -p /srv/nfs /srv/squashed /run/rpcbind /var/lib/nfs/sm /var/lib/nfs/sm.bak /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs',
    'rm -rf /srv/nfs/* /srv/squashed/*; echo from-server >/srv/nfs/greeting; chmod 777 /srv/nfs; echo of-root >/srv/squashed/file; chmod 755 /srv/squashed',
    'touch /var/lib/nfs/etab /var/lib/nfs/rmtab',
    'getent passwd _rpc >/dev/null || useradd --system --home-dir /run/rpcbind --shell /usr/sbin/nologin _rpc',
    'modprobe nfsd; mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd',
    'pgrep -x rpcbind >/dev/null || rpcbind </dev/null >/dev/null 2>&1',
    'exportfs -ra',
    'pgrep -x rpc.mountd >/dev/null || rpc.mountd </dev/null >/dev/null 2>&1',
    '[ "$(cat /proc/fs/nfsd/threads)" -gt 0 ] || rpc.nfsd -G 10 -L 10 4',
  ].join('\n'));
}

/** Packets to the server are lost. */
const fallSilent = (node: MachineNode): Promise<string> => node.machine.sh('iptables -I INPUT -p tcp --dport 2049 -j DROP');
const answer = (node: MachineNode): Promise<string> => node.machine.sh('while iptables -D INPUT -p tcp --dport 2049 -j DROP 2>/dev/null; do :; done');
const mounts = (node: MachineNode): Promise<string> => node.machine.sh("awk '$3 ~ /^nfs/ && $3 != \"nfsd\" {print $2, $3, $4}' /proc/mounts");
const within = async (node: MachineNode, pod: string, line: string): Promise<string> => (await node.tryKubectl('exec', pod, '--', 'sh', '-c', line)).trim();
const uidOf = ({ metadata }: Pod | undefined = {} as Pod): string => metadata.uid;

const SHARED = { accessModes: ['ReadWriteMany'], storageClassName: '' };

/** A volume and its claim. */
function volume(node: MachineNode, name: string, spec: object, annotations: object = {}): object[] {
  return [
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name, annotations }, spec: { ...SHARED, capacity: { storage: '1Gi' }, nfs: { server: node.machine.address, path: '/srv/nfs' }, ...spec } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { ...SHARED, volumeName: name, resources: { requests: { storage: '1Gi' } } } },
  ];
}

function user(name: string, source: object, mount: object = {}, spec: object = {}): object {
  return sleeper(name, { ...spec, volumes: [{ name: 'v', ...source }], containers: [{ volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] }] });
}

async function inline(t: Test, node: MachineNode): Promise<void> {
  const share = { nfs: { server: node.machine.address, path: '/srv/nfs' } };
  await node.apply(user('reads', share), user('writes', share, { subPath: 'made/here' }, { securityContext: { fsGroup: 4321 } }), user('only', { nfs: { ...share.nfs, path: '/srv/squashed', readOnly: true } }));
  const [reads, writes, only] = await node.running('reads', 'writes', 'only');
  t.equal(await within(node, 'reads', 'cat /v/greeting'), 'from-server');
  t.equal(await within(node, 'writes', 'echo written >/v/file && cat /v/file'), 'written');
  t.equal(await node.machine.sh('cat /srv/nfs/made/here/file'), 'written', 'below the part that was made');
  t.equal(await within(node, 'reads', 'cat /v/made/here/file'), 'written', 'the other pod has it too');
  t.equal(await node.machine.sh('stat -c %g /srv/nfs /srv/nfs/greeting /srv/nfs/made/here | sort -u'), '0', 'the group of the files is the server\'s business');
  t.equal(await within(node, 'only', 'cat /v/file'), 'of-root');
  t.match(await within(node, 'only', 'echo x >/v/y'), /Read-only file system/);
  const all = await mounts(node);
  for (const pod of [reads, writes]) t.match(all, new RegExp(`^${PODS}/${uidOf(pod)}/volumes/kubernetes\\.io~nfs/v nfs4 rw,`, 'm'));
  t.match(all, new RegExp(`^${PODS}/${uidOf(only)}/volumes/kubernetes\\.io~nfs/v nfs4 ro,`, 'm'));
  await node.gone('writes', 'only');
  const left = await mounts(node);
  for (const pod of [writes, only]) t.notMatch(left, uidOf(pod), 'unmounted with its pod');
  t.equal(await node.machine.sh(`ls -d ${PODS}/${uidOf(writes)} ${PODS}/${uidOf(only)} 2>/dev/null; true`), '', 'and its folder is gone');
  t.match(left, uidOf(reads), 'the other\'s stays');
  t.equal(await node.machine.sh('cat /srv/nfs/made/here/file'), 'written', 'and so does what was written');
  await node.machine.sh('systemctl restart skiff', 600);
  await node.running('reads');
  t.equal(await within(node, 'reads', 'cat /v/greeting'), 'from-server', 'over a restart of Skiff');
  t.equal((await mounts(node)).split('\n').filter((line) => line.includes(uidOf(reads))).length, 1, 'which mounts nothing twice');
  await node.machine.sh('systemctl stop skiff', 600);
  await node.machine.sh('systemctl start skiff', 600);
  await node.gone('reads');
  t.notMatch(await mounts(node), uidOf(reads), 'what an earlier life has mounted is unmounted');
}

async function claims(t: Test, node: MachineNode): Promise<void> {
  await node.apply(...volume(node, 'share', { mountOptions: ['nolock', 'nfsvers=3', 'nolock'] }, { 'pv.beta.kubernetes.io/gid': '7777' }));
  const claim = { persistentVolumeClaim: { claimName: 'share' } };
  await node.apply(user('first', claim), user('second', { persistentVolumeClaim: { claimName: 'share', readOnly: true } }, { subPathExpr: '$(NAME)' }));
  await node.until('the claim to be told missing its variable', async () => (await node.events('second')).some((event) => event.startsWith('Failed: ')));
  await node.gone('second');
  await node.apply(user('second', { persistentVolumeClaim: { claimName: 'share', readOnly: true } }));
  const [first, second] = await node.running('first', 'second');
  t.match(await within(node, 'first', 'echo shared >/v/claimed && id -G'), /\b7777\b/, 'the group of the volume');
  t.equal(await within(node, 'second', 'cat /v/claimed'), 'shared');
  t.match(await within(node, 'second', 'echo x >/v/y'), /Read-only file system/);
  const all = await mounts(node);
  t.match(all, new RegExp(`^${PODS}/${uidOf(first)}/volumes/kubernetes\\.io~nfs/share nfs rw,.*vers=3,.*nolock`, 'm'), 'options as the volume has them');
  t.match(all, new RegExp(`^${PODS}/${uidOf(second)}/volumes/kubernetes\\.io~nfs/share nfs ro,.*vers=3`, 'm'));
  const told = await summary(node, 'first');
  t.match(told, { name: 'v', pvcRef: { name: 'share', namespace: 'default' } }, 'how full it is');
  t.ok((told?.capacityBytes ?? 0) > 2 ** 30 && (told?.inodes ?? 0) > 1000, JSON.stringify(told));
  await node.gone('first', 'second');
  t.equal(await mounts(node), '');
}

interface VolumeStats {
  name: string;
  capacityBytes?: number;
  inodes?: number;
}

async function summary(node: MachineNode, name: string): Promise<VolumeStats | undefined> {
  const host = (await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const { pods } = JSON.parse(await node.kubectl('get', '--raw', `/api/v1/nodes/${host}/proxy/stats/summary`)) as { pods: { podRef: { name: string }; volume?: VolumeStats[] }[] };
  return pods.find(({ podRef }) => podRef.name === name)?.volume?.find((volume) => volume.name === 'v');
}

async function refused(t: Test, node: MachineNode): Promise<void> {
  await node.apply(user('nowhere', { nfs: { server: node.machine.address, path: '/srv/nowhere' } }));
  const folder = `${PODS}/${uidOf(await node.pod('nowhere'))}/volumes/kubernetes.io~nfs/v`;
  const event = await node.until('it to be told', async () => (await node.events('nowhere')).find((one) => one.startsWith('FailedMount: ') && one.includes(folder)));
  const target = `${node.machine.address}:/srv/nowhere`;
  const [words = '', output = ''] = event.split('\nOutput: ');
  t.equal(words, `FailedMount: MountVolume.SetUp failed for volume "v" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs ${target} ${folder}`);
  t.match(output, new RegExp(`mount\\.nfs: (access denied by server while mounting ${target}|mounting ${target} failed, reason given by server: No such file or directory)\n$`), 'by the older version\'s word, which it tries last');
  t.equal((await node.pod('nowhere')).status?.phase, 'Pending');
  await node.gone('nowhere');
  t.equal(await node.machine.sh(`ls -d ${folder} 2>/dev/null; true`), '');
  const self = (await node.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  await node.apply(...volume(node, 'elsewhere', { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: [self] }] }] } } }));
  await node.apply(user('bound', { persistentVolumeClaim: { claimName: 'elsewhere' } }, {}, { nodeName: self }));
  await node.until('another node to be named', async () => (await node.events('bound')).some((one) => one === 'FailedMount: MountVolume.NodeAffinity check failed for volume "elsewhere" : no matching NodeSelectorTerms'));
  await node.gone('bound');
}

async function away(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const share = { nfs: { server: node.machine.address, path: '/srv/nfs' } };
  await node.apply(user('keeps', share, { subPath: 'part' }), user('writes', share, { subPath: 'other/part' }), sleeper('stuck', {
    volumes: [{ name: 'v', ...share }],
    containers: [{ command: ['sh', '-c', 'exec 3>/v/stuck; while :; do dd if=/dev/zero bs=64k count=1 >&3 2>/dev/null; sleep 0.2; done'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
  }));
  const [keeps, writes, stuck] = await node.running('keeps', 'writes', 'stuck');
  await node.until('it to write', async () => Number(await node.machine.sh('stat -c %s /srv/nfs/stuck')) > 0);
  await fallSilent(node);
  await node.kubectl('delete', 'pod', 'stuck', '--grace-period=1', '--wait=false');
  if (keeps !== undefined) await node.machine.sh(`kill -9 $(cat /sys/fs/cgroup/${containerCgroup(driver, keeps, 'c0')}/cgroup.procs)`);
  await node.apply(sleeper('other'), user('reads', share));
  await node.running('other');
  t.pass('pods without such a volume come and go');
  const quick = async (): Promise<number> => {
    const beganMs = Date.now();
    await node.kubectl('get', '--raw', '/readyz', '--request-timeout=20s');
    return Date.now() - beganMs;
  };
  t.ok((await quick()) < 20_000, 'the API answers');
  await node.until('the container that ended to wait for it', async () => (await node.events('keeps')).some((event) => event.includes('has not answered within')));
  t.equal(await summary(node, 'keeps'), undefined, 'statistics come without what is not known');
  await node.kubectl('exec', 'writes', '--', 'sh', '-c', '(dd if=/dev/zero of=/v/big bs=4k count=64 >/dev/null 2>&1 &)');
  await node.gone('reads');
  t.pass('a pod goes that was still waiting for it');
  await node.gone('writes');
  t.notMatch(await mounts(node), uidOf(writes), 'a pod goes that has written what is not there yet');
  t.notMatch(await node.kubectl('get', 'nodes'), /NotReady/);
  await node.machine.sh('systemctl restart skiff', 600);
  await node.until('the API', async () => / Ready/.test(await node.kubectl('get', 'nodes')));
  t.pass('and Skiff starts beside what hangs');
  await answer(node);
  await node.running('keeps');
  t.equal(await within(node, 'keeps', 'echo back >/v/file && cat /v/file'), 'back', 'who was left goes on');
  t.equal(await node.machine.sh('cat /srv/nfs/part/file'), 'back');
  await node.until('who could not end to be gone', async () => (await node.tryKubectl('get', 'pod', 'stuck')).includes('NotFound'));
  t.notMatch(await mounts(node), uidOf(stuck), 'with what it had mounted');
  await node.gone('keeps', 'other');
}
