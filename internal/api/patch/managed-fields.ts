// Tracks who owns which fields through creates, updates and patches: what a write changed becomes its manager's, and nobody else's.
// Runs at every write, so what did not change is shared with the live object rather than written anew.
import { sameJson } from '../json-equality.ts';
import type { KubeObject, ManagedFieldsEntry } from '../meta.ts';
import type { Definition, Schemas } from '../schema.ts';
import { compareObjects, type Delta } from './compare.ts';
import { capUpdates, credit, decodeOwners, encodeOwners, ignoredFields, type Owners } from './field-owners.ts';
import { UnknownItem } from './field-shape.ts';
import { deltasOf, forgetGone, type OtherVersions } from './other-versions.ts';

export interface UpdateRecord {
  live?: KubeObject;
  next: KubeObject;
  manager: string;
  definition: Definition;
  schemas: Schemas;
  subresource: string;
  versions?: OtherVersions;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Sets `next.metadata.managedFields`. Never fails: an object whose fields cannot be told apart goes without. */
export function recordUpdate({ live, next, manager, definition, schemas, subresource, versions, now }: UpdateRecord): void {
  const before = ownersBefore(live, next, subresource);
  const { metadata } = next;
  if (before.owners.size === 0 && live !== undefined) return void delete metadata.managedFields; // tracking starts at creation or with an apply
  const found = forgetGone(before.owners, versions);
  if (found === 'unreadable') return void delete metadata.managedFields;
  const delta = deltaOf(live ?? {}, next, { definition, schemas, ignored: ignoredFields(definition, subresource) });
  if (delta === 'unknown') return void delete metadata.managedFields;
  if (delta === undefined && before.entries !== undefined && found === 'same') {
    metadata.managedFields = before.entries;
    return;
  }
  if (delta !== undefined) credit(before.owners, delta, { manager: manager === '' ? 'unknown' : manager, apiVersion: next.apiVersion, subresource, now, deltaIn: deltasOf({ live, next, delta, apiVersion: next.apiVersion, versions, schemas, subresource }) });
  capUpdates(before.owners);
  const entries = encodeOwners(before.owners);
  if (entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries;
}

function deltaOf(live: object, next: object, options: Parameters<typeof compareObjects>[2]): Delta | undefined | 'unknown' {
  try {
    return compareObjects(live, next, options);
  } catch (error) {
    if (error instanceof UnknownItem) return 'unknown';
    throw error;
  }
}

/** The owners to start from; `entries` where they are the live object's own, to be kept as they are if nothing changed. */
function ownersBefore(live: KubeObject | undefined, next: KubeObject, subresource: string): { owners: Owners; entries?: ManagedFieldsEntry[] } {
  const mine = live?.metadata.managedFields;
  const given = next.metadata.managedFields;
  if (subresource === '' && given !== undefined && given !== null && !sameJson(given, mine)) {
    if (isReset(given)) return { owners: new Map() };
    const owners = decodeOwners(given);
    if (typeof owners !== 'string' && owners.size > 0) return { owners };
  }
  const owners = decodeOwners(mine);
  if (typeof owners === 'string') return { owners: new Map() };
  return { owners, ...(mine !== undefined && { entries: mine }) };
}

/** An empty list, or one with an empty entry, asks to forget who owned what. */
function isReset(entries: readonly ManagedFieldsEntry[]): boolean {
  const [only] = entries;
  return only === undefined || (entries.length === 1 && Object.values(only).every((value) => value === undefined || value === null || value === ''));
}
