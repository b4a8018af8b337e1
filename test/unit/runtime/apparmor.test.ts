// AppArmor as far as a kernel without it shows: the text of our profile, compiled where the compiler is there; who gets which; what is told where it lacks.
import t from 'tap';
import { DEFAULT_PROFILE, defaultProfile, findParser, isAppArmorEnabled, isLoaded } from '../../../agents/apparmor.ts';
import { profileOf } from '../../../agents/kubelet/steps/apparmor.ts';
import { apparmorProfileOf } from '../../../agents/runtime/runc/apparmor-profile.ts';
import { tryCommand } from '../../../internal/base/command.ts';

t.test('our profile compiles', async (t) => {
  const { code, stderr } = await tryCommand(findParser() ?? '', ['--skip-kernel-load', '--skip-cache', '--stdout'], { input: defaultProfile() });
  t.equal(code, 0, stderr);
});

t.test('our profile names itself wherever its own processes meet', (t) => {
  const text = defaultProfile('other');
  t.match(text, /^profile other flags=/);
  t.match(text, /signal \(send, receive\) peer=other,[^]*ptrace \(trace, tracedby, read, readby\) peer=other,/);
  t.equal(text.split('{').length, text.split('}').length);
  const closed = (path: string): boolean => /^(?:core_pattern|modprobe|hotplug|sysrq|dmesg_restrict|seccomp|panic)$/.test(path);
  const pattern = /\/proc\/sys\/kernel\/\{([^}]*)\}/.exec(text)?.[1]?.split(',').map((part) => new RegExp(`^${part}`)) ?? [];
  for (const name of ['core_pattern', 'modprobe', 'hotplug', 'sysrq', 'dmesg_restrict', 'seccomp', 'panic', 'domainname', 'hostname', 'msgmax', 'sem', 'shmmax', 'shm_rmid_forced']) t.equal(pattern.some((one) => one.test(name)), closed(name), name);
  t.end();
});

t.test('what is loaded, by its whole name', (t) => {
  const profiles = 'skiff-default-old (enforce)\n/usr/bin/man (enforce)\na b (complain)\n';
  t.notOk(isLoaded(DEFAULT_PROFILE, profiles));
  t.ok(isLoaded('skiff-default-old', profiles));
  t.ok(isLoaded('a b', profiles));
  t.end();
});

t.test('where the kernel has none, what asks for a profile is told so', { skip: isAppArmorEnabled() && 'this kernel has it' }, async (t) => {
  const profile = (type: 'Unconfined' | 'RuntimeDefault' | 'Localhost', more: object = {}, privileged = false): Promise<string | undefined> => apparmorProfileOf({ privileged, apparmor: { type, ...more } });
  t.equal(await apparmorProfileOf({ privileged: false }), undefined);
  t.equal(await profile('Unconfined'), undefined);
  t.equal(await profile('RuntimeDefault', {}, true), undefined, 'privileged');
  await t.rejects(profile('RuntimeDefault'), { message: 'apparmor profile skiff-default cannot be loaded: apparmor is not supported' });
  await t.rejects(profile('Localhost', { profile: 'mine' }), { message: 'apparmor is not supported' });
});

t.test('fields before annotations, annotations before the pod', (t) => {
  const pod = (annotation: string | undefined, ofPod?: object) => ({ metadata: { name: 'p', uid: 'u', ...(annotation !== undefined && { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': annotation } }) }, spec: { containers: [], securityContext: { appArmorProfile: ofPod } } }) as never;
  const own = { type: 'Unconfined' } as const;
  t.same(profileOf(pod('runtime/default'), 'c', own), own);
  t.same(profileOf(pod('runtime/default', own), 'c', undefined), { type: 'RuntimeDefault' });
  t.same(profileOf(pod('unconfined', { type: 'RuntimeDefault' }), 'c', undefined), { type: 'Unconfined' });
  t.same(profileOf(pod('localhost/mine'), 'c', undefined), { type: 'Localhost', localhostProfile: 'mine' });
  t.same(profileOf(pod('nonsense', own), 'c', undefined), own, 'what nobody knows says nothing');
  t.equal(profileOf(pod(undefined), 'c', undefined), undefined);
  t.end();
});
