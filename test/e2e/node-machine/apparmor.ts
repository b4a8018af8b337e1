// AppArmor on a kernel that enforces it: the profile that `RuntimeDefault` is, what it denies, profiles that the node has or lacks.
import type { Test } from 'tap';
import { sleeper, type MachineNode } from '../../support/machine-node.ts';
import { bringPackages } from './packages.ts';

const OWN_PROFILE = 'profile test-own flags=(attach_disconnected) {\n  file,\n  capability,\n  network,\n  signal,\n  deny /etc/hosts r,\n}\n';
const FILE_OF_SYS = '/sys/kernel/mm/transparent_hugepage/defrag';

export async function appArmor(t: Test, node: MachineNode): Promise<void> {
  // Debian's program that compiles profiles; it stands on libc alone.
  await bringPackages(node, ['apparmor'], { from: 'sbin/apparmor_parser', to: '/usr/sbin/apparmor_parser' });
  await node.machine.write('/root/test-own', OWN_PROFILE);
  await node.machine.sh('apparmor_parser --replace --skip-cache /root/test-own');
  // Without a token: tmpfs cannot be mapped to other users by every kernel that maps disks.
  const armoured = (name: string, appArmorProfile: object | undefined, spec: object = {}): object => sleeper(name, {
    ...spec, volumes: [{ name: 'sys', hostPath: { path: '/sys/kernel/mm' } }],
    containers: [{ securityContext: { capabilities: { add: ['SYS_ADMIN'] }, ...(appArmorProfile !== undefined && { appArmorProfile }) }, volumeMounts: [{ name: 'sys', mountPath: '/sys/kernel/mm' }] }],
  });
  await node.apply(
    armoured('default', { type: 'RuntimeDefault' }), armoured('silent', undefined), armoured('unconfined', { type: 'Unconfined' }), armoured('own', { type: 'Localhost', localhostProfile: 'test-own' }),
    armoured('unknown', { type: 'Localhost', localhostProfile: 'test-none' }), sleeper('users', { hostUsers: false, automountServiceAccountToken: false, securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }),
  );
  await node.running('default', 'silent', 'unconfined', 'own', 'users');
  const within = (name: string, line: string): Promise<string> => node.tryKubectl('exec', name, '--', 'sh', '-c', line);
  const words = { default: 'skiff-default (enforce)', silent: 'unconfined', unconfined: 'unconfined', own: 'test-own (enforce)', users: 'skiff-default (enforce)' };
  for (const [name, profile] of Object.entries(words)) t.equal((await within(name, 'cat /proc/1/attr/current /proc/self/attr/current')).trim(), `${profile}\n${profile}`, `${name}: ${profile}, also what is executed in it`);
  t.match(await within('default', 'mkdir -p /m; mount -t tmpfs none /m'), /denied/i, 'no mounts, for all its capabilities');
  t.match(await within('default', `cat ${FILE_OF_SYS} && echo never >${FILE_OF_SYS}`), /never[^]*can't create [^]*denied/i, '/sys is read, not written');
  t.match(await within('unconfined', `mkdir -p /m && mount -t tmpfs none /m && cat ${FILE_OF_SYS} | grep -o 'madvise' >/dev/null && echo madvise >${FILE_OF_SYS} && echo both`), /^both/, 'which the profile alone forbids');
  await node.apply(sleeper('strong', { containers: [{ securityContext: { privileged: true, appArmorProfile: { type: 'Localhost', localhostProfile: 'skiff-default' } } }] }));
  await node.running('strong');
  t.match(await within('strong', 'cat /proc/sys/vm/overcommit_memory && echo 1 >/proc/sys/vm/overcommit_memory'), /[01][^]*can't create [^]*Permission denied/, 'nor are settings of the machine, where nothing else forbids it');
  t.match(await within('strong', 'echo b >/proc/sysrq-trigger'), /Permission denied/);
  t.match(await within('own', 'cat /etc/hosts'), /Permission denied/, 'a profile of the node holds');
  t.match(await node.until('it to be refused', async () => (await node.events('unknown')).find((event) => event.startsWith('Failed:'))), /apparmor profile not found test-none/);
  t.notMatch((await node.pod('unknown')).status, { phase: 'Running' });
  await node.gone(...Object.keys(words), 'unknown', 'strong');
  await node.machine.sh('printf test-own >/sys/kernel/security/apparmor/.remove');
}
