// Discovery, made from the list of kinds when it is asked for: nothing is kept. Legacy (/api, /apis and each group and version) and
// aggregated (v2), with an ETag. A group or version that is not there is NotFound; another path is undefined.
import { hash } from 'node:crypto';
import { StatusError } from '../base/errors.ts';
import { apiVersionOf } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';
import { discoveredGroups, listedGroups, type ListedGroup } from './aggregation/discovery.ts';
import type { RemoteVersion } from './aggregation/documents.ts';
import { checkRouted, isServed, notAcceptable, parseAccept, TYPES, type Form } from './negotiate.ts';

/** `format`: the roots find theirs themselves, as they are asked for by `as` too. `routed`: upstream's router stands before it, which takes GET alone. */
type Found = { body: object; format?: Form['format']; contentType?: string; etag?: string; routed?: boolean };

const AGGREGATED = { g: 'apidiscovery.k8s.io', v: 'v2', as: 'APIGroupDiscoveryList' } as const;

export interface DiscoveryOptions {
  kinds: readonly Kind[];
  /** What aggregated servers answer for. */
  remotes: readonly RemoteVersion[];
  address: string;
}

/** undefined: no such path. */
export function discover(path: string, accept: string | undefined, options: DiscoveryOptions): Found | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, group = '', version = ''] = parts;
  if (root === 'api') {
    if (parts.length === 1) return atRoot(accept, { ...options, remotes: [], legacy: true, isPlain: false }, () => legacyVersions(options.address));
    return parts.length === 2 ? (resources(options.kinds, '', group) ?? nothingThere()) : undefined;
  }
  if (root !== 'apis' || parts.length > 3) return undefined;
  // With a slash it is the older form's alone.
  if (parts.length === 1) return atRoot(accept, { ...options, legacy: false, isPlain: path.endsWith('/') }, () => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: legacyGroups(options) }));
  const found = legacyGroups(options).find(({ name }) => name === group);
  if (found === undefined) return undefined;
  if (parts.length === 2) return plain({ kind: 'APIGroup', apiVersion: 'v1', ...found });
  // Of custom groups nobody is there to say so in a Status.
  const isCustom = options.kinds.some((kind) => kind.group === group && kind.custom !== undefined);
  return resources(options.kinds, group, version) ?? (isCustom ? undefined : nothingThere());
}

function nothingThere(): never {
  throw new StatusError('NotFound', 'the server could not find the requested resource');
}

function plain(body: object): Found {
  return { body };
}

function legacyVersions(serverAddress: string): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

interface Group {
  name: string;
  versions: Map<string, Kind[]>;
}

function groupsOf(kinds: readonly Kind[], legacy: boolean): Group[] {
  const groups = new Map<string, Group>();
  for (const kind of kinds) {
    if ((kind.group === '') !== legacy) continue;
    let group = groups.get(kind.group);
    if (group === undefined) groups.set(kind.group, (group = { name: kind.group, versions: new Map() }));
    const version = group.versions.get(kind.version);
    if (version === undefined) group.versions.set(kind.version, [kind]);
    else version.push(kind);
  }
  return [...groups.values()];
}

/** Ours, and those of aggregated servers after them. */
function legacyGroups({ kinds, remotes }: DiscoveryOptions): ListedGroup[] {
  const own = groupsOf(kinds, false).map(legacyGroup);
  const remote = listedGroups(remotes);
  const shared = own.map((group) => {
    const more = remote.find(({ name }) => name === group.name);
    return more === undefined ? group : { ...group, versions: [...group.versions, ...more.versions] };
  });
  return [...shared, ...remote.filter(({ name }) => !own.some((group) => group.name === name))];
}

