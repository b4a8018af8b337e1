// DNS messages on the wire (RFC 1035, EDNS0 of RFC 6891): reads one question, writes an answer. Only the record types that a cluster's
// names have. Names of the question are compared in lower case and given back as they were asked, by pointing at the question.
import { createWriter, optionRecord } from './message-writer.ts';
import { DO, HEADER, OPT_BYTES, TYPE, UDP_SIZE, type Question, type ResourceRecord } from './record.ts';

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

const UDP_SIZE_WITHOUT_EDNS = 512;
const QR = 0x8000, AA = 0x0400, TC = 0x0200, RD = 0x0100, RA = 0x0080, CD = 0x0010;

export interface Query {
  id: number;
  opcode: number;
  recursionDesired: boolean;
  checkingDisabled: boolean;
  /** Absent where the message has another number of questions than one, or a broken one. */
  question?: Question;
  edns?: { size: number; version: number; dnssecOk: boolean };
}

export interface Reply {
  /** RCODE, extended ones where the query has EDNS. */
  code: number;
  authoritative?: boolean;
  answers?: ResourceRecord[];
  authority?: ResourceRecord[];
  additional?: ResourceRecord[];
}

/** undefined: not a query, and not to be answered (too short to have an id, or an answer itself). */
export function decodeQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < HEADER) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & QR) !== 0) return undefined;
  const query: Query = { id: bytes.readUInt16BE(0), opcode: (flags >> 11) & 15, recursionDesired: (flags & RD) !== 0, checkingDisabled: (flags & CD) !== 0 };
  if (query.opcode !== 0 || bytes.readUInt16BE(4) !== 1) return query;
  try {
    const question = readQuestion(bytes);
    const edns = readEdns(bytes);
    return { ...query, question, ...(edns !== undefined && { edns }) };
  } catch (error) {
    if (error instanceof RangeError) return query;
    throw error;
  }
}

/** The most bytes that an answer over UDP may have. */
export function udpLimit({ edns }: Query): number {
  return edns === undefined ? UDP_SIZE_WITHOUT_EDNS : Math.min(Math.max(edns.size, UDP_SIZE_WITHOUT_EDNS), UDP_SIZE);
}

/** Whole records up to `limit` bytes; where one of answer or authority does not fit, the message says that it is truncated. */
export function encodeReply(query: Query, reply: Reply, limit: number): Buffer {
  const writer = createWriter(query.question, limit - (query.edns === undefined ? 0 : OPT_BYTES));
  const answers = writer.records(reply.answers ?? []);
  const authority = writer.records(reply.authority ?? []);
  const cut = answers < (reply.answers?.length ?? 0) || authority < (reply.authority?.length ?? 0);
  const additional = cut ? 0 : writer.records(reply.additional ?? []);
  if (query.edns !== undefined) writer.option(reply.code >> 4, query.edns.dnssecOk);
  const flags = QR | (query.opcode << 11) | (reply.authoritative === true ? AA : 0) | (cut ? TC : 0) | (query.recursionDesired ? RD : 0) | RA | (query.checkingDisabled ? CD : 0) | (reply.code & 15);
  return writer.finish([query.id, flags, query.question === undefined ? 0 : 1, answers, authority, additional + (query.edns === undefined ? 0 : 1)]);
}

/** A query for an upstream resolver: the client's question, with EDNS of our own where the client had it. */
export function encodeQuery(id: number, question: Buffer, options: { edns: boolean; dnssecOk: boolean; checkingDisabled: boolean }): Buffer {
  const header = Buffer.alloc(HEADER);
  [id, RD | (options.checkingDisabled ? CD : 0), 1, 0, 0, options.edns ? 1 : 0].forEach((value, index) => header.writeUInt16BE(value, index * 2));
  return Buffer.concat([header, question, ...(options.edns ? [optionRecord(0, options.dnssecOk)] : [])]);
}

