// What the author of a pod, or of a template of pods, is told of fields that do nothing any more or hardly what was meant (upstream:
// pkg/api/pod, warningsForPodSpecAndMeta; its order).
import type { KubeObject, ObjectMeta } from '../../api/meta.ts';
import { dnsLabelProblems } from '../../api/names.ts';
import { quantityMilliValue } from '../../api/quantity.ts';
import type { Affinity, Container, PodSpec, PodTemplateSpec, Volume } from '../generated/api-types.ts';
import { ipWarnings } from '../networking/ip-address.ts';
import { nodeLabelWarnings, nodeSelectorWarnings, nodeTermWarnings } from '../core/node-label-warnings.ts';
import { claimSpecWarnings } from '../core/claim-warnings.ts';
import { overlapWarnings } from './path-overlaps.ts';
import { placedContainers } from './placed-containers.ts';
import { portWarnings } from './port-warnings.ts';

const ANNOTATIONS = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
] as const;
const VOLUMES = [
  ['photonPersistentDisk', 'v1.11, non-functional in v1.16+'], ['gitRepo', 'v1.11, and disabled by default in v1.33+'], ['scaleIO', 'v1.16, non-functional in v1.22+'], ['flocker', 'v1.22, non-functional in v1.25+'], ['storageos', 'v1.22, non-functional in v1.25+'],
  ['quobyte', 'v1.22, non-functional in v1.25+'], ['glusterfs', 'v1.25, non-functional in v1.26+'], ['ephemeral', ''], ['cephfs', 'v1.28, non-functional in v1.31+'], ['rbd', 'v1.28, non-functional in v1.31+'],
] as const;
const SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const INSTEAD_OF_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead';
const BYTES = ['memory', 'ephemeral-storage'] as const;

export function podWarnings({ metadata, spec }: { metadata: ObjectMeta; spec: PodSpec }): string[] {
  return warnings(spec, metadata, '');
}

/** Told again when anything but metadata and status has changed. */
export function isNews({ metadata }: KubeObject, old: KubeObject | undefined): boolean {
  return old === undefined || metadata.generation !== old.metadata.generation;
}

/** Names that pods are made of and that are no host names. */
export function podNameWarnings(name: string): string[] {
  const problems = dnsLabelProblems(name);
  return problems.length === 0 ? [] : [`metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`];
}

export function templateWarnings(template: PodTemplateSpec | undefined, path: string): string[] {
  return template?.spec === undefined ? [] : warnings(template.spec, (template.metadata ?? {}) as ObjectMeta, `${path}.`);
}

function warnings(spec: PodSpec, { annotations = {} }: Pick<ObjectMeta, 'annotations'>, prefix: string): string[] {
  const path = `${prefix}spec`;
  const containers = placedContainers(spec, path);
  const annotation = (key: string): string => `${prefix}metadata.annotations[${key}]`;
  return [
    ...nodeSelectorWarnings(spec.nodeSelector, (key) => `${path}.nodeSelector[${key}]`), ...nodeAffinityWarnings(spec.affinity, `${path}.affinity.nodeAffinity`), ...spreadWarnings(spec, `${path}.topologySpreadConstraints`),
    ...ANNOTATIONS.flatMap(([key, why]) => (annotations[key] === undefined ? [] : [`${annotation(key)}: ${why}`])),
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeWarnings(volume, `${path}.volumes[${String(index)}]`)), ...overlapWarnings(spec.volumes ?? []),
    ...twiceWarnings((spec.hostAliases ?? []).map(({ ip }) => ip), (index, ip) => `${path}.hostAliases[${String(index)}].ip: duplicate ip ${JSON.stringify(ip)}`), ...pullSecretWarnings(spec, `${path}.imagePullSecrets`),
    ...fractionWarnings(spec.overhead, `${path}.overhead`),
    ...(spec.securityContext?.seccompProfile === undefined && annotations[SECCOMP] !== undefined ? [`${annotation(SECCOMP)}: ${INSTEAD_OF_SECCOMP}`] : []),
    ...containers.flatMap(([container, at]) => [...profileWarnings(container, { annotations, annotation, isTemplate: prefix !== '' && spec.securityContext?.appArmorProfile === undefined }), ...BYTES.flatMap((name) => [...fractionWarnings(container.resources?.limits, `${at}.resources.limits`, [name]), ...fractionWarnings(container.resources?.requests, `${at}.resources.requests`, [name])]), ...envWarnings(container, `${at}.env`)]),
    ...portWarnings(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0 ? [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...podAffinityWarnings(spec.affinity, `${path}.affinity`),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, index) => ipWarnings(ip, `${path}.dnsConfig.nameservers[${String(index)}]`)), ...(spec.hostAliases ?? []).flatMap(({ ip }, index) => ipWarnings(ip, `${path}.hostAliases[${String(index)}].ip`)),
  ];
}

