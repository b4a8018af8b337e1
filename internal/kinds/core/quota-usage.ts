// What an object counts towards a ResourceQuota, and which quotas it falls under (upstream: pkg/quota/v1/evaluator/core). Pods count what they
// ask for while they are alive, services their ports, claims their storage, also by class; everything else counts as one of its kind.
import type { KubeObject } from '../../api/meta.ts';
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuota, ScopedResourceSelectorRequirement, Service } from '../generated/api-types.ts';
import { podLimits, podRequests } from '../pod-spec/requirements.ts';
import { qosClassOf } from '../pod-spec/qos.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { Quantities } from '../quantities.ts';

export interface QuotaRules {
  /** Whether a quota on this resource name counts objects of the kind. */
  counts(name: string): boolean;
  usage(object: KubeObject, now: number): Quantities;
  matchesScope(scope: ScopedResourceSelectorRequirement, object: KubeObject): boolean;
}

const IGNORED = new Set(['bindings', 'componentstatuses', 'events', 'tokenreviews', 'selfsubjectreviews', 'subjectaccessreviews', 'selfsubjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectrulesreviews']);
/** Kinds whose bare plural is a resource name as well. */
const ALIASES = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

const COMPUTE = new Set(['pods', 'count/pods', ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`])]);
const SERVICE_NAMES = new Set(['services', 'count/services', 'services.nodeports', 'services.loadbalancers']);
const CLAIM_NAMES = ['persistentvolumeclaims', 'requests.storage'];
const BY_CLASS = '.storageclass.storage.k8s.io/';

/** undefined: objects of this kind are not counted. */
export function quotaRulesOf(group: string, resource: string): QuotaRules | undefined {
  if (group === '' && resource === 'pods') return POD_RULES;
  if (group === '' && resource === 'services') return SERVICE_RULES;
  if (group === '' && resource === 'persistentvolumeclaims') return CLAIM_RULES;
  if (IGNORED.has(resource)) return undefined;
  const names = [`count/${resource}${group === '' ? '' : `.${group}`}`, ...(group === '' && ALIASES.has(resource) ? [resource] : [])];
  const usage = Object.fromEntries(names.map((name) => [name, '1']));
  return { counts: (name) => names.includes(name), usage: () => usage, matchesScope: () => false };
}

/** All of the quota's scopes have to fit. */
export function isInScopes({ spec }: ResourceQuota, object: KubeObject, rules: QuotaRules): boolean {
  const scopes: ScopedResourceSelectorRequirement[] = [...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })), ...(spec.scopeSelector?.matchExpressions ?? [])];
  return scopes.every((scope) => rules.matchesScope(scope, object));
}

/** With activeDeadlineSeconds: meant to end by itself. */
export function isBounded({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

const POD_RULES: QuotaRules = {
  counts: (name) => COMPUTE.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || (name.startsWith('requests.') && isExtended(name.slice('requests.'.length))),
  usage: (object, now) => ({ 'count/pods': '1', ...(isCharged(object as Pod, now) ? { pods: '1', ...computeUsage(podRequests(object as Pod), podLimits(object as Pod)) } : {}) }),
  matchesScope: ({ scopeName, operator, values = [] }, object) => {
    const pod = object as Pod;
    switch (scopeName) {
      case 'Terminating': return isBounded(pod);
      case 'NotTerminating': return !isBounded(pod);
      case 'BestEffort': return qosClassOf(pod.spec) === 'BestEffort';
      case 'NotBestEffort': return qosClassOf(pod.spec) !== 'BestEffort';
      case 'PriorityClass': return matchesName(pod.spec.priorityClassName ? [pod.spec.priorityClassName] : [], operator, values);
      case 'CrossNamespacePodAffinity': return looksElsewhere(pod);
      case 'VolumeAttributesClass': return false;
    }
  },
};

const SERVICE_RULES: QuotaRules = {
  counts: (name) => SERVICE_NAMES.has(name),
  usage: (object) => {
    const { type, ports = [], allocateLoadBalancerNodePorts = true } = (object as Service).spec ?? {};
    const balanced = type === 'LoadBalancer';
    const nodePorts = type === 'NodePort' || (balanced && allocateLoadBalancerNodePorts) ? ports.length : balanced ? ports.filter(({ nodePort = 0 }) => nodePort !== 0).length : 0;
    return { 'count/services': '1', services: '1', 'services.loadbalancers': balanced ? '1' : '0', 'services.nodeports': String(nodePorts) };
  },
  matchesScope: () => false,
};

const CLAIM_RULES: QuotaRules = {
  counts: (name) => name === 'count/persistentvolumeclaims' || CLAIM_NAMES.some((each) => name === each || name.endsWith(`${BY_CLASS}${each}`)),
  usage: (object) => {
    const { metadata, spec, status } = object as PersistentVolumeClaim;
    const asked = spec?.resources?.requests?.storage;
    const allocated = status?.allocatedResources?.storage;
    // Parts of a byte count as a whole one.
    const whole = (quantity: string): string => (/[num]$/.test(quantity) ? String(quantityValue(quantity)) : quantity);
    const storage = asked === undefined ? undefined : allocated !== undefined && quantityValue(allocated) > quantityValue(asked) ? whole(allocated) : whole(asked);
    const counted: Record<string, string> = { persistentvolumeclaims: '1', ...(storage !== undefined && { 'requests.storage': storage }) };
    const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
    const byClass = storageClass === '' ? {} : Object.fromEntries(Object.entries(counted).map(([name, value]) => [`${storageClass}${BY_CLASS}${name}`, value]));
    return { ...counted, ...byClass, 'count/persistentvolumeclaims': '1' };
  },
  matchesScope: ({ scopeName, operator, values = [] }, object) => {
    if (scopeName !== 'VolumeAttributesClass') return false;
    const { spec, status } = object as PersistentVolumeClaim;
    const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name) => name !== undefined && name !== '');
    return matchesName(names as string[], operator, values);
  },
};

/** Finished pods are free, and so are those whose end is overdue: their node may be lost. */
function isCharged({ metadata, status }: Pod, now: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  if (metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds === undefined) return true;
  return now <= Date.parse(metadata.deletionTimestamp) + Number(metadata.deletionGracePeriodSeconds) * 1000;
}

/** Requests and limits under the names that quotas know them by. */
export function computeUsage(requests: Quantities, limits: Quantities): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(requests)) {
    if (COMPUTE.has(name) || name.startsWith('hugepages-')) result[name] = value;
    if (COMPUTE.has(name) || name.startsWith('hugepages-') || isExtended(name)) result[`requests.${name}`] = value;
  }
  for (const [name, value] of Object.entries(limits)) if (COMPUTE.has(name)) result[`limits.${name}`] = value;
  return result;
}

function isExtended(name: string): boolean {
  if (name.startsWith('deviceclass.resource.kubernetes.io/')) return true;
  return name.includes('/') && !name.includes('kubernetes.io/');
}

function matchesName(names: readonly string[], operator: ScopedResourceSelectorRequirement['operator'], values: readonly string[]): boolean {
  const [some, listed] = [names.length > 0, names.some((name) => values.includes(name))];
  return { Exists: some, DoesNotExist: !some, In: listed, NotIn: !listed }[operator];
}

function looksElsewhere({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms: PodAffinityTerm[] = [podAffinity, podAntiAffinity].flatMap((each) => [...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm)]);
  return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined);
}
