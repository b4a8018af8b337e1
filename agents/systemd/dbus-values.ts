// Values as D-Bus lays them out (D-Bus specification, "Type System" and "Marshaling"), little-endian: of the types that systemd's manager takes and
// gives. Numbers of 64 bits are bigints; arrays and structs are arrays; a variant is its signature and its value.

export type Value = string | number | bigint | boolean | readonly Value[] | Variant;

export interface Variant {
  signature: string;
  value: Value;
}

const ALIGNMENT: Readonly<Record<string, number>> = { y: 1, g: 1, v: 1, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, t: 8, '(': 8 };

/** Appends values of these types; offsets count from the start of `bytes`. */
export function marshal(bytes: number[], signature: string, values: readonly Value[]): void {
  typesOf(signature).forEach((type, index) => put(bytes, type, values[index] ?? wrong(type)));
}

function put(bytes: number[], type: string, value: Value): void {
  align(bytes, type);
  switch (type.charAt(0)) {
    case 'y': return void bytes.push(Number(value));
    case 'b': case 'i': case 'u': return putNumber(bytes, BigInt(Number(value)), 4);
    case 't': return putNumber(bytes, BigInt(value as bigint), 8);
    case 'g': return putText(bytes, String(value as string), 1);
    case 's': case 'o': return putText(bytes, String(value as string), 4);
    case 'v': {
      const { signature, value: inner } = value as Variant;
      putText(bytes, signature, 1);
      return put(bytes, signature, inner);
    }
    case 'a': return putArray(bytes, type.slice(1), value as readonly Value[]);
    case '(': return marshal(bytes, type.slice(1, -1), value as readonly Value[]);
    default: wrong(type);
  }
}

function putNumber(bytes: number[], value: bigint, size: 4 | 8): void {
  for (let at = 0; at < size; at++) bytes.push(Number((value >> BigInt(8 * at)) & 0xffn));
}

function putText(bytes: number[], text: string, lengthSize: 1 | 4): void {
  const utf8 = Buffer.from(text);
  if (lengthSize === 1) bytes.push(utf8.length);
  else putNumber(bytes, BigInt(utf8.length), 4);
  bytes.push(...utf8, 0);
}

/** Its length leaves out the padding before the first element. */
function putArray(bytes: number[], element: string, values: readonly Value[]): void {
  const at = bytes.length;
  putNumber(bytes, 0n, 4);
  align(bytes, element);
  const start = bytes.length;
  for (const value of values) put(bytes, element, value);
  const length: number[] = [];
  putNumber(length, BigInt(bytes.length - start), 4);
  bytes.splice(at, 4, ...length);
}

function align(bytes: number[], type: string): void {
  while (bytes.length % alignmentOf(type) !== 0) bytes.push(0);
}

/** The values of these types. */
export function unmarshal(bytes: Buffer, signature: string): Value[] {
  const reader = { bytes, at: 0 };
  return typesOf(signature).map((type) => take(reader, type));
}

interface Reader {
  bytes: Buffer;
  at: number;
}

function take(reader: Reader, type: string): Value {
  reader.at = Math.ceil(reader.at / alignmentOf(type)) * alignmentOf(type);
  const { bytes, at } = reader;
  const skip = <T>(size: number, value: T): T => {
    reader.at += size;
    return value;
  };
  switch (type.charAt(0)) {
    case 'y': return skip(1, bytes.readUInt8(at));
    case 'b': return skip(4, bytes.readUInt32LE(at) === 1);
    case 'i': return skip(4, bytes.readInt32LE(at));
    case 'u': return skip(4, bytes.readUInt32LE(at));
    case 't': return skip(8, bytes.readBigUInt64LE(at));
    case 'g': return takeText(reader, bytes.readUInt8(at), 1);
    case 's': case 'o': return takeText(reader, bytes.readUInt32LE(at), 4);
    case 'v': {
      const signature = takeText(reader, bytes.readUInt8(at), 1);
      return { signature, value: take(reader, signature) };
    }
    case 'a': return takeArray(reader, type.slice(1));
    case '(': return typesOf(type.slice(1, -1)).map((member) => take(reader, member));
    default: return wrong(type);
  }
}

function takeText(reader: Reader, length: number, lengthSize: 1 | 4): string {
  const start = reader.at + lengthSize;
  reader.at = start + length + 1;
  return reader.bytes.toString('utf8', start, start + length);
}

function takeArray(reader: Reader, element: string): Value[] {
  const length = reader.bytes.readUInt32LE(reader.at);
  reader.at = Math.ceil((reader.at + 4) / alignmentOf(element)) * alignmentOf(element);
  const end = reader.at + length;
  const values: Value[] = [];
  while (reader.at < end) values.push(take(reader, element));
  return values;
}

function alignmentOf(type: string): number {
  return ALIGNMENT[type[0] ?? ''] ?? wrong(type);
}

/** `sa(sv)u` → `s`, `a(sv)`, `u`. */
function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number): number {
  if (signature[at] === 'a') return endOfType(signature, at + 1);
  if (signature[at] !== '(') return at + 1;
  let end = at + 1;
  while (signature[end] !== ')') end = endOfType(signature, end < signature.length ? end : wrong(signature));
  return end + 1;
}

function wrong(type: string): never {
  throw new TypeError(`no D-Bus value of type ${JSON.stringify(type)}`);
}
