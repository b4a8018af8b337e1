// AppArmor: a pod that asks for a profile is not taken on by a node whose kernel does not enforce any.
import type { AppArmorProfile, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { isAppArmorEnabled } from '../../apparmor.ts';
import { containersOf } from '../pod-spec.ts';
import type { Rejection } from './rejection.ts';

/** Before there was a field. */
const OLD_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

export function checkAppArmor(pod: Pod, enabled: () => boolean = isAppArmorEnabled): Rejection | undefined {
  const wanted = containersOf(pod).flatMap(({ spec }) => profileOf(pod, spec.name, spec.securityContext?.appArmorProfile) ?? []).filter(({ type }) => type !== 'Unconfined');
  if (wanted.length === 0) return undefined;
  const refused = (why: string): Rejection => ({ reason: 'AppArmor', message: `Cannot enforce AppArmor: ${why}` });
  if (!enabled()) return refused('AppArmor is not enabled on the host');
  const nameless = wanted.find(({ type, localhostProfile = '' }) => type === 'Localhost' && localhostProfile.trim() === '');
  return nameless === undefined ? undefined : refused(`invalid empty AppArmor profile name: ${JSON.stringify(nameless)}`);
}

export function profileOf(pod: Pod, container: string, own: AppArmorProfile | undefined): AppArmorProfile | undefined {
  const old = pod.metadata.annotations?.[`${OLD_ANNOTATION}${container}`];
  if (own !== undefined || old === undefined || old === '') return own ?? pod.spec.securityContext?.appArmorProfile;
  if (old === 'unconfined') return { type: 'Unconfined' };
  if (old === 'runtime/default') return { type: 'RuntimeDefault' };
  return old.startsWith('localhost/') ? { type: 'Localhost', localhostProfile: old.slice('localhost/'.length) } : pod.spec.securityContext?.appArmorProfile;
}
