// What is known of a name: that it exists, and its records of the type that was asked for.
import { isIPv4 } from 'node:net';
import { TYPE, type RecordData, type ResourceRecord } from './record.ts';

export interface Found {
  /** false: no such name, nor one below it (NXDOMAIN). */
  exists: boolean;
  answers: ResourceRecord[];
  additional?: ResourceRecord[];
}

/** Seconds; as CoreDNS' default: short, as Services come and go. */
export const TTL = 5;
export const MISSING: Found = { exists: false, answers: [] };
export const EMPTY: Found = { exists: true, answers: [] };

export function ofTypes(type: number, data: readonly RecordData[]): Found {
  return { exists: true, answers: data.filter((each) => type === each.type || type === TYPE.ANY).map((each) => ({ ttl: TTL, data: each })) };
}

export function addressData(address: string): RecordData {
  return { type: isIPv4(address) ? TYPE.A : TYPE.AAAA, address };
}
