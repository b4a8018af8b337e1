// ResourceQuota status: what is there, counted anew when the quota changes, when something that counts goes or shrinks, and every so often.
// What comes is counted by admission before it is let in (internal/admission/resource-quota.ts), and not again here: a count in between
// would miss what is on its way.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy, keyOf, parseKey, type KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { wake, type Plan, type Wake } from '../informer/loop.ts';
import { wakesOfAll, type ServedResources } from '../informer/served-resources.ts';
import type { Views } from '../informer/view.ts';
import type { ResourceQuota } from '../kinds/generated/api-types.ts';
import { RESOURCEQUOTAS } from '../kinds/generated/resources.ts';
import { excessOf, onlyNames, sameQuantities, sumOf, withoutZeros } from '../kinds/quantities.ts';
import { isInScopes, quotaRulesOf, type QuotaRules } from '../kinds/core/quota-usage.ts';
import { controllerLoop, updateStatus, type Action, type ControllerLoop } from './action.ts';

const EVERY_MS = 300_000;

interface Counted {
  rules: QuotaRules;
  objects: readonly KubeObject[];
}

export interface ResourceQuotaState {
  quota: ResourceQuota;
  /** Everything in the namespace of kinds that the quota counts. */
  counted: Counted[];
}

export function resourceQuotaLoop(resources: ServedResources): ControllerLoop<ResourceQuotaState> {
  const countable = (served: readonly Resource[]): { resource: Resource; rules: QuotaRules }[] => served.filter(({ namespaced }) => namespaced).flatMap((resource) => {
    const rules = quotaRulesOf(resource.group, resource.resource);
    return rules === undefined ? [] : [{ resource, rules }];
  });
  return controllerLoop<ResourceQuotaState>({
    name: 'resourcequota-controller',
    ...wakesOfAll(resources, (each) => countable([each]).map(({ resource, rules }) => (resource.resource === 'resourcequotas' ? quotaWake(rules) : wakeOf(resource, rules)))),
    resync: { everyMs: EVERY_MS, keys: (views) => views.of(RESOURCEQUOTAS).list().map(keyOf) },
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const quota = views.of(RESOURCEQUOTAS).get(namespace, name);
      if (quota === undefined) return undefined;
      const names = Object.keys(quota.spec?.hard ?? {});
      const counted = countable(resources()).filter(({ rules }) => names.some((each) => rules.counts(each))).map(({ resource, rules }) => ({ rules, objects: views.of(resource).list(namespace) }));
      return { quota, counted };
    },
    plan,
  });
}

function quotaWake(rules: QuotaRules): Wake {
  return wake(RESOURCEQUOTAS, (quota, views, previous) => [
    ...(previous === undefined || !sameWhenWritten(quota.spec, previous.spec) || isSpoilt(quota) ? [keyOf(quota)] : []),
    ...keysFor(RESOURCEQUOTAS, quota, { views, previous, rules }),
  ]);
}

/** Someone else has written the status. */
function isSpoilt({ spec, status }: ResourceQuota): boolean {
  return !sameQuantities(spec?.hard, status?.hard);
}

function wakeOf(resource: Resource, rules: QuotaRules): Wake {
  return wake(resource, (object, views, previous) => keysFor(resource, object, { views, previous, rules }));
}

/** The namespace's quotas that count this kind, when the change gives something back. */
function keysFor(resource: Resource, object: KubeObject, { views, previous, rules }: { views: Views; previous: KubeObject | undefined; rules: QuotaRules }): string[] {
  if (previous === undefined && object.metadata.deletionTimestamp === undefined && isThere(resource, object, views)) return [];
  const quotas = views.of(RESOURCEQUOTAS).list(object.metadata.namespace ?? '').filter(({ spec }) => Object.keys(spec?.hard ?? {}).some((name) => rules.counts(name)));
  if (quotas.length === 0) return [];
  const gone = !isThere(resource, object, views);
  const shrunk = previous !== undefined && Object.keys(withoutZeros(excessOf(rules.usage(previous, 0), rules.usage(object, 0)))).length > 0;
  return gone || shrunk ? quotas.map(keyOf) : [];
}

function isThere(resource: Resource, { metadata }: KubeObject, views: Views): boolean {
  return views.of(resource).get(metadata.namespace ?? '', metadata.name)?.metadata.uid === metadata.uid;
}

export function plan({ quota, counted }: ResourceQuotaState, now: number): Plan<Action> {
  const hard = quota.spec?.hard ?? {};
  const fresh = counted.map(({ rules, objects }) => usedBy(quota, { rules, objects }, now));
  const used = onlyNames({ ...quota.status?.used, ...sumOf(...fresh) }, Object.keys(hard));
  const same = quota.status?.hard !== undefined && sameQuantities(quota.status.hard, hard) && sameQuantities(quota.status.used, used);
  return { actions: same ? [] : [updateStatus(RESOURCEQUOTAS, { ...copy(quota), status: { hard: { ...hard }, used } })] };
}

function usedBy(quota: ResourceQuota, { rules, objects }: Counted, now: number): Record<string, string> {
  const names = Object.keys(quota.spec?.hard ?? {}).filter((name) => rules.counts(name));
  const zero = Object.fromEntries(names.map((name) => [name, '0']));
  return onlyNames(sumOf(zero, ...objects.filter((object) => isInScopes(quota, object, rules)).map((object) => rules.usage(object, now))), names);
}
