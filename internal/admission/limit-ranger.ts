// LimitRanger: a namespace's LimitRanges give containers their default requests and limits, and bound what containers, pods and claims ask.
import type { KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../kinds/generated/api-types.ts';
import { podLimits, podRequests } from '../kinds/pod-spec/requirements.ts';
import type { Store } from '../store/store.ts';
import { writes, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';
import { claimProblems, problemsOf, type Asked } from './limit-bounds.ts';

const RANGES = { group: '', resource: 'limitranges' };
const ANNOTATION = 'kubernetes.io/limit-ranger';

export function limitRanger(store: Store): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    mutate(request) {
      if (!isPod(request)) return;
      for (const range of rangesOf(store, request)) fillIn(request.object as Pod, range);
    },
    validate(request) {
      const problems = request.operation === 'DELETE' ? [] : [...new Set(findProblems(request, store))];
      if (problems.length > 0) throw forbidden(request.kind, request.object?.metadata.name ?? '', problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
    },
  };
}

/** A new one, or one that is given other resources. */
function isPod(request: AdmissionRequest): boolean {
  const { kind, operation, subresource } = request;
  return (operation === 'CREATE' && writes(request, '', 'pods')) || (operation === 'UPDATE' && kind.group === '' && kind.resource === 'pods' && subresource === 'resize');
}

function findProblems(request: AdmissionRequest, store: Store): string[] {
  const items = (): LimitRangeItem[] => rangesOf(store, request).flatMap(({ spec }) => spec?.limits ?? []);
  if (isPod(request)) return items().flatMap((item) => podProblems(item, request.object as Pod));
  if (!writes(request, '', 'persistentvolumeclaims')) return [];
  const { requests = {} } = (request.object as PersistentVolumeClaim).spec?.resources ?? {};
  return items().filter(({ type }) => type === 'PersistentVolumeClaim').flatMap((item) => claimProblems(item, requests));
}

function podProblems(item: LimitRangeItem, { metadata, spec }: Pod): string[] {
  if (item.type === 'Container') return [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => problemsOf(item, askedOf(container)));
  if (item.type !== 'Pod') return [];
  const { overhead: _ofTheRuntime, ...own } = spec;
  const pod = { metadata, spec: own } as Pod;
  return problemsOf(item, { requests: podRequests(pod), limits: podLimits(pod) });
}

function rangesOf(store: Store, { namespace }: AdmissionRequest): LimitRange[] {
  const ranges: LimitRange[] = [];
  store.list(RANGES, { namespace, visit: (object: KubeObject) => (ranges.push(object as LimitRange), true) });
  return ranges;
}

/** And says so on the pod, as upstream. */
function fillIn(pod: Pod, { spec: range }: LimitRange): void {
  const items = (range?.limits ?? []).filter(({ type }) => type === 'Container');
  const defaults: Asked = { requests: merged(items, 'defaultRequest'), limits: merged(items, 'default') };
  const told = [
    ...pod.spec.containers.flatMap((container) => fillContainer(container, defaults, 'container')),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fillContainer(container, defaults, 'init container')),
  ];
  if (told.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${told.join('; ')}` };
}

function merged(items: readonly LimitRangeItem[], field: 'default' | 'defaultRequest'): Asked['limits'] {
  return Object.assign({}, ...items.map((item) => item[field] ?? {})) as Asked['limits'];
}

function fillContainer(container: Container, defaults: Asked, what: string): string[] {
  return (['requests', 'limits'] as const).flatMap((part) => {
    const given = container.resources?.[part] ?? {};
    const added = Object.keys(defaults[part]).filter((name) => given[name] === undefined).sort();
    if (added.length === 0) return [];
    container.resources = { ...container.resources, [part]: { ...defaults[part], ...given } };
    return [`${added.join(', ')} ${part.slice(0, -1)} for ${what} ${container.name}`];
  });
}

function askedOf({ resources }: Container): Asked {
  return { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} };
}
