// What DNS messages are made of: questions, records, and the numbers of the wire (RFC 1035, EDNS0 of RFC 6891).

export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;
export const CLASS_IN = 1;

/** What we send over UDP at most: fits every path without fragments (DNS flag day 2020). */
export const UDP_SIZE = 1232;
/** Bytes of a message before its question. */
export const HEADER = 12;
/** Of EDNS: answers with their signatures are wanted. */
export const DO = 0x8000;
/** Of the record that EDNS is. */
export const OPT_BYTES = 11;

export type RecordData =
  | { type: typeof TYPE.A | typeof TYPE.AAAA; address: string }
  | { type: typeof TYPE.CNAME | typeof TYPE.PTR | typeof TYPE.NS; target: string }
  | { type: typeof TYPE.SRV; priority: number; weight: number; port: number; target: string }
  | { type: typeof TYPE.TXT; text: string }
  | { type: typeof TYPE.SOA; primary: string; mailbox: string; serial: number; negativeTtl: number };

export interface ResourceRecord {
  /** Without the dot at the end. Absent: the name that was asked. */
  name?: string;
  /** Seconds. */
  ttl: number;
  data: RecordData;
}

export interface Question {
  /** Lower case, in order as written: www, example, com. A dot within a label is kept in it. */
  labels: string[];
  type: number;
  class: number;
  /** The question section as it came. */
  bytes: Buffer;
}

export function questionOf(labels: readonly string[], type: number): Buffer {
  const name = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...name, Buffer.from([0, type >> 8, type & 255, 0, CLASS_IN])]);
}
