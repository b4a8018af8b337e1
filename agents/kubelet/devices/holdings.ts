// Which container holds which devices, and what their plugin said goes into the container with them. A value that is kept in a file (checkpoint.ts).

/** Ids by NUMA node; `-1` where a device has none. A device of several nodes is listed under each. */
export type DevicesByNode = Record<string, string[]>;

export interface Holding {
  uid: string;
  container: string;
  resource: string;
  devices: DevicesByNode;
  /** A ContainerAllocateResponse, as it came. */
  response: Uint8Array;
}

export interface Holdings {
  all(): readonly Holding[];
  of(uid: string, container: string): Holding[];
  find(uid: string, container: string, resource: string): Holding | undefined;
  /** Ids of a resource that anybody holds. */
  inUse(resource: string): Set<string>;
  holdersOf(resource: string, ids: readonly string[]): string[];
  add(holding: Holding): void;
  /** Of pods that are not among these, nothing is kept. */
  keepOnly(uids: ReadonlySet<string>): void;
  /** Tells whether the pod held anything. */
  drop(uid: string): boolean;
}

export function createHoldings(known: readonly Holding[] = []): Holdings {
  let holdings = [...known];
  return {
    all: () => holdings,
    of: (uid, container) => holdings.filter((holding) => holding.uid === uid && holding.container === container),
    find: (uid, container, resource) => holdings.find((holding) => holding.uid === uid && holding.container === container && holding.resource === resource),
    inUse: (resource) => new Set(holdings.filter((holding) => holding.resource === resource).flatMap(idsOf)),
    holdersOf: (resource, ids) => [...new Set(holdings.filter((holding) => holding.resource === resource && idsOf(holding).some((id) => ids.includes(id))).map(({ uid }) => uid))],
    add: (holding) => void holdings.push(holding),
    keepOnly: (uids) => void (holdings = holdings.filter(({ uid }) => uids.has(uid))),
    drop(uid) {
      const before = holdings.length;
      holdings = holdings.filter((holding) => holding.uid !== uid);
      return holdings.length < before;
    },
  };
}

export function idsOf({ devices }: Pick<Holding, 'devices'>): string[] {
  return [...new Set(Object.values(devices).flat())];
}