function nodeAffinityWarnings(affinity: Affinity | undefined, path: string): string[] {
  const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity?.nodeAffinity ?? {};
  return [
    ...(needed?.nodeSelectorTerms ?? []).flatMap((term, index) => nodeTermWarnings(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${String(index)}]`, false)),
    ...preferred.flatMap(({ preference }, index) => nodeTermWarnings(preference, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${String(index)}].preference`, true)),
  ];
}

const selectsNone = (path: string): string => `${path}: a null labelSelector results in matching no pod`;

function spreadWarnings({ topologySpreadConstraints = [] }: PodSpec, path: string): string[] {
  return topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => {
    const at = `${path}[${String(index)}]`;
    return [...nodeLabelWarnings(topologyKey, `${at}.topologyKey`), ...(labelSelector === undefined ? [selectsNone(`${at}.labelSelector`)] : [])];
  });
}

function podAffinityWarnings(affinity: Affinity | undefined, path: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((field) => {
    const { requiredDuringSchedulingIgnoredDuringExecution: needed = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity?.[field] ?? {};
    return [
      ...needed.flatMap(({ labelSelector }, index) => (labelSelector === undefined ? [selectsNone(`${path}.${field}.requiredDuringSchedulingIgnoredDuringExecution[${String(index)}].labelSelector`)] : [])),
      ...preferred.flatMap(({ podAffinityTerm }, index) => (podAffinityTerm?.labelSelector === undefined ? [selectsNone(`${path}.${field}.preferredDuringSchedulingIgnoredDuringExecution[${String(index)}].podAffinityTerm.labelSelector`)] : [])),
    ];
  });
}

function volumeWarnings(volume: Volume, path: string): string[] {
  return VOLUMES.flatMap(([field, since]) => {
    if (volume[field] === undefined) return [];
    if (field !== 'ephemeral') return [`${path}.${field === 'storageos' ? 'storageOS' : field}: deprecated in ${since}`];
    const spec = volume.ephemeral?.volumeClaimTemplate?.spec;
    return spec === undefined ? [] : claimSpecWarnings(spec, `${path}.ephemeral.volumeClaimTemplate.spec`);
  });
}

function twiceWarnings(values: readonly string[], say: (index: number, value: string) => string): string[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [say(index, value)] : []));
}

function pullSecretWarnings({ imagePullSecrets = [] }: PodSpec, path: string): string[] {
  const names = imagePullSecrets.map(({ name = '' }) => name);
  return [
    ...twiceWarnings(names, (index, name) => `${path}[${String(index)}].name: duplicate name ${JSON.stringify(name)}`),
    ...names.flatMap((name, index) => (name === '' ? [`${path}[${String(index)}].name: invalid empty name ""`] : [])),
  ];
}

/** Bytes that are no whole number. */
function fractionWarnings(quantities: Readonly<Record<string, string>> | undefined, path: string, names: readonly string[] = BYTES): string[] {
  return names.flatMap((name) => {
    const quantity = quantities?.[name];
    return quantity !== undefined && quantityMilliValue(quantity) % 1000 !== 0 ? [`${path}[${name}]: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`] : [];
  });
}

interface Annotated {
  annotations: Readonly<Record<string, string>>;
  annotation(key: string): string;
  isTemplate: boolean;
}

function profileWarnings({ name, securityContext }: Container, { annotations, annotation, isTemplate }: Annotated): string[] {
  const [seccomp, appArmor] = [SECCOMP_CONTAINER + name, APPARMOR + name];
  return [
    ...(securityContext?.seccompProfile === undefined && annotations[seccomp] !== undefined ? [`${annotation(seccomp)}: ${INSTEAD_OF_SECCOMP}`] : []),
    ...(isTemplate && securityContext?.appArmorProfile === undefined && annotations[appArmor] !== undefined ? [`${annotation(appArmor)}: deprecated since v1.30; use the "appArmorProfile" field instead`] : []),
  ];
}

/** A variable that is said again may build on the one before, and on nothing else. */
function envWarnings({ env = [] }: Container, path: string): string[] {
  const names = env.map(({ name }) => name);
  return env.flatMap(({ name, value = '', valueFrom }, index) => {
    const reference = `$(${name})`;
    const builds = valueFrom === undefined && value !== reference && value.includes(reference);
    return names.indexOf(name) === index || builds ? [] : [`${path}[${String(index)}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`];
  });
}
