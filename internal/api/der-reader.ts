// ASN.1 DER taken apart (X.690), as far as certificates and their requests need it: definite lengths, tags below 31. What does not hold together
// is an error, never a guess. (internal/cluster/der.ts writes.)

export interface DerValue {
  /** The whole first byte: class, constructed, number. */
  tag: number;
  /** What it holds, without tag and length. */
  body: Buffer;
  /** With tag and length. */
  raw: Buffer;
}

export const TAG = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const;

/** The one value that these bytes are. */
export function readDer(bytes: Buffer): DerValue {
  const value = readAt(bytes, 0);
  if (value.raw.length !== bytes.length) throw new Error('asn1: syntax error: trailing data');
  return value;
}

/** What a sequence or a set holds. */
function readAll({ body }: DerValue): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < body.length; ) {
    const value = readAt(body, at);
    values.push(value);
    at += value.raw.length;
  }
  return values;
}

/** The members of a value that must be of this tag. */
export function readMembers(value: DerValue | undefined, tag: number = TAG.sequence): DerValue[] {
  if (value === undefined || value.tag !== tag) throw new Error('asn1: structure error: tags don\'t match');
  return readAll(value);
}

/** 1.2.840.113549 */
export function readObjectIdentifier(value: DerValue | undefined): string {
  if (value === undefined || value.tag !== TAG.oid || value.body.length === 0) throw new Error('asn1: structure error: tags don\'t match');
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.body) {
    number = number * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** The whole bytes of a bit string. */
export function readBitString(value: DerValue | undefined): Buffer {
  if (value === undefined || value.tag !== TAG.bitString || value.body.length === 0) throw new Error('asn1: structure error: tags don\'t match');
  return value.body.subarray(1);
}

/** Any of the string types of a name; BMPString is UTF-16. */
export function readText({ tag, body }: DerValue): string {
  if (tag === 0x1e) return Buffer.from(body).swap16().toString('utf16le');
  return tag === 0x14 ? body.toString('latin1') : body.toString('utf8');
}

function readAt(bytes: Buffer, start: number): DerValue {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new Error('asn1: syntax error: truncated tag or length');
  if ((tag & 0x1f) === 0x1f) throw new Error('asn1: structure error: tag too large');
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) throw new Error('asn1: structure error: length too large');
  const bodyAt = start + 2 + lengthBytes;
  if (bodyAt > bytes.length) throw new Error('asn1: syntax error: truncated tag or length');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(start + 2, lengthBytes);
  if (bodyAt + length > bytes.length) throw new Error('asn1: syntax error: data truncated');
  return { tag, body: bytes.subarray(bodyAt, bodyAt + length), raw: bytes.subarray(start, bodyAt + length) };
}
