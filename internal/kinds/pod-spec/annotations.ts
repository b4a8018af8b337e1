// What annotations say of a pod that fields say by now, profiles of AppArmor and seccomp above all: what they may hold, that they agree with
// the fields, and which may not change (upstream: ValidatePodSpecificAnnotations and what stands beside it).
import { forbidden, invalid, type FieldError } from '../../api/field-error.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile } from '../generated/api-types.ts';
import { placedContainers } from './placed-containers.ts';

type Annotations = Readonly<Record<string, string>>;
type Profile = Pick<AppArmorProfile & SeccompProfile, 'type' | 'localhostProfile'>;

export const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const MIRROR = 'kubernetes.io/config.mirror';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const LOCALHOST = 'localhost/';
const INT32 = 2 ** 31;

/** `path`: of the annotations. */
export function annotationProblems(annotations: Annotations, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = (key: string): string => `${path}[${key}]`;
  const { [MIRROR]: mirror, [DELETION_COST]: cost } = annotations;
  if (mirror !== undefined && !spec.nodeName) errors.push(invalid(at(MIRROR), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  if (cost !== undefined && !isInt32(cost)) errors.push(invalid(at(DELETION_COST), cost, 'must be a 32bit integer'));
  for (const [key, profile] of entriesOf(annotations, SECCOMP)) errors.push(...seccompProblems(profile, `${path}.${key}`));
  for (const [key, profile] of entriesOf(annotations, SECCOMP_CONTAINER)) errors.push(...seccompProblems(profile, `${path}.${key}`));
  for (const [key, profile] of entriesOf(annotations, APPARMOR)) {
    const name = key.slice(APPARMOR.length);
    if (!placedContainers(spec, '').some(([container]) => container.name === name)) errors.push(invalid(at(key), name, 'container not found'));
    if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith(LOCALHOST)) errors.push(invalid(at(key), profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
  }
  return errors;
}

/** Those that say another profile than the field beside them. `path`: of the spec. */
export function profileMismatches(annotations: Annotations, spec: PodSpec, path: string): FieldError[] {
  const ofPod = spec.securityContext;
  const seccomp = (annotation: string | undefined, profile: Profile | undefined, at: string): FieldError[] => mismatch('seccomp', { annotation, profile, defaults: ['runtime/default', 'docker/default'] }, `${at}.securityContext.seccompProfile`);
  const appArmor = (annotation: string | undefined, profile: Profile | undefined, at: string): FieldError[] => mismatch('apparmor', { annotation, profile, defaults: ['runtime/default'] }, `${at}.securityContext.appArmorProfile`);
  const containers = placedContainers(spec, path);
  return [
    ...seccomp(annotations[SECCOMP], ofPod?.seccompProfile, path),
    ...containers.flatMap(([{ name, securityContext }, at]) => seccomp(annotations[`${SECCOMP_CONTAINER}${name}`], securityContext?.seccompProfile, at)),
    ...(spec.os?.name === 'windows' ? [] : containers.flatMap(([{ name, securityContext }, at]) => appArmor(annotations[`${APPARMOR}${name}`], securityContext?.appArmorProfile ?? ofPod?.appArmorProfile, at))),
  ];
}

/** `path`: of the annotations. */
export function annotationChanges(next: Annotations, old: Annotations, path: string): FieldError[] {
  const rules: readonly [key: (key: string) => boolean, what: string][] = [[(key) => key.startsWith(APPARMOR), 'AppArmor annotations'], [(key) => key === MIRROR, 'mirror pod annotation']];
  const told = (keys: readonly string[], verb: string): FieldError[] => keys.flatMap((key) => rules.filter(([applies]) => applies(key)).map(([, what]) => forbidden(`${path}[${key}]`, `may not ${verb} ${what}`)));
  return [
    ...told(Object.keys(old).filter((key) => next[key] !== old[key]).sort(), 'remove or update'),
    ...told(Object.keys(next).filter((key) => old[key] === undefined).sort(), 'add'),
  ];
}

/** The field that an AppArmor annotation stands for; undefined: none can be made of it. */
export function appArmorOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const localhostProfile = annotation.startsWith(LOCALHOST) ? annotation.slice(LOCALHOST.length) : '';
  return localhostProfile.trim() === '' || localhostProfile !== localhostProfile.trim() ? undefined : { type: 'Localhost', localhostProfile };
}

function entriesOf(annotations: Annotations, prefix: string): [key: string, value: string][] {
  return Object.entries(annotations).filter(([key]) => (prefix.endsWith('/') ? key.startsWith(prefix) : key === prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d*|-0+\d*)$/.test(text) && Number(text) >= -INT32 && Number(text) < INT32;
}

function seccompProblems(profile: string, path: string): FieldError[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return [];
  if (!profile.startsWith(LOCALHOST)) return [invalid(path, profile, 'must be a valid seccomp profile')];
  const file = profile.slice(LOCALHOST.length);
  return [...(file.startsWith('/') ? [invalid(path, file, 'must be a relative path')] : []), ...(file.split('/').includes('..') ? [invalid(path, file, "must not contain '..'")] : [])];
}

function mismatch(what: string, { annotation, profile, defaults }: { annotation: string | undefined; profile: Profile | undefined; defaults: readonly string[] }, path: string): FieldError[] {
  if (annotation === undefined || profile === undefined) return [];
  const wrongType = [forbidden(`${path}.type`, `${what} type in annotation and field must match`)];
  switch (profile.type) {
    case 'Unconfined': return annotation === 'unconfined' ? [] : wrongType;
    case 'RuntimeDefault': return defaults.includes(annotation) ? [] : wrongType;
    case 'Localhost':
      if (!annotation.startsWith(LOCALHOST)) return wrongType;
      return annotation.slice(LOCALHOST.length) === profile.localhostProfile ? [] : [forbidden(`${path}.localhostProfile`, `${what} profile in annotation and field must match`)];
    default: return [];
  }
}
