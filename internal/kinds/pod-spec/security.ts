// Validation of security contexts (upstream: ValidateSecurityContext, validatePodSpecSecurityContext).
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { idProblems } from '../../api/names.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../generated/api-types.ts';

const SYSCTL = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
/** Sysctls of the namespace of IPC, by upstream's table. */
// Dots may be slashes.
const OF_NET = /^net[./]/;
const OF_IPC = /^(kernel[./]sem$|kernel[./]shm|kernel[./]msg|fs[./]mqueue[./])/;
const MOUNTS = ['Default', 'Unmasked'];
const CHANGES = ['Always', 'OnRootMismatch'];
const GROUPS = ['Merge', 'Strict'];
const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

export function validatePodSecurityContext(spec: PodSpec, path: string): FieldError[] {
  const context = spec.securityContext ?? {};
  const at = `${path}.securityContext`;
  const errors = [...ids(context, ['runAsUser', 'runAsGroup', 'fsGroup'], at)];
  (context.supplementalGroups ?? []).forEach((group, index) => { for (const problem of idProblems(group)) errors.push(invalid(`${at}.supplementalGroups[${String(index)}]`, group, problem)); });
  if (spec.shareProcessNamespace === true && spec.hostPID === true) errors.push(invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  const seen = new Set<string>();
  (context.sysctls ?? []).forEach(({ name = '' }: { name?: string }, index) => {
    const here = `${at}.sysctls[${String(index)}]`;
    if (!name) errors.push(required(`${here}.name`));
    else if (name.length > 253 || !new RegExp(`^${SYSCTL}$`).test(name)) errors.push(invalid(`${here}.name`, name, `must have at most 253 characters and match regex ^${SYSCTL}$`));
    else if (seen.has(name)) errors.push({ type: 'Duplicate', field: `${here}.name`, value: name, detail: '' });
    const shared = spec.hostNetwork === true && OF_NET.test(name) ? 'hostNetwork' : spec.hostIPC === true && OF_IPC.test(name) ? 'hostIPC' : undefined;
    if (shared !== undefined) errors.push(invalid(`${here}.name`, name, `may not be specified when '${shared}' is true`));
    seen.add(name);
  });
  if (context.fsGroupChangePolicy !== undefined && !CHANGES.includes(context.fsGroupChangePolicy)) errors.push(notSupported(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, CHANGES));
  errors.push(...validateSeccomp(context.seccompProfile, `${at}.seccompProfile`), ...validateAppArmor(context.appArmorProfile, `${at}.appArmorProfile`));
  if (context.supplementalGroupsPolicy !== undefined && !GROUPS.includes(context.supplementalGroupsPolicy)) errors.push(notSupported(`${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, GROUPS));
  if (context.seLinuxChangePolicy !== undefined && context.seLinuxChangePolicy !== 'Recursive') errors.push(notSupported(`${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']));
  return errors;
}

export function validateSecurityContext(context: SecurityContext | undefined, path: string, hostUsers: boolean): FieldError[] {
  if (context === undefined) return [];
  const errors = ids(context, ['runAsUser', 'runAsGroup'], path);
  if (context.procMount !== undefined && !MOUNTS.includes(context.procMount)) errors.push(notSupported(`${path}.procMount`, context.procMount, MOUNTS));
  if (hostUsers && context.procMount === 'Unmasked') errors.push(invalid(`${path}.procMount`, 'Unmasked', '`hostUsers` must be false to use `Unmasked`'));
  errors.push(...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN')) errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
  }
  return [...errors, ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`)];
}

function ids(context: object, fields: readonly string[], path: string): FieldError[] {
  return fields.flatMap((field) => {
    const value = (context as Record<string, number | undefined>)[field];
    return value === undefined ? [] : idProblems(value).map((problem) => invalid(`${path}.${field}`, value, problem));
  });
}

function validateSeccomp(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile: file } = profile;
  if (!type) return [required(`${path}.type`, 'type is required when seccompProfile is set')];
  if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
  if (type !== 'Localhost') return file === undefined ? [] : [invalid(`${path}.localhostProfile`, { Type: type, LocalhostProfile: file }, 'can only be set when seccomp type is Localhost')];
  if (file === undefined) return [required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost')];
  if (file.startsWith('/')) return [invalid(`${path}.localhostProfile`, file, 'must be a relative path')];
  return file.split('/').includes('..') ? [invalid(`${path}.localhostProfile`, file, 'must not contain \'..\'')] : [];
}

function validateAppArmor(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile: name } = profile;
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
  if (type !== 'Localhost') return name === undefined ? [] : [invalid(`${path}.localhostProfile`, name, 'can only be set when AppArmor type is Localhost')];
  if (name === undefined || name === '') return [required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost')];
  return name.trim() === name ? [] : [invalid(`${path}.localhostProfile`, name, 'must not be padded with whitespace')];
}