function legacyGroup({ name, versions }: Group): ListedGroup {
  const all = [...versions.keys()].map((version) => ({ groupVersion: apiVersionOf(name, version), version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resources(kinds: readonly Kind[], group: string, version: string): Found | undefined {
  const there = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (there.length === 0) return undefined;
  return { routed: there.every((kind) => kind.custom === undefined), ...plain({ kind: 'APIResourceList', ...(group !== '' && { apiVersion: 'v1' }), groupVersion: apiVersionOf(group, version), resources: there.flatMap(legacyResources) }) };
}

function legacyResources(kind: Kind): object[] {
  const { resource, singular, namespaced, verbs, shortNames, categories, subresources } = kind;
  const own = {
    name: resource, singularName: singular, namespaced, kind: kind.kind, verbs: shownVerbs(kind),
    ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }),
    ...(verbs.includes('create') && verbs.includes('get') && { storageVersionHash: storageVersionHash(kind) }),
  };
  const below = subresources.map((sub) => ({
    name: `${resource}/${sub.name}`, singularName: '', namespaced,
    ...((sub.group !== kind.group || sub.version !== kind.version) && { group: sub.group, version: sub.version }),
    kind: sub.kind, verbs: [...sub.verbs].sort(),
  }));
  return [own, ...below];
}

// ── aggregated ──

type Root = Omit<DiscoveryOptions, 'address'> & { legacy: boolean; isPlain: boolean };

function atRoot(accept: string | undefined, root: Root, older: () => object): Found {
  const { format, isAggregated } = rootForm(accept ?? '', root);
  return isAggregated ? aggregated(root, format) : { body: older(), format };
}

/** Aggregated where any clause of Accept asks for it, whatever stands before; else the first that is plain. StatusError NotAcceptable. */
function rootForm(accept: string, { legacy, isPlain }: Root): { format: Form['format']; isAggregated: boolean } {
  if (accept === '') return { format: 'json', isAggregated: false };
  if (legacy) checkRouted(accept);
  const clauses = parseAccept(accept).flatMap(({ type, params }) => {
    const format = TYPES[type];
    return format === undefined || !isServed(format, params) ? [] : [{ format, params }];
  });
  const whole = clauses.find(({ params: { as, g, v } }) => as === AGGREGATED.as && g === AGGREGATED.g && v === AGGREGATED.v);
  if (whole !== undefined && !isPlain) return { format: whole.format, isAggregated: true };
  const older = clauses.find(({ params }) => (params['as'] ?? params['g'] ?? params['v']) === undefined);
  if (older === undefined) throw notAcceptable();
  return { format: older.format, isAggregated: false };
}

function aggregated({ kinds, remotes, legacy }: Root, format: Form['format']): Found {
  const items = [...groupsOf(kinds, legacy).map(groupDiscovery), ...discoveredGroups(remotes)];
  const etag = `"${hash('sha256', JSON.stringify(items)).toUpperCase()}"`;
  const body = { kind: AGGREGATED.as, apiVersion: `${AGGREGATED.g}/${AGGREGATED.v}`, metadata: {}, items };
  const type = Object.entries(TYPES).find(([, name]) => name === format)?.[0] ?? '';
  return { body, format, contentType: `${type};g=${AGGREGATED.g};v=${AGGREGATED.v};as=${AGGREGATED.as}`, etag };
}

function groupDiscovery({ name, versions }: Group): object {
  const listed = [...versions].map(([version, kinds]) => ({ version, resources: kinds.map(resourceDiscovery), freshness: 'Current' }));
  return { metadata: name === '' ? {} : { name }, versions: listed };
}

function resourceDiscovery(kind: Kind): object {
  const { resource, singular, namespaced, shortNames, categories, subresources } = kind;
  return {
    resource, responseKind: { ...responseOf(kind, kind), kind: kind.kind }, scope: namespaced ? 'Namespaced' : 'Cluster', singularResource: singular, verbs: shownVerbs(kind),
    ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && { subresources: subresources.map((sub) => ({ subresource: sub.name, responseKind: { ...responseOf(kind, sub), kind: sub.kind }, verbs: [...sub.verbs].sort() })) }),
  };
}

/** Empty where it is the resource's own, which clients fill in; custom resources say it. */
function responseOf({ group, version, custom }: Kind, answered: { group: string; version: string }): { group: string; version: string } {
  return custom === undefined && answered.group === group && answered.version === version ? { group: '', version: '' } : { group: answered.group, version: answered.version };
}

/** Custom resources' verbs have upstream's order, and say what is left while their definition is being deleted. */
function shownVerbs({ verbs, custom }: Kind): string[] {
  if (custom === undefined) return [...verbs].sort();
  return custom.terminating ? ['delete', 'deletecollection', 'get', 'list', 'watch'] : ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
}

/** Tells clients that two resources are the same objects: a hash of the kind that is stored (upstream's storageversionhash.go). */
function storageVersionHash({ group, version, kind, custom }: Kind): string {
  const stored = STORED[`${group}/${version}/${kind}`] ?? `${group}/${custom?.storageVersion ?? version}/${kind}`;
  return hash('sha256', stored, 'buffer').subarray(0, 8).toString('base64');
}

const STORED: Readonly<Record<string, string>> = {
  'events.k8s.io/v1/Event': '/v1/Event',
  'autoscaling/v1/HorizontalPodAutoscaler': 'autoscaling/v2/HorizontalPodAutoscaler',
  'apiextensions.k8s.io/v1/CustomResourceDefinition': 'apiextensions.k8s.io/v1beta1/CustomResourceDefinition',
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicyBinding',
};
