// Writes records into a message that grows as needed, with names compressed (RFC 1035) against the question and each other.
import { addressBytes } from './address.ts';
import { CLASS_IN, DO, HEADER, OPT_BYTES, questionOf, TYPE, UDP_SIZE, type Question, type RecordData, type ResourceRecord } from './record.ts';

export interface Writer {
  /** Writes as many as fit, and says how many. */
  records(records: readonly ResourceRecord[]): number;
  option(extendedCode: number, dnssecOk: boolean): void;
  finish(header: readonly number[]): Buffer;
}

const POINTER = 0xc000;
const FIRST_BYTES = 512;

export function createWriter(question: Question | undefined, limit: number): Writer {
  const bytes = createGrowing();
  const names = new Map<string, number>();
  if (question !== undefined) {
    bytes.raw(question.bytes);
    rememberQuestion(question, names);
  }
  return {
    records(records) {
      for (const [index, each] of records.entries()) {
        const before = bytes.at();
        writeRecord(each, bytes, names);
        if (bytes.at() <= limit) continue;
        bytes.backTo(before);
        for (const [suffix, offset] of names) if (offset >= before) names.delete(suffix);
        return index;
      }
      return records.length;
    },
    option: (extendedCode, dnssecOk) => bytes.raw(optionRecord(extendedCode, dnssecOk)),
    finish(header) {
      header.forEach((value, index) => bytes.set16(value, index * 2));
      return bytes.all();
    },
  };
}

export function optionRecord(extendedCode: number, dnssecOk: boolean): Buffer {
  const record = Buffer.alloc(OPT_BYTES);
  record.writeUInt16BE(TYPE.OPT, 1);
  record.writeUInt16BE(UDP_SIZE, 3);
  record.writeUInt8(extendedCode, 5);
  record.writeUInt16BE(dnssecOk ? DO : 0, 7);
  return record;
}

type Growing = ReturnType<typeof createGrowing>;

function createGrowing() {
  let bytes = Buffer.alloc(FIRST_BYTES);
  let at = HEADER;
  const room = (count: number): void => {
    if (at + count > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(Math.max(bytes.length, count))]);
  };
  return {
    at: () => at,
    all: (): Buffer => bytes.subarray(0, at),
    backTo: (offset: number): void => void (at = offset),
    set16: (value: number, offset: number): void => void bytes.writeUInt16BE(value, offset),
    number16(value: number): void {
      room(2);
      at = bytes.writeUInt16BE(value, at);
    },
    number32(value: number): void {
      room(4);
      at = bytes.writeUInt32BE(value >>> 0, at);
    },
    raw(part: Uint8Array): void {
      room(part.length);
      bytes.set(part, at);
      at += part.length;
    },
  };
}

function rememberQuestion({ labels }: Question, names: Map<string, number>): void {
  let offset = HEADER;
  labels.forEach((label, index) => {
    const rest = labels.slice(index);
    // A label with a dot in it would read as two.
    if (!rest.some((part) => part.includes('.'))) names.set(rest.join('.'), offset);
    offset += label.length + 1;
  });
}

function writeRecord({ name, ttl, data }: ResourceRecord, bytes: Growing, names: Map<string, number>): void {
  if (name === undefined) bytes.number16(POINTER | HEADER);
  else writeName(name, bytes, names);
  [data.type, CLASS_IN].forEach(bytes.number16);
  bytes.number32(ttl);
  bytes.number16(0);
  const start = bytes.at();
  writeData(data, bytes, names);
  bytes.set16(bytes.at() - start, start - 2);
}

function writeData(data: RecordData, bytes: Growing, names: Map<string, number>): void {
  switch (data.type) {
    case TYPE.A:
    case TYPE.AAAA:
      return bytes.raw(addressBytes(data.address) ?? Buffer.alloc(data.type === TYPE.A ? 4 : 16));
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.NS:
      return writeName(data.target, bytes, names);
    case TYPE.SRV:
      [data.priority, data.weight, data.port].forEach(bytes.number16);
      // Never compressed (RFC 2782).
      return bytes.raw(questionOf(data.target.split('.'), 0).subarray(0, -4));
    case TYPE.TXT:
      bytes.raw(Buffer.from([Buffer.byteLength(data.text)]));
      return bytes.raw(Buffer.from(data.text));
    case TYPE.SOA:
      writeName(data.primary, bytes, names);
      writeName(data.mailbox, bytes, names);
      // Refresh, retry and expiry are for secondary servers, of which there are none.
      return [data.serial, 7200, 1800, 86_400, data.negativeTtl].forEach(bytes.number32);
  }
}

function writeName(name: string, bytes: Growing, names: Map<string, number>): void {
  const labels = name.split('.');
  for (const [index, label] of labels.entries()) {
    const rest = labels.slice(index).join('.').toLowerCase();
    const known = names.get(rest);
    if (known !== undefined) return bytes.number16(POINTER | known);
    if (bytes.at() < 0x4000) names.set(rest, bytes.at());
    bytes.raw(Buffer.from([label.length]));
    bytes.raw(Buffer.from(label, 'latin1'));
  }
  bytes.raw(Buffer.from([0]));
}
