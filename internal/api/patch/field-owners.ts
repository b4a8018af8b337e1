// Who owns which fields of an object: metadata.managedFields, read into owners by identity and written back in upstream's order.
// An owner is a manager's name with its operation and subresource, and for updates the version it wrote in.
import type { Definition } from '../schema.ts';
import { formatTime, type JsonObject, type ManagedFieldsEntry } from '../meta.ts';
import { difference, inOrder, union, type FieldNode, type FieldSet } from './field-set.ts';
import type { Delta, Ignored } from './compare.ts';
import { isMembers } from './members.ts';

export interface Owner {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
  time?: string | undefined;
  fields: FieldSet;
  /** What it was read from, given back where nothing changed. */
  entry?: ManagedFieldsEntry;
}
export type Owners = Map<string, Owner>;

const UPDATE_OWNERS_MAX = 10;
const OLDEST = 'ancient-changes';

/** Fields that nobody owns: what the server sets, and what identifies the object. */
export const UNOWNED: Ignored = {
  '': new Set(['apiVersion', 'kind']),
  metadata: new Set(['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion']),
};

const STATUS_RESETS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['labels'],
  Pod: ['deletionTimestamp', 'ownerReferences'],
};
// Their status is written without any of the metadata.
const STATUS_WITHOUT_METADATA: ReadonlySet<string> = new Set(['FlowSchema', 'PriorityLevelConfiguration', 'ResourceClaim', 'ServiceCIDR', 'ValidatingAdmissionPolicy', 'VolumeAttachment']);

/** What a write through the subresource does not change, whatever it says. */
export function resetFields({ fields, kind, custom }: Definition, subresource: string): Ignored {
  if (subresource === '') return { '': new Set((custom?.statusApart ?? fields.has('status')) ? ['status'] : []) };
  if (subresource !== 'status') return {};
  const name = kind?.kind ?? '';
  return { '': new Set(['spec', ...(custom !== undefined || STATUS_WITHOUT_METADATA.has(name) ? ['metadata'] : [])]), metadata: new Set(STATUS_RESETS[name]) };
}

const ignored = new WeakMap<Definition, Map<string, Ignored>>();

/** Everything that a comparison for ownership leaves out. */
export function ignoredFields(definition: Definition, subresource: string): Ignored {
  let bySubresource = ignored.get(definition);
  if (bySubresource === undefined) ignored.set(definition, (bySubresource = new Map<string, Ignored>()));
  const known = bySubresource.get(subresource);
  if (known !== undefined) return known;
  const resets = resetFields(definition, subresource);
  const both: Ignored = { '': new Set([...(UNOWNED[''] ?? []), ...(resets[''] ?? [])]), metadata: new Set([...(UNOWNED['metadata'] ?? []), ...(resets['metadata'] ?? [])]) };
  bySubresource.set(subresource, both);
  return both;
}

export function identityOf({ manager, operation, apiVersion, subresource }: Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  return JSON.stringify({
    ...(manager !== '' && { manager }), operation, ...(operation === 'Update' && { apiVersion }), ...(subresource !== '' && { subresource }),
  });
}

