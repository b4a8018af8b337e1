// Security contexts on a real node: users of a pod's own with every kind of volume and every way in; seccomp files; sysctls; who a container runs as; what is
// refused, and in which words.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const cluster = await createSuppliedCluster('q', '10.97.71');
t.teardown(() => cluster.remove());
const { kubectl, host, tryKubectl, field, apply, events, told } = cluster;

const inside = (pod: string, command: string, ...flags: string[]): string => kubectl('exec', pod, ...flags, '--', 'sh', '-c', command);
const phaseIs = (name: string, phase: string): Promise<true> => until(() => field(`pod ${name}`, '.status.phase') === phase, () => `${name} to be ${phase}: ${events(name)}`);

function pod(name: string, { container = {}, ...spec }: { container?: object; [field: string]: unknown } = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '100000'], ...container }], ...spec } };
}

await t.test('a node with settings of its own', async (t) => {
  await cluster.start('--kubelet-arg', 'seccomp-default=true', '--kubelet-arg', 'allowed-unsafe-sysctls=kernel.msg*', '--kubelet-arg', 'userNamespaces.idsPerPod=131072');
  t.match(field('node n1', '.status.runtimeHandlers'), '"userNamespaces":true');
  const conf = JSON.parse(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/configz')) as { kubeletconfig: Record<string, unknown> };
  t.match(conf.kubeletconfig, { seccompDefault: true, allowedUnsafeSysctls: ['kernel.msg*'], userNamespaces: { idsPerPod: 131072 } });
});

const PLACES = ['empty', 'memory', 'config', 'secret', 'fields', 'all', 'host', 'claim', 'image', 'part'];

await t.test('users of its own: every kind of volume is root\'s inside', async (t) => {
  host.run('sh', '-c', 'mkdir -p /var/lib/given && mount -t tmpfs given /var/lib/given && echo host > /var/lib/given/file && chmod 600 /var/lib/given/file');
  const meta = (name: string): object => ({ name, namespace: 'default' });
  apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('words'), data: { file: 'word' } }, { apiVersion: 'v1', kind: 'Secret', metadata: meta('words'), stringData: { file: 'secret' } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta('disk'), spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } },
    pod('own', {
      hostUsers: false, restartPolicy: 'Always', securityContext: { fsGroup: 2000 },
      container: {
        ports: [{ containerPort: 80 }], command: ['sh', '-c', 'echo begun; mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www'], resources: { limits: { cpu: '200m', memory: '64Mi' } },
        readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 }, livenessProbe: { exec: { command: ['test', '!', '-e', '/empty/dead'] }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 60 },
        volumeMounts: PLACES.map((name) => ({ name: name === 'part' ? 'empty' : name, mountPath: `/${name}`, ...(name === 'part' && { subPath: 'deep/er' }) })),
      },
      volumes: [
        { name: 'empty', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'config', configMap: { name: 'words' } }, { name: 'secret', secret: { secretName: 'words', defaultMode: 0o400 } },
        { name: 'fields', downwardAPI: { items: [{ path: 'file', fieldRef: { fieldPath: 'metadata.name' } }] } }, { name: 'all', projected: { sources: [{ secret: { name: 'words' } }, { serviceAccountToken: { path: 'token' } }] } },
        { name: 'host', hostPath: { path: '/var/lib/given' } }, { name: 'claim', persistentVolumeClaim: { claimName: 'disk' } }, { name: 'image', image: { reference: 'nonroot:1' } },
      ],
    }),
  );
  await until(() => field('pod own', '{.status.conditions[?(@.type=="Ready")].status}') === 'True', () => `own to be ready: ${events('own')}`);
  t.equal(inside('own', `stat -c %u ${PLACES.map((place) => `/${place}`).join(' ')} /config/file /secret/file /fields/file /all/token /host/file /etc/hosts /etc/hostname /dev/termination-log | sort | uniq -c | tr -s " "`), ' 18 0\n');
  t.equal(inside('own', 'stat -L -c %g /empty /memory /config/file /secret/file /claim | sort -u; stat -c %g /host/file'), '2000\n0\n', 'fsGroup as the pod knows it');
  t.equal(inside('own', 'cat /config/file /secret/file /fields/file /host/file; ls -d /image/home/user'), 'wordsecretownhost\n/image/home/user\n');
  t.equal(inside('own', 'for place in empty memory host claim part; do echo x > /$place/new && echo y; done; touch /config/new /image/new 2>/dev/null || echo closed'), `${'y\n'.repeat(5)}closed\n`);
  t.equal(host.run('stat', '-c', '%u', '/var/lib/given/new').trim(), '0', 'on disk it is root\'s');
  const [, hostId, length] = inside('own', 'cat /proc/self/uid_map').trim().split(/\s+/).map(Number);
  t.equal(length, 131072);
  t.equal(Number(hostId) % 131072, 0);
  t.match(host.run('sh', '-c', 'grep -h ^Uid: $(pgrep -x httpd | sed "s#.*#/proc/&/status#")'), `Uid:\t${String(hostId)}\t`, 'outside it is nobody');
});

