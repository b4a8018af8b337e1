// What of another operating system's a pod that names its own may not say (upstream: validateLinux, validateWindows).
import { forbidden, type FieldError } from '../../api/field-error.ts';
import type { PodSpec, SecurityContext } from '../generated/api-types.ts';

const WINDOWS_LACKS = 'cannot be set for a windows pod';
/** Of the pod itself, then of its security context. */
const OF_SPEC = ['hostUsers', 'shareProcessNamespace'] as const;
const OF_POD = ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy', 'seLinuxChangePolicy'] as const;
const OF_CONTAINER = ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup'] as const;

export function validateOs(spec: PodSpec, path: string): FieldError[] {
  const { os, securityContext = {} } = spec;
  if (os?.name !== 'linux' && os?.name !== 'windows') return [];
  const contexts = [{ at: `${path}.securityContext`, context: securityContext, fields: OF_POD as readonly string[] }, ...containerContexts(spec, path)];
  if (os.name === 'linux') return contexts.filter(({ context }) => context.windowsOptions !== undefined).map(({ at }) => forbidden(`${at}.windowsOptions`, 'windows options cannot be set for a linux pod'));
  const errors = OF_SPEC.filter((field) => spec[field] !== undefined).map((field) => forbidden(`${path}.${field}`, WINDOWS_LACKS));
  for (const field of ['hostPID', 'hostIPC'] as const) if (spec[field] === true) errors.push(forbidden(`${path}.${field}`, WINDOWS_LACKS));
  return [...errors, ...contexts.flatMap(({ at, context, fields }) => fields.filter((field) => isSet((context as Record<string, unknown>)[field])).map((field) => forbidden(`${at}.${field}`, WINDOWS_LACKS)))];
}

function containerContexts(spec: PodSpec, path: string): { at: string; context: SecurityContext; fields: readonly string[] }[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => (spec[list] ?? []).flatMap(({ securityContext }, index) => (
    securityContext === undefined ? [] : [{ at: `${path}.${list}[${String(index)}].securityContext`, context: securityContext, fields: OF_CONTAINER }])));
}

function isSet(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}