/** Just the head of an answer and the question, with the sign to come again over TCP. */
export function truncated(message: Buffer, questionBytes: number): Buffer {
  const head = Buffer.from(message.subarray(0, HEADER + questionBytes));
  head.writeUInt16BE(head.readUInt16BE(2) | TC, 2);
  head.fill(0, 6, HEADER);
  return head;
}

export function isTruncated(message: Buffer): boolean {
  return (message.readUInt16BE(2) & TC) !== 0;
}

/** Whether this is an answer to that query: same id, same question. */
export function answersQuery(message: Buffer, query: Buffer, questionBytes: number): boolean {
  if (message.length < HEADER + questionBytes || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((message.readUInt16BE(2) & QR) === 0 || message.readUInt16BE(4) !== 1) return false;
  const text = (bytes: Buffer): string => bytes.toString('latin1', HEADER, HEADER + questionBytes).toLowerCase();
  return text(message) === text(query);
}

export interface WireRecord {
  labels: string[];
  type: number;
  ttl: number;
  ttlOffset: number;
  dataOffset: number;
  dataBytes: number;
  section: 'answer' | 'authority' | 'additional';
}

/** The records of a message from elsewhere. Throws RangeError where it is broken. */
export function recordsOf(message: Buffer): WireRecord[] {
  let offset = HEADER;
  for (let left = message.readUInt16BE(4); left > 0; left--) offset = readName(message, offset).end + 4;
  const records: WireRecord[] = [];
  for (const [index, section] of (['answer', 'authority', 'additional'] as const).entries()) {
    for (let left = message.readUInt16BE(6 + index * 2); left > 0; left--) {
      const { labels, end } = readName(message, offset);
      const dataBytes = message.readUInt16BE(end + 8);
      records.push({ labels, type: message.readUInt16BE(end), ttl: message.readUInt32BE(end + 4), ttlOffset: end + 4, dataOffset: end + 10, dataBytes, section });
      offset = end + 10 + dataBytes;
      if (offset > message.length) throw new RangeError('a record ends after its message');
    }
  }
  return records;
}

/** Reads a name, following pointers. Throws RangeError where it leaves the message, loops, or is longer than a name may be. */
export function readName(message: Buffer, start: number): { labels: string[]; end: number } {
  const labels: string[] = [];
  let [offset, end, size] = [start, -1, 0];
  for (;;) {
    const length = message.readUInt8(offset);
    if (length >= 0xc0) {
      if (end < 0) end = offset + 2;
      const target = message.readUInt16BE(offset) & 0x3fff;
      if (target >= offset) throw new RangeError('a name points forward');
      offset = target;
      // Labels between a pointer's target and the pointer could be met again and again: what is counted ends that.
      size += 2;
    } else if (length > 63) {
      throw new RangeError('a label of an unknown kind');
    } else if (length === 0) {
      return { labels, end: end < 0 ? offset + 1 : end };
    } else {
      if (offset + 1 + length > message.length) throw new RangeError('a label ends after its message');
      labels.push(message.toString('latin1', offset + 1, offset + 1 + length).toLowerCase());
      offset += 1 + length;
      size += 1 + length;
    }
    if (size > 254) throw new RangeError('a name of more than 255 bytes');
  }
}

function readQuestion(bytes: Buffer): Question {
  const { labels, end } = readName(bytes, HEADER);
  const question = { labels, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2), bytes: bytes.subarray(HEADER, end + 4) };
  // A pointer in the first name of a message can only be a mistake; the question is given back as it stands, so it must be plain.
  if (end - HEADER !== labels.reduce((sum, label) => sum + label.length + 1, 1)) throw new RangeError('a question with pointers');
  return question;
}

function readEdns(bytes: Buffer): Query['edns'] {
  if (bytes.readUInt16BE(10) === 0) return undefined;
  const option = recordsOf(bytes).find(({ type, section }) => type === TYPE.OPT && section === 'additional');
  if (option === undefined) return undefined;
  return { size: bytes.readUInt16BE(option.ttlOffset - 2), version: bytes.readUInt8(option.ttlOffset + 1), dnssecOk: (bytes.readUInt16BE(option.ttlOffset + 2) & DO) !== 0 };
}