await t.test('users of its own: every way in', async (t) => {
  const file = join(cluster.lab.directory, 'copied');
  writeFileSync(file, 'copied');
  kubectl('cp', file, 'own:/empty/copied');
  t.equal(inside('own', 'cat /empty/copied; stat -c %u /empty/copied'), 'copied0\n');
  t.equal(kubectl('logs', 'own'), 'begun\n');
  t.match(spawnSync('script', ['-qc', `${join(import.meta.dirname, '../../build/kubectl')} exec -it own -- tty`, '/dev/null'], { env: { ...process.env, KUBECONFIG: cluster.kubeconfig }, encoding: 'utf8', timeout: 30_000 }).stdout, /\/dev\/pts\/\d/);
  const forward = cluster.spawnKubectl('port-forward', 'own', '18080:80');
  await new Promise((resolve) => forward.stdout?.once('data', resolve));
  t.equal(await (await fetch('http://127.0.0.1:18080/')).text(), 'page\n');
  forward.kill();
  kubectl('debug', 'own', '--image=busybox:1', '--target=main', '--container=helper', '--', 'sleep', '100000');
  await until(() => field('pod own', '.status.ephemeralContainerStatuses[0].state.running') !== '', () => `the helper: ${events('own')}`);
  t.match(inside('own', 'ps; stat -c %u /; cat /proc/self/uid_map', '-c', 'helper'), /httpd -f[^]*\n0\n +0 +\d+ +131072\n/);
  kubectl('patch', 'pod', 'own', '--subresource=resize', '-p', '{"spec":{"containers":[{"name":"main","resources":{"limits":{"memory":"80Mi"},"requests":{"memory":"80Mi"}}}]}}');
  await until(() => field('pod own', '.status.containerStatuses[0].resources.limits.memory') === '80Mi', 'the resize');
  const range = inside('own', 'cat /proc/self/uid_map');
  inside('own', 'touch /empty/dead && sleep 0');
  await until(() => field('pod own', '.status.containerStatuses[0].restartCount') === '1', 'the restart');
  await until(() => tryKubectl(['exec', 'own', '-c', 'main', '--', 'rm', '/empty/dead']).code === 0, 'it to run again');
  await cluster.stop('SIGKILL');
  await cluster.start('--kubelet-arg', 'seccomp-default=true', '--kubelet-arg', 'allowed-unsafe-sysctls=kernel.msg*');
  await until(() => tryKubectl(['exec', 'own', '-c', 'main', '--', 'true']).code === 0, 'it to run still');
  t.equal(inside('own', 'cat /proc/self/uid_map', '-c', 'main'), range, 'the range is kept, whatever new pods get');
  kubectl('delete', 'pod', 'own');
  const left = (): string => host.run('sh', '-c', 'ls /run/skiff/*/roots; grep -c -E " /(run|var/lib)/skiff/.*/(roots|mounts)/" /proc/self/mountinfo || true').trim();
  await until(() => left() === '0', () => `nothing to be left: ${left()}`);
});

