// Lists in a strategic merge: of objects, matched by their merge key; of primitives, united; and the order of both.
import { dropNulls, isMembers, own, type Members } from './members.ts';
import { orderMerged, type Identity } from './merge-order.ts';
import { goFormat, goType, internal, unprocessable, wrongType } from './strategic-schema.ts';

export interface ListMerge {
  mergeKey: string;
  /** The patch lists primitives to take out. */
  deletes: boolean;
  /** For the message when there is no merge key. */
  elementKind: string;
  merge(item: Members, change: Members): Members;
}

export function mergeLists(live: unknown[], patch: unknown[], { mergeKey, deletes, elementKind, merge }: ListMerge): unknown[] {
  if (live.length === 0 && patch.length === 0) return live;
  if (elementType(live, patch) !== 'map[string]interface {}') {
    if (deletes) return live.filter((item) => !patch.includes(item));
    return orderMerged([...new Set([...live, ...patch])], { wanted: patch, live, identity: (item) => item });
  }
  if (mergeKey === '') throw internal(`cannot merge lists without merge key for ${elementKind === 'object' ? 'struct' : elementKind}`);
  const { kept, changes } = obeyDirectives(live as Members[], patch as Members[], mergeKey);
  const merged = [...kept];
  for (const change of changes) {
    const key = keyIn(change, mergeKey);
    const index = merged.findIndex((item) => own(item, mergeKey) === key);
    const found = merged[index];
    if (found === undefined) merged.push(dropNulls(change));
    else merged[index] = merge(found, change);
  }
  return orderByKey(merged, { order: changes, live: kept, mergeKey });
}

/** The items that `$patch: delete` leaves, and the changes that are left to make. */
function obeyDirectives(live: Members[], patch: Members[], mergeKey: string): { kept: Members[]; changes: Members[] } {
  let kept = live;
  let replaces = false;
  const changes: Members[] = [];
  for (const item of patch) {
    const directive = own(item, '$patch');
    if (directive === undefined) changes.push(item);
    else if (directive === 'replace') replaces = true;
    else if (directive === 'delete') {
      const key = keyIn(item, mergeKey);
      kept = kept.filter((candidate) => own(candidate, mergeKey) !== key);
    } else if (directive === 'merge') throw internal('merging lists cannot yet be specified in the patch');
    else throw wrongType.patch(directive, item);
  }
  return replaces ? { kept: changes, changes: [] } : { kept, changes };
}

/** Puts a merged list into the order that `$setElementOrder` gives. */
export function ordered(merged: unknown[], { order, live, patch, mergeKey }: { order: unknown[]; live: unknown[]; patch: unknown[]; mergeKey: string }): unknown[] {
  if (live.length === 0 && patch.length === 0) throw internal('no elements in any of the given slices');
  elementType(live, patch);
  return mergeKey === '' ? orderMerged(merged, { wanted: order, live, identity: (item) => item }) : orderByKey(merged, { order, live, mergeKey });
}

function orderByKey(merged: unknown[], { order, live, mergeKey }: { order: unknown[]; live: unknown[]; mergeKey: string }): unknown[] {
  const identity: Identity = (item) => {
    if (!isMembers(item)) throw wrongType.members(item);
    return keyIn(item, mergeKey);
  };
  return orderMerged(merged, { wanted: order, live, identity });
}

/** What a patch changes in a list stands in the same relative order in `$setElementOrder`, and nothing of it is missing there. */
export function checkOrder(patch: unknown[], order: unknown[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return;
  const named = mergeKey === '' ? patch : patch.filter((item) => {
    if (!isMembers(item)) throw wrongType.members(item);
    return own(item, '$patch') !== 'delete';
  });
  let next = 0;
  for (let place = 0; next < named.length && place < order.length;) {
    const item = named[next];
    if (isMembers(item) && Object.hasOwn(item, '$patch')) next++; // seen only before the order ends, as upstream does
    else if (identityOf(item, mergeKey) === identityOf(order[place++], mergeKey)) next++;
  }
  if (next < named.length) throw internal(`The order in patch list:\n${goFormat(patch)}\n doesn't match $setElementOrder list:\n${goFormat(order)}\n`);
}

function identityOf(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item;
  if (!isMembers(item)) throw wrongType.members(item);
  return keyIn(item, mergeKey);
}

function keyIn(item: Members, mergeKey: string): unknown {
  const key = own(item, mergeKey);
  if (key === undefined) throw wrongType.mergeKey(item, mergeKey);
  return key;
}

/** The one type that all items have. */
function elementType(...lists: unknown[][]): string {
  let type = '';
  for (const item of lists.flat(1)) {
    const found = goType(item);
    if (Array.isArray(item)) throw unprocessable(new Error('lists of lists are not supported'));
    if (type !== '' && found !== type) throw internal(`list element types are not identical: ${goFormat(lists)}`);
    type = found;
  }
  return type;
}
