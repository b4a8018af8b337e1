// Messages of D-Bus: a call out, and what comes back (D-Bus specification, "Message Protocol").
import { marshal, unmarshal, type Value, type Variant } from './dbus-values.ts';

export interface Call {
  serial: number;
  path: string;
  interface: string;
  member: string;
  destination: string;
  signature: string;
  values: readonly Value[];
}

export interface Message {
  type: 'call' | 'return' | 'error' | 'signal';
  member: string;
  errorName: string;
  replySerial: number;
  /** Read when asked: signals that are for others may have types that are not known here. */
  values(): Value[];
}

const TYPES = ['call', 'return', 'error', 'signal'] as const;
const FIELD = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, signature: 8 } as const;
const FIXED_BYTES = 16;
/** No message that we are sent is longer; one that claims to be is none. */
const MAX_BYTES = 1 << 24;

export function encodeCall({ serial, path, interface: name, member, destination, signature, values }: Call): Buffer {
  const body: number[] = [];
  marshal(body, signature, values);
  const fields: [number, Variant][] = [
    [FIELD.path, { signature: 'o', value: path }], [FIELD.interface, { signature: 's', value: name }], [FIELD.member, { signature: 's', value: member }],
    [FIELD.destination, { signature: 's', value: destination }], [FIELD.signature, { signature: 'g', value: signature }],
  ];
  const message: number[] = [];
  marshal(message, 'yyyyuua(yv)', ['l'.charCodeAt(0), 1, 0, 1, body.length, serial, fields]);
  while (message.length % 8 !== 0) message.push(0);
  return Buffer.from([...message, ...body]);
}

/** The first message and how many bytes it has; undefined while it is not whole. */
export function decodeMessage(bytes: Buffer): { message: Message; length: number } | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  if (bytes[0] !== 'l'.charCodeAt(0)) throw new Error('D-Bus: only little-endian messages are understood');
  const bodyAt = Math.ceil((FIXED_BYTES + bytes.readUInt32LE(12)) / 8) * 8;
  const length = bodyAt + bytes.readUInt32LE(4);
  if (length > MAX_BYTES) throw new Error(`D-Bus: a message of ${String(length)} bytes`);
  if (bytes.length < length) return undefined;
  const [, type, , , , , fields] = unmarshal(bytes, 'yyyyuua(yv)') as [number, number, number, number, number, number, [number, Variant][]];
  const field = (code: number): Value | undefined => fields.find(([name]) => name === code)?.[1].value;
  return {
    length,
    message: {
      type: TYPES[type - 1] ?? 'signal', member: String(field(FIELD.member) as string | undefined ?? ''), errorName: String(field(FIELD.errorName) as string | undefined ?? ''), replySerial: Number(field(FIELD.replySerial) ?? 0),
      values: () => unmarshal(bytes.subarray(bodyAt, length), String(field(FIELD.signature) as string | undefined ?? '')),
    },
  };
}