await t.test('users of its own: pods apart, one PID namespace, /proc as it is, its own network; what cannot be', async (t) => {
  const unmasked = { securityContext: { procMount: 'Unmasked', capabilities: { add: ['NET_ADMIN'] } } };
  apply(pod('a', { hostUsers: false, shareProcessNamespace: true, container: unmasked, securityContext: { sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '2000 3000' }, { name: 'kernel.shm_rmid_forced', value: '1' }] } }), pod('b', { hostUsers: false }), pod('shared'),
    pod('proc', { hostUsers: false, volumes: [{ name: 'v', hostPath: { path: '/proc' } }], container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] } }));
  for (const name of ['a', 'b', 'shared']) await phaseIs(name, 'Running');
  const maps = ['a', 'b', 'shared'].map((name) => inside(name, 'cat /proc/self/uid_map').trim().split(/\s+/));
  t.not(maps[0]?.[1], maps[1]?.[1]);
  t.equal(maps[0]?.[2], '65536');
  t.equal(maps[2]?.[2], '4294967295');
  t.match(inside('a', 'ps | grep -c pause; grep -c " /proc" /proc/mounts; cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced; ip link set lo mtu 1400 && echo changed; ping -c 1 127.0.0.1 > /dev/null && echo answered'), /^\d\n1\n2000\s3000\n1\nchanged\nanswered\n$/);
  t.ok(Number(inside('shared', 'grep -c " /proc/" /proc/mounts')) > 3, 'others are masked');
  t.ok(await told('proc', /failed to set MOUNT_ATTR_IDMAP on \/proc: invalid argument \(maybe the filesystem used doesn't support idmap mounts on this kernel\?\)/));
  t.match(tryKubectl(['apply', '-f', '-'], JSON.stringify(pod('bad', { hostUsers: false, hostNetwork: true }))).stderr, 'spec.hostNetwork: Forbidden: when `hostUsers` is false');
  t.match(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics'), /kubelet_started_user_namespaced_pods_total 3\n[^]*kubelet_started_user_namespaced_pods_errors_total 1\n/);
  kubectl('delete', 'pod', 'a', 'b', 'shared', 'proc');
});

await t.test('who a container runs as, and what it may', async (t) => {
  host.run('sh', '-c', `mkdir -p /var/lib/kubelet/seccomp/sub && echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' > /var/lib/kubelet/seccomp/sub/no-folders.json`);
  const profile = (localhostProfile: string): object => ({ seccompProfile: { type: 'Localhost', localhostProfile } });
  const size = { accessModes: ['ReadWriteOnce'], storageClassName: 'grouped' };
  apply(
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'grouped', annotations: { 'pv.beta.kubernetes.io/gid': '4000' } }, spec: { ...size, capacity: { storage: '1Mi' }, hostPath: { path: '/var/lib/given' } } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'grouped', namespace: 'default' }, spec: { ...size, resources: { requests: { storage: '1Mi' } } } },
    pod('user', { container: { image: 'nonroot:1', volumeMounts: [{ name: 'v', mountPath: '/v' }], securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }, securityContext: { supplementalGroups: [3000], supplementalGroupsPolicy: 'Strict' }, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'grouped' } }] }),
    pod('filtered', { container: { securityContext: profile('sub/no-folders.json') }, os: { name: 'linux' } }),
    pod('default', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '65536' }, { name: 'net/ipv4/tcp_syncookies', value: '0' }] } }),
    pod('unfiltered', { container: { securityContext: { seccompProfile: { type: 'Unconfined' }, seLinuxOptions: { level: 's0:c1,c2' }, capabilities: { add: ['SYS_TIME', 'NO_SUCH_THING'], drop: ['SYS_TIME', 'CHOWN'] } } } }),
  );
  for (const name of ['user', 'filtered', 'default', 'unfiltered']) await phaseIs(name, 'Running');
  t.equal(inside('user', 'id -u; id -G; touch /x 2>/dev/null || echo closed; grep -E "^(NoNewPrivs|CapBnd)" /proc/self/status'), '1234\n1234 3000 4000\nclosed\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n');
  t.same(JSON.parse(field('pod user', '.status.containerStatuses[0].user')), { linux: { uid: 1234, gid: 1234, supplementalGroups: [1234, 3000, 4000] } });
  t.match(inside('filtered', 'mkdir /x 2>&1 || true'), 'No space left on device');
  t.equal(inside('default', 'grep ^Seccomp: /proc/self/status; cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/tcp_syncookies'), 'Seccomp:\t2\n65536\n0\n');
  t.equal(inside('unfiltered', 'grep -E "^(Seccomp:|CapBnd)" /proc/self/status'), 'CapBnd:\t00000000a80425fa\nSeccomp:\t0\n');
  kubectl('delete', 'pod', 'user', 'filtered', 'default', 'unfiltered');
});

await t.test('what is refused says why', async (t) => {
  t.throws(() => apply(pod('hosts', { hostNetwork: true, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '0' }] } })), /"net.ipv4.tcp_syncookies": may not be specified when 'hostNetwork' is true/);
  apply(
    pod('root', { container: { securityContext: { runAsNonRoot: true } } }), pod('explicit', { container: { securityContext: { runAsNonRoot: true, runAsUser: 0 } } }),
    pod('missing', { container: { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'none.json' } } } }),
    pod('unsafe', { securityContext: { sysctls: [{ name: 'kernel.sem', value: '1' }] } }),
    pod('armour', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }), pod('windows', { nodeName: 'n1', os: { name: 'windows' } }),
    { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'other' }, handler: 'kata' }, pod('elsewhere', { hostUsers: false, runtimeClassName: 'other' }),
  );
  const said: [string, RegExp][] = [
    ['root', /Failed: Error: container has runAsNonRoot and image will run as root \(pod: "root_default\([0-9a-f-]+\)", container: main\)/], ['explicit', /Failed: Error: container's runAsUser breaks non-root policy/],
    ['missing', /Failed: Error: cannot load seccomp profile "\/var\/lib\/kubelet\/seccomp\/none.json": open \/var\/lib\/kubelet\/seccomp\/none.json: no such file or directory/],
    ['unsafe', /SysctlForbidden: forbidden sysctl: "kernel.sem" not allowlisted/],
    ['armour', /AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host/], ['windows', /PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS/],
    ['elsewhere', /FailedCreatePodSandBox: Failed to create pod sandbox: can't set `spec.hostUsers: false`, RuntimeClass handler "kata" does not support user namespaces: the handler "kata" is not known/],
  ];
  for (const [name, message] of said) await told(name, message).catch((error: unknown) => t.fail(String(error)));
  for (const name of ['root', 'explicit']) await until(() => field(`pod ${name}`, '.status.containerStatuses[0].state.waiting.reason') === 'CreateContainerConfigError', `the status of ${name}`);
  await phaseIs('unsafe', 'Failed');
  t.equal(field('pod unsafe', '.status.message'), 'Pod was rejected: forbidden sysctl: "kernel.sem" not allowlisted');
});
