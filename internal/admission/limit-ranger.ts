// LimitRanger: a namespace's LimitRanges give containers their default requests and limits, and bound what containers, pods and claims ask.
import type { KubeObject } from '../api/meta.ts';
import { addQuantities, compareQuantities, quantityMilliValue } from '../api/quantity.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Store } from '../store/store.ts';
import { writes, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';

const RANGES = { group: '', resource: 'limitranges' };

type Quantities = Record<string, string>;
interface Item {
  type: string;
  max?: Quantities;
  min?: Quantities;
  default?: Quantities;
  defaultRequest?: Quantities;
  maxLimitRequestRatio?: Quantities;
}
interface Container {
  resources?: { limits?: Quantities; requests?: Quantities };
}
type Pod = KubeObject & { spec: { containers: Container[]; initContainers?: Container[] } };
interface Asked {
  requests: Quantities;
  limits: Quantities;
}

export function limitRanger(store: Store): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    mutate(request) {
      if (!writes(request, '', 'pods') || request.operation !== 'CREATE') return;
      const { spec } = request.object as Pod;
      for (const item of itemsOf(store, request)) if (item.type === 'Container') for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) fillIn(container, item);
    },
    validate(request) {
      const problems = request.operation === 'DELETE' ? [] : findProblems(request, store);
      if (problems.length > 0) throw forbidden(request.kind, request.object?.metadata.name ?? '', problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
    },
  };
}

function findProblems(request: AdmissionRequest, store: Store): string[] {
  if (writes(request, '', 'pods') && request.operation === 'CREATE') {
    const { spec } = request.object as Pod;
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(askedOf);
    const whole = total(spec.containers.map(askedOf));
    return itemsOf(store, request).flatMap((item) => (item.type === 'Container' ? containers.flatMap((asked) => bound(item, asked)) : item.type === 'Pod' ? bound(item, whole) : []));
  }
  if (writes(request, '', 'persistentvolumeclaims')) {
    const { spec } = request.object as KubeObject & { spec?: Container };
    const asked = askedOf(spec ?? {});
    return itemsOf(store, request).filter(({ type }) => type === 'PersistentVolumeClaim').flatMap((item) => bound(item, { requests: asked.requests, limits: asked.requests }));
  }
  return [];
}

function itemsOf(store: Store, { namespace }: AdmissionRequest): Item[] {
  const items: Item[] = [];
  store.list(RANGES, {
    namespace,
    visit(object) {
      items.push(...((object as KubeObject & { spec?: { limits?: Item[] } }).spec?.limits ?? []));
      return true;
    },
  });
  return items;
}

function fillIn(container: Container, { default: limits = {}, defaultRequest = {} }: Item): void {
  const given = container.resources ?? {};
  const allLimits = { ...limits, ...given.limits };
  // A limit that the container itself gives is its request too, before the namespace's default.
  const allRequests = { ...defaultRequest, ...given.limits, ...given.requests };
  container.resources = { ...given, ...(Object.keys(allLimits).length > 0 && { limits: allLimits }), ...(Object.keys(allRequests).length > 0 && { requests: allRequests }) };
}

function askedOf({ resources }: Container): Asked {
  return { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} };
}

function total(all: readonly Asked[]): Asked {
  const sum = (part: keyof Asked): Quantities => {
    const result: Quantities = {};
    for (const asked of all) for (const [name, value] of Object.entries(asked[part])) result[name] = result[name] === undefined ? value : addQuantities(result[name], value);
    return result;
  };
  return { requests: sum('requests'), limits: sum('limits') };
}

function bound({ type, min = {}, max = {}, maxLimitRequestRatio = {} }: Item, { requests, limits }: Asked): string[] {
  const problems: string[] = [];
  for (const [name, least] of Object.entries(min)) {
    const asked = requests[name];
    if (asked === undefined) problems.push(`minimum ${name} usage per ${type} is ${least}.  No request is specified`);
    else if (compareQuantities(asked, least) < 0) problems.push(`minimum ${name} usage per ${type} is ${least}, but request is ${asked}`);
  }
  for (const [name, most] of Object.entries(max)) {
    const [asked, limit] = [requests[name], limits[name]];
    if (limit === undefined) problems.push(`maximum ${name} usage per ${type} is ${most}.  No limit is specified`);
    else if (compareQuantities(limit, most) > 0) problems.push(`maximum ${name} usage per ${type} is ${most}, but limit is ${limit}`);
    if (asked !== undefined && compareQuantities(asked, most) > 0) problems.push(`maximum ${name} usage per ${type} is ${most}, but request is ${asked}`);
  }
  for (const [name, ratio] of Object.entries(maxLimitRequestRatio)) {
    const [asked, limit] = [requests[name], limits[name]];
    if (asked === undefined || limit === undefined) problems.push(`${name} max limit to request ratio per ${type} is ${ratio}, but no ${asked === undefined ? 'request' : 'limit'} is specified or ${asked === undefined ? 'request' : 'limit'} is 0`);
    else if (quantityMilliValue(limit) / quantityMilliValue(asked) > quantityMilliValue(ratio) / 1000) problems.push(`${name} max limit to request ratio per ${type} is ${ratio}, but provided ratio is ${(quantityMilliValue(limit) / quantityMilliValue(asked)).toFixed(6)}`);
  }
  return problems;
}
