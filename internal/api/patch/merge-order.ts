// The order of a merged list: what the patch names stands in the patch's order, the rest keeps the live order,
// and the two are woven together where the live order tells how.

/** What tells one item from another: the item itself, or the value of its merge key. */
export type Identity = (item: unknown) => unknown;

export function orderMerged(merged: readonly unknown[], { wanted, live, identity }: { wanted: readonly unknown[]; live: readonly unknown[]; identity: Identity }): unknown[] {
  const wantedPlaces = places(wanted, identity);
  const livePlaces = places(live, identity);
  const named = merged.filter((item) => wantedPlaces.has(identity(item)));
  const others = merged.filter((item) => !wantedPlaces.has(identity(item)));
  return weave(sortBy(others, livePlaces, identity), sortBy(named, wantedPlaces, identity), (item) => livePlaces.get(identity(item)));
}

function places(list: readonly unknown[], identity: Identity): Map<unknown, number> {
  const result = new Map<unknown, number>();
  for (const [index, item] of list.entries()) {
    const key = identity(item);
    if (!result.has(key)) result.set(key, index);
  }
  return result;
}

function sortBy(items: readonly unknown[], order: ReadonlyMap<unknown, number>, identity: Identity): unknown[] {
  const place = (item: unknown): number => order.get(identity(item)) ?? -1;
  return items.toSorted((a, b) => place(a) - place(b));
}

// An item of `others` goes before the first named one that stands behind it in the live list; unknown places yield to the named.
function weave(others: readonly unknown[], named: readonly unknown[], livePlace: (item: unknown) => number | undefined): unknown[] {
  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const bound = livePlace(item);
    for (; next < others.length; next++) {
      const place = livePlace(others[next]);
      if (place === undefined || bound === undefined || place >= bound) break;
      result.push(others[next]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}
