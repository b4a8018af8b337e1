// Validation of a pod's spec, wherever it stands (upstream: ValidatePodSpec in pkg/apis/core/validation; its words and paths).
// Left out: the Windows fields, which no node of ours can run; dynamic resource claims' statuses.
import type { ObjectMeta } from '../../api/meta.ts';
import { duplicate, forbidden, invalid, notSupported, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, rangeProblems, regexpWords, subdomainProblems } from '../../api/names.ts';
import type { PodResourceClaim, PodSpec } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { ipProblems } from '../networking/ip-address.ts';
import { validateLabels } from '../label-selector.ts';
import { validateFileVolumes } from './environment.ts';
import { validateOs } from './operating-system.ts';
import { validateContainers, validateEphemeralContainers, validateInitContainers } from './containers.ts';
import { validateAffinity, validateTolerations, validateTopologySpread } from './placement.ts';
import { validatePodResources } from './pod-resources.ts';
import { validateResources } from './resources.ts';
import { validatePodSecurityContext } from './security.ts';
import { validateVolumes } from './volumes.ts';

export interface PodSpecPlace {
  /** `spec`, `spec.template.spec`, … */
  path: string;
  metadata?: ObjectMeta;
  /** A Pod itself rather than a template. */
  isPod?: boolean;
}

const INT32_MAX = 2_147_483_647;

export function validatePodSpec(spec: PodSpec, { path, metadata, isPod = false }: PodSpecPlace): FieldError[] {
  const { volumes, errors } = validateVolumes(spec.volumes ?? [], { path: `${path}.volumes`, podName: metadata?.name ?? '' });
  const context = {
    volumes, gracePeriod: spec.terminationGracePeriodSeconds ?? 0, hostUsers: spec.hostUsers !== false, endsForGood: spec.restartPolicy === 'Never',
    claims: new Set((spec.resourceClaims ?? []).map(({ name }) => name)),
  };
  errors.push(
    ...validateClaims(spec.resourceClaims ?? [], `${path}.resourceClaims`),
    ...validateContainers(spec.containers ?? [], `${path}.containers`, context),
    ...validateInitContainers(spec, `${path}.initContainers`, context),
    ...validateEphemeralContainers(spec, `${path}.ephemeralContainers`, context),
    ...validatePodResources(spec, path),
    ...validateHostNetwork(spec, path, isPod),
    ...policyProblems(spec, path),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validatePodSecurityContext(spec, path),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDns(spec, `${path}.dnsConfig`),
    ...validateGates(spec, path),
    ...validateTopologySpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
    ...validateHostUsers(spec, path),
    ...validateOs(spec, path),
    ...validateNames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`),
    ...validateHostAliases(spec, `${path}.hostAliases`),
    ...validateResources({ limits: spec.overhead ?? {} }, `${path}.overhead`, new Set()),
  );
  if (spec.os !== undefined && spec.os.name !== 'linux' && spec.os.name !== 'windows') errors.push(spec.os.name ? notSupported(`${path}.os`, spec.os.name, ['linux', 'windows']) : required(`${path}.os.name`));
  return [...errors, ...validateFileVolumes(spec, path)];
}

function validateClaims(claims: readonly Partial<PodResourceClaim>[], path: string): FieldError[] {
  const names = new Set<string>();
  return claims.flatMap((claim, index) => {
    const at = `${path}[${String(index)}]`;
    const { name = '', resourceClaimName: own, resourceClaimTemplateName: made } = claim;
    const shown = { Name: name, ResourceClaimName: own ?? null, ResourceClaimTemplateName: made ?? null };
    const errors = name === '' ? [required(`${at}.name`)] : names.has(name) ? [duplicate(`${at}.name`, name)] : dnsLabelProblems(name).map((problem) => invalid(`${at}.name`, name, problem));
    names.add(name);
    if (own !== undefined && made !== undefined) errors.push(invalid(at, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    if (own === undefined && made === undefined) errors.push(invalid(at, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    for (const [field, value] of [['resourceClaimName', own], ['resourceClaimTemplateName', made]] as const) if (value !== undefined) errors.push(...subdomainProblems(value).map((problem) => invalid(`${at}.${field}`, value, problem)));
    return errors;
  });
}

function policyProblems({ restartPolicy, dnsPolicy }: PodSpec, path: string): FieldError[] {
  return [...oneOf(restartPolicy, `${path}.restartPolicy`, ['Always', 'OnFailure', 'Never']), ...oneOf(dnsPolicy, `${path}.dnsPolicy`, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'])];
}

function validateNames(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: 'serviceAccountName' | 'nodeName' | 'priorityClassName' | 'hostname' | 'subdomain', problemsOf: (text: string) => string[]): void => {
    const value = spec[field];
    if (value) for (const problem of problemsOf(value)) errors.push(invalid(`${path}.${field}`, value, problem));
  };
  check('serviceAccountName', subdomainProblems);
  check('nodeName', subdomainProblems);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) for (const problem of rangeProblems(deadline, 1, INT32_MAX)) errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, problem));
  check('hostname', dnsLabelProblems);
  check('subdomain', dnsLabelProblems);
  check('priorityClassName', subdomainProblems);
  errors.push(...validateHostnameOverride(spec, `${path}.hostnameOverride`));
  if (spec.runtimeClassName !== undefined) for (const problem of subdomainProblems(spec.runtimeClassName)) errors.push(invalid(`${path}.runtimeClassName`, spec.runtimeClassName, problem));
  if (spec.preemptionPolicy !== undefined) errors.push(...oneOf(spec.preemptionPolicy, `${path}.preemptionPolicy`, ['PreemptLowerPriority', 'Never']));
  return errors;
}

const HOSTNAME_MAX = 64;

function validateHostnameOverride({ hostnameOverride: name, setHostnameAsFQDN, hostNetwork }: PodSpec, at: string): FieldError[] {
  if (name === undefined) return [];
  const errors = setHostnameAsFQDN === true ? [forbidden(at, 'may not be specified when setHostnameAsFQDN is true')] : [];
  if (hostNetwork === true) errors.push(forbidden(at, 'may not be specified when hostNetwork is true'));
  if (name.length > HOSTNAME_MAX) errors.push(tooLong(at, HOSTNAME_MAX));
  return [...errors, ...subdomainProblems(name).map((problem) => invalid(at, name, problem))];
}

function validateHostNetwork({ hostNetwork, containers = [] }: Partial<PodSpec>, path: string, isPod: boolean): FieldError[] {
  if (hostNetwork !== true) return [];
  return containers.flatMap(({ ports = [] }, index) => ports.flatMap(({ hostPort = 0, containerPort }, port) => (
    (isPod || hostPort !== 0) && hostPort !== containerPort
      ? [invalid(`${path}.containers[${String(index)}].ports[${String(port)}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')] : []
  )));
}

