// OpenAPI documents in the protobuf form of gnostic (github.com/google/gnostic-models, openapiv2 and openapiv3), which clients of old ask for. The messages are
// a table; a document is written from its end to its start, so that each length is known when it is written.
import { MESSAGES, type Form, type Message } from './openapi-messages.ts';

export function encodeOpenApi(document: object, dialect: 'v2' | 'v3'): Uint8Array {
  return createOpenApiEncoder(dialect)(document);
}

/** For one document, or for parts of one: their bytes one after the other are read as one document with all that is in them. */
export function createOpenApiEncoder(dialect: 'v2' | 'v3'): (document: object) => Uint8Array {
  const writer = createBackwardWriter();
  const messages = MESSAGES[dialect];
  return (document) => {
    writeMessage(document, 'Document', { writer, messages });
    return writer.finish();
  };
}

interface Encoding {
  writer: BackwardWriter;
  messages: Readonly<Record<string, Message>>;
}

function writeMessage(value: unknown, name: string, encoding: Encoding): void {
  const message = encoding.messages[name];
  if (message === undefined) throw new Error(`no message ${name}`);
  if (message.choose !== undefined) {
    const [number, form] = message.choose(value) ?? [];
    if (number !== undefined && form !== undefined) writeField(number, form, value, encoding);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const { fields = {}, extensions, entries } = message;
  const placed = Object.entries(value).map(([key, inner]): Placed => {
    const field = fields[key];
    if (field !== undefined) return { number: field[0], form: field[1], inner };
    if (key.startsWith('x-') && extensions !== undefined) return { number: extensions, form: 'any', name: key, inner };
    return { number: entries?.[0] ?? 0, form: entries?.[1] ?? 'any', name: key, inner };
  });
  // Backwards by number, as a decoder reads them forwards.
  for (const { number, form, name, inner } of placed.sort((a, b) => a.number - b.number).reverse()) {
    if (inner === undefined || number === 0) continue;
    if (name === undefined) writeField(number, form, inner, encoding);
    else writeNamed(number, name, [form, inner], encoding);
  }
}

interface Placed {
  number: number;
  form: Form;
  /** Of named things, which are a list of pairs. */
  name?: string;
  inner: unknown;
}

function writeNamed(number: number, name: string, [form, value]: [Form, unknown], encoding: Encoding): void {
  within(number, encoding, () => {
    writeField(2, form, value, encoding);
    encoding.writer.text(1, name);
  });
}

function writeField(number: number, form: Form, value: unknown, encoding: Encoding): void {
  const { writer } = encoding;
  if (typeof form === 'object') {
    for (const item of (Array.isArray(value) ? value : [value]).toReversed() as unknown[]) within(number, encoding, () => writeMessage(item, form.list, encoding));
    return;
  }
  switch (form) {
    case 'text': return writer.text(number, String(value));
    case 'texts': return (Array.isArray(value) ? value : [value]).toReversed().forEach((text) => writer.text(number, String(text)));
    case 'bool': return writer.integer(number, value === true ? 1 : 0);
    case 'int': return writer.integer(number, Number(value));
    case 'double': return writer.double(number, Number(value));
    case 'any': return within(number, encoding, () => writer.text(2, `${JSON.stringify(value)}\n`)); // YAML, of which JSON is a part
    case 'anys': return (value as unknown[]).toReversed().forEach((one) => writeField(number, 'any', one, encoding));
    default: return within(number, encoding, () => writeMessage(value, form, encoding));
  }
}

function within(number: number, { writer }: Encoding, write: () => void): void {
  const end = writer.length;
  write();
  writer.header(number, writer.length - end);
}

interface BackwardWriter {
  readonly length: number;
  text(number: number, value: string): void;
  integer(number: number, value: number): void;
  double(number: number, value: number): void;
  /** Of a run of this length that has been written. */
  header(number: number, length: number): void;
  /** What was written, and begins anew. */
  finish(): Uint8Array;
}

const START_BYTES = 16 * 1024;

function createBackwardWriter(): BackwardWriter {
  let bytes = Buffer.allocUnsafe(START_BYTES);
  let at = bytes.length;
  // May put another buffer in place of `bytes`.
  const reserve = (size: number): number => {
    if (at < size) {
      const grown = Buffer.allocUnsafe(2 * bytes.length + size);
      const start = grown.length - (bytes.length - at);
      bytes.copy(grown, start, at);
      [bytes, at] = [grown, start];
    }
    at -= size;
    return at;
  };
  const varint = (value: number): void => {
    let start = reserve(varintSize(value));
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[start++] = (rest % 128) | 0x80;
    bytes[start] = rest;
  };
  const header = (number: number, length: number): void => {
    varint(length);
    varint(number * 8 + 2);
  };
  return {
    get length() {
      return bytes.length - at;
    },
    header,
    text(number, value) {
      const size = Buffer.byteLength(value);
      const start = reserve(size);
      bytes.write(value, start);
      header(number, size);
    },
    integer(number, value) {
      varint(value);
      varint(number * 8);
    },
    double(number, value) {
      const start = reserve(8);
      bytes.writeDoubleLE(value, start);
      varint(number * 8 + 1);
    },
    finish() {
      const written = Buffer.from(bytes.subarray(at));
      at = bytes.length;
      return written;
    },
  };
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  return size;
}
