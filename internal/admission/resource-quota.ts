// ResourceQuota: nothing is let in that would exceed a quota of its namespace. What is let in is charged first: status.used is written under
// the revision it was judged by, so that of two requests at once only as many pass as there is room for. Charges for what then fails
// otherwise are put right when the quota is counted anew.
import type { Clock } from '../base/clock.ts';
import { isReason } from '../base/errors.ts';
import { copy, type KubeObject } from '../api/meta.ts';
import { compareQuantities } from '../api/quantity.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Container, Pod, ResourceQuota } from '../kinds/generated/api-types.ts';
import { excessOf, formatQuantities, onlyNames, sumOf, withoutZeros, type Quantities } from '../kinds/quantities.ts';
import { computeUsage, isBounded, isInScopes, quotaRulesOf, type QuotaRules } from '../kinds/core/quota-usage.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const QUOTAS = { group: '', resource: 'resourcequotas' };
const TRIES = 50;
/** Who asks for a quota of these has to say for each container how much it wants. */
const EXPLICIT: readonly string[] = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

export function resourceQuota(store: Store, clock: Clock): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    async validate(request) {
      if (request.namespace === '' || request.object === undefined || quotasOf(store, request).length === 0) return;
      const rules = quotaRulesOf(request.kind.group, request.kind.resource);
      if (rules === undefined || !isHandled(request)) return;
      const charged = new Set<string>();
      for (let tries = TRIES; ; tries--) {
        if (await charge(request, rules, { store, now: clock.now(), charged, last: tries === 0 })) return;
      }
    },
  };
}

/** Objects count when they are made; some can come to count for more later. */
function isHandled({ kind: { group, resource }, operation, subresource, object, old }: AdmissionRequest): boolean {
  if (operation === 'CREATE') return subresource === '';
  if (operation !== 'UPDATE' || group !== '') return false;
  if (resource === 'services') return subresource === '';
  if (resource === 'persistentvolumeclaims') return subresource === '' || subresource === 'status';
  if (resource !== 'pods') return false;
  return subresource === 'resize' || (subresource === '' && isBounded(object as Pod) !== isBounded(old as Pod));
}

interface Charging {
  store: Store;
  now: number;
  /** Quotas that have been charged for this request. */
  charged: Set<string>;
  last: boolean;
}

/** Judges by all quotas, then charges each. false: another request was faster, judge anew. */
async function charge(request: AdmissionRequest, rules: QuotaRules, { store, now, charged, last }: Charging): Promise<boolean> {
  const quotas = quotasOf(store, request).filter(({ metadata }) => !charged.has(metadata.name));
  const changes = quotas.flatMap((quota) => {
    const used = usedAfter(quota, request, { rules, now });
    return used === undefined ? [] : [{ ...copy(quota), status: { ...copy(quota.status ?? {}), used } }];
  });
  if (request.dryRun) return true;
  for (const next of changes) {
    const key = { namespace: request.namespace, name: next.metadata.name };
    try {
      await store.update(QUOTAS, next, next.metadata.resourceVersion, 'durable');
      charged.add(next.metadata.name);
    } catch (error) {
      if (!isReason(error, 'Conflict', 'NotFound') || last) throw error;
      await store.settled(QUOTAS, key);
      return false;
    }
  }
  return true;
}

/** The quota's new `used`; undefined when the request does not touch it. Throws when there is no room. */
function usedAfter(quota: ResourceQuota, request: AdmissionRequest, { rules, now }: { rules: QuotaRules; now: number }): Record<string, string> | undefined {
  const { hard = {}, used = {} } = quota.status ?? {};
  const object = request.object as KubeObject;
  const names = Object.keys(hard).filter((name) => rules.counts(name));
  if (names.length === 0 || !isInScopes(quota, object, rules)) return undefined;
  const refuse = (why: string): Error => forbidden(request.kind, object.metadata.name || object.metadata.generateName || 'Unknown', why);
  const missing = request.kind.resource === 'pods' ? unsaid(object as Pod, names) : '';
  if (missing !== '') throw refuse(`failed quota: ${quota.metadata.name}: must specify ${missing}`);
  const unknown = names.filter((name) => used[name] === undefined);
  if (unknown.length > 0) throw refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${names.sort().join(',')}`);
  const usage = rules.usage(object, now);
  const negative = Object.keys(usage).filter((name) => compareQuantities(usage[name] ?? '0', '0') < 0);
  if (negative.length > 0) throw refuse(`quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  const before = request.old !== undefined && isInScopes(quota, request.old, rules) ? rules.usage(request.old, now) : {};
  const asked = onlyNames(withoutZeros(request.operation === 'UPDATE' ? excessOf(usage, before) : usage), names);
  if (Object.keys(asked).length === 0) return undefined;
  const next = sumOf(used, asked);
  const exceeded = request.subresource === 'status' ? [] : Object.keys(asked).filter((name) => compareQuantities(next[name] ?? '0', hard[name] ?? '0') > 0);
  const shown = (list: Quantities): string => formatQuantities(onlyNames(list, exceeded));
  if (exceeded.length > 0) throw refuse(`exceeded quota: ${quota.metadata.name}, requested: ${shown(asked)}, used: ${shown(used)}, limited: ${shown(hard)}`);
  return next;
}

/** `limits.cpu for: web; memory for: web,log` */
function unsaid({ spec }: Pod, names: readonly string[]): string {
  if (spec.resources !== undefined && Object.keys({ ...spec.resources.requests, ...spec.resources.limits }).length > 0) return '';
  const wanted = EXPLICIT.filter((name) => names.includes(name)).sort();
  const lacking = (name: string): string[] => [...spec.containers, ...(spec.initContainers ?? [])].filter((container) => !says(container, name)).map((container) => container.name).sort();
  return wanted.map((name) => ({ name, containers: [...new Set(lacking(name))] })).filter(({ containers }) => containers.length > 0).map(({ name, containers }) => `${name} for: ${containers.join(',')}`).join('; ');
}

function says({ resources }: Container, name: string): boolean {
  return computeUsage(resources?.requests ?? {}, resources?.limits ?? {})[name] !== undefined;
}

function quotasOf(store: Store, { namespace }: AdmissionRequest): ResourceQuota[] {
  const keys: { namespace: string; name: string }[] = [];
  store.list(QUOTAS, { namespace, visit: ({ metadata }) => keys.push({ namespace, name: metadata.name }) > 0 });
  return keys.map((key) => store.newest(QUOTAS, key) as ResourceQuota | undefined).filter((quota) => quota !== undefined);
}
