// Pod addresses of this node, out of its podCIDR: one small file that is on disk before an address is used, so that no two sandboxes
// share one, whatever dies when. Addresses are handed out round, so that a fresh pod does not get the address of one just gone; a pod that
// gets another sandbox (the machine was booted anew) has its own again, so that Services lead to it before their controller knows.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';

export interface AddressBook {
  /** The sandbox's address; the same one when asked again, and if it can be for another sandbox of the pod. Throws when the network is used up. */
  take(sandboxId: string, podUid: string): string;
  of(sandboxId: string): string | undefined;
  free(sandboxId: string): void;
  sandboxes(): string[];
}

interface Saved {
  last: number;
  taken: Record<string, string>;
  /** What pods had last, by uid; the newest are the last. */
  pods?: Record<string, string>;
}

/** The first address is the gateway's in other networks: left out, as the last (broadcast) is. */
const FIRST_HOST = 2;
const PODS_MAX = 128;

export function openAddressBook(directory: string, podCidr: string): AddressBook {
  const path = join(directory, 'addresses.json');
  const saved = read(path);
  const [base = '', bits = '24'] = podCidr.split('/');
  const network = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  // Of another network (the node was given a new podCIDR): those sandboxes are gone with it.
  const isOurs = ([, address]: [string, string]): boolean => toNumber(address) >= network && toNumber(address) < network + size;
  const taken = new Map(Object.entries(saved.taken).filter(isOurs));
  const pods = new Map(Object.entries(saved.pods ?? {}).filter(isOurs));
  let last = saved.last;
  // Not synced: after a power cut no sandbox is left that could hold one.
  const save = (): void => writeFileAtomically(path, JSON.stringify({ last, taken: Object.fromEntries(taken), pods: Object.fromEntries(pods) }), { sync: false });
  const give = (sandboxId: string, podUid: string, address: string): string => {
    for (const [uid, had] of pods) if (had === address || uid === podUid || pods.size >= PODS_MAX) pods.delete(uid);
    pods.set(podUid, address);
    taken.set(sandboxId, address);
    save();
    return address;
  };
  return {
    of: (sandboxId) => taken.get(sandboxId),
    sandboxes: () => [...taken.keys()],
    take(sandboxId, podUid) {
      const held = taken.get(sandboxId);
      if (held !== undefined) return held;
      const used = new Set(taken.values());
      const before = pods.get(podUid);
      if (before !== undefined && !used.has(before)) return give(sandboxId, podUid, before);
      for (let step = 1; step < size; step++) {
        const offset = (last + step) % size;
        if (offset < FIRST_HOST || offset === size - 1) continue;
        const address = toText(network + offset);
        if (used.has(address)) continue;
        last = offset;
        return give(sandboxId, podUid, address);
      }
      throw new Error(`no free address in ${podCidr}: ${String(taken.size)} are in use`);
    },
    free(sandboxId) {
      if (taken.delete(sandboxId)) save();
    },
  };
}

function read(path: string): Saved {
  try {
    return JSON.parse(readFileIfThere(path) ?? '') as Saved;
  } catch {
    return { last: FIRST_HOST - 1, taken: {} }; // none yet, or cut off by a power failure: then no sandbox is left either
  }
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