function validateHostUsers(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const errors: FieldError[] = [];
  if (spec.hostNetwork === true) errors.push(forbidden(`${path}.hostNetwork`, 'when `hostUsers` is false'));
  if (spec.hostPID === true) errors.push(forbidden(`${path}.HostPID`, 'when `hostUsers` is false'));
  if (spec.hostIPC === true) errors.push(forbidden(`${path}.HostIPC`, 'when `hostUsers` is false'));
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    (spec[list] ?? []).forEach(({ volumeDevices = [] }, index) => { if (volumeDevices.length > 0) errors.push(forbidden(`${path}.${list}[${String(index)}].volumeDevices`, 'when `hostUsers` is false')); });
  }
  return errors;
}

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if ((dnsConfig.nameservers ?? []).length === 0) return [required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  const errors: FieldError[] = [];
  if (nameservers.length > 3) errors.push(invalid(`${path}.nameservers`, nameservers, 'must not have more than 3 nameservers'));
  nameservers.forEach((server, index) => { for (const problem of ipProblems(server)) errors.push(invalid(`${path}.nameservers[${String(index)}]`, server, problem)); });
  if (searches.length > 32) errors.push(invalid(`${path}.searches`, searches, 'must not have more than 32 search paths'));
  if (searches.join(' ').length > 2048) errors.push(invalid(`${path}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list'));
  searches.forEach((search, index) => {
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    if (search !== '.') for (const problem of searchProblems(name)) errors.push(invalid(`${path}.searches[${String(index)}]`, name, problem));
  });
  options.forEach(({ name }, index) => { if (!name) errors.push(required(`${path}.options[${String(index)}]`, 'must not be empty')); });
  return errors;
}

const SEARCH = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*';
const SEARCH_MAX = 253;

function searchProblems(name: string): string[] {
  const problems = name.length > SEARCH_MAX ? [`must be no more than ${String(SEARCH_MAX)} bytes`] : [];
  return new RegExp(`^${SEARCH}$`).test(name) ? problems : [...problems, regexpWords("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character", SEARCH, ['example.com'])];
}

function validateGates({ readinessGates = [], schedulingGates = [] }: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  readinessGates.forEach(({ conditionType: type = '' }: { conditionType?: string }, index) => {
    for (const problem of labelKeyProblems(type)) errors.push(invalid(`${path}.readinessGates[${String(index)}].conditionType`, type, problem));
  });
  const seen = new Set<string>();
  schedulingGates.forEach(({ name = '' }: { name?: string }, index) => {
    const at = `${path}.schedulingGates[${String(index)}]`;
    for (const problem of labelKeyProblems(name)) errors.push(invalid(at, name, problem));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
  return errors;
}

function validateHostAliases({ hostAliases = [] }: PodSpec, path: string): FieldError[] {
  return hostAliases.flatMap(({ ip = '', hostnames = [] }: { ip?: string; hostnames?: readonly string[] }, index) => [
    ...ipProblems(ip).map((problem) => invalid(`${path}[${String(index)}].ip`, ip, problem)),
    ...hostnames.flatMap((name, host) => subdomainProblems(name).map((problem) => invalid(`${path}[${String(index)}].hostnames[${String(host)}]`, name, problem))),
  ]);
}