/** The owners of managedFields, or why they cannot be read. */
export function decodeOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owners | string {
  const owners: Owners = new Map();
  for (const [index, entry] of (entries ?? []).entries()) {
    const { manager = '', operation, apiVersion = '', subresource = '', time, fieldsType = '', fieldsV1 } = entry;
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
    if (apiVersion === '') return 'apiVersion must not be empty';
    if (fieldsType === '') return `missing fieldsType in managed fields entry ${String(index)}`;
    if (fieldsType !== 'FieldsV1') return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${String(index)}`;
    if (fieldsV1 !== undefined && !isFieldNode(fieldsV1)) return `error decoding set of managed fields entry ${String(index)}`;
    const fields = fieldsV1 === undefined || Object.keys(fieldsV1).length === 0 ? undefined : (fieldsV1 as unknown as FieldNode);
    const owner: Owner = { manager, operation, apiVersion, subresource, time: time ?? undefined, fields, entry };
    owners.set(identityOf(owner), owner);
  }
  return owners;
}

// What is frozen was looked at when it was stored.
function isFieldNode(value: unknown): boolean {
  if (!isMembers(value)) return false;
  return Object.isFrozen(value) || Object.entries(value).every(([element, node]) => (element === '.' || /^[fkvi]:/.test(element)) && isFieldNode(node));
}

export function encodeOwners(owners: Owners): ManagedFieldsEntry[] {
  const sorted = [...owners.values()].toSorted((a, b) => compare(a.operation, b.operation) || secondsOf(a) - secondsOf(b)
    || compare(a.manager, b.manager) || compare(a.apiVersion, b.apiVersion) || compare(a.subresource, b.subresource));
  return sorted.flatMap((owner) => (owner.fields === undefined ? [] : [entryOf(owner, owner.fields)]));
}

function entryOf({ manager, operation, apiVersion, subresource, time, entry }: Owner, fields: FieldNode): ManagedFieldsEntry {
  if (entry !== undefined && entry.fieldsV1 === (fields as unknown) && entry.time === time && entry.apiVersion === apiVersion && Object.isFrozen(entry)) return entry;
  return {
    ...(manager !== '' && { manager }), operation, apiVersion, ...(time !== undefined && { time }), fieldsType: 'FieldsV1', fieldsV1: inOrder(fields) as unknown as JsonObject,
    ...(subresource !== '' && { subresource }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function secondsOf({ time }: Owner): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

/** Takes what changed, as each owner's version shows it, from all owners but one. */
export function disown(owners: Owners, deltaIn: (apiVersion: string) => Delta | undefined, keeper?: string): void {
  for (const [identity, owner] of owners) {
    const delta = identity === keeper ? undefined : deltaIn(owner.apiVersion);
    if (delta === undefined) continue;
    const { changed, removed } = delta;
    const fields = difference(difference(owner.fields, changed), removed);
    if (fields === undefined) owners.delete(identity);
    else if (fields !== owner.fields) owners.set(identity, { ...owner, fields });
  }
}

/** Credits an update: its owner has what changed besides what it had. Removals leave nothing to own. */
export function credit(owners: Owners, delta: Delta, { now, deltaIn = () => delta, ...who }: Pick<Owner, 'manager' | 'apiVersion' | 'subresource'> & { now: number; deltaIn?: (apiVersion: string) => Delta | undefined }): void {
  const { changed, removed } = delta;
  const update = { ...who, operation: 'Update' as const };
  const identity = identityOf(update);
  const previous = owners.get(identity);
  disown(owners, deltaIn, identity);
  const left = difference(previous?.fields, removed);
  const fields = union(left, changed);
  if (fields === undefined) owners.delete(identity);
  else owners.set(identity, { ...previous, ...update, fields, time: changed === undefined ? previous?.time : formatTime(now) });
}

/** Merges the oldest updates of a version into one entry, until no more than ten are left. */
export function capUpdates(owners: Owners): void {
  const updates = [...owners].filter(([, { operation }]) => operation === 'Update');
  let count = updates.length;
  if (count <= UPDATE_OWNERS_MAX) return;
  updates.sort(([a, left], [b, right]) => secondsOf(left) - secondsOf(right) || compare(a, b));
  const firsts = new Map<string, string>();
  for (const [identity, owner] of updates) {
    if (count <= UPDATE_OWNERS_MAX) return;
    const { apiVersion, time } = owner;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, identity);
      continue;
    }
    const bucket: Owner = { manager: OLDEST, operation: 'Update', apiVersion, subresource: '', time, fields: undefined };
    const place = identityOf(bucket);
    const held = owners.get(place) ?? owners.get(first);
    if (!owners.has(place)) owners.delete(first);
    if (identity !== place) owners.delete(identity);
    owners.set(place, { ...bucket, fields: union(owner.fields, held?.fields) });
    count--;
  }
}
