// The events of a watch for clients that take protobuf and nothing else: each a WatchEvent behind its length in four bytes, as upstream's framer writes.
import { answerForms } from '../api/answer-forms.ts';
import { encodeProtobuf } from '../api/protobuf.ts';
import { WireWriter } from '../api/protobuf-wire.ts';
import type { Schemas } from '../api/schema.ts';
import type { EventForm } from './event-lines.ts';

const LENGTH_BYTES = 4;

export function eventFrames(schemas: Schemas): EventForm {
  const forms = answerForms(schemas);
  return { name: 'protobuf', contentType: 'application/vnd.kubernetes.protobuf;stream=watch', bytesOf: (object) => Buffer.from(encodeProtobuf(object, forms)), framed };
}

/** WatchEvent {type = 1, object = 2: RawExtension {raw = 1}}. */
function framed(type: string, object: Buffer): Buffer[] {
  const raw = new WireWriter();
  raw.bytes(1, object);
  const event = new WireWriter();
  event.text(1, type);
  event.bytes(2, raw.finish());
  const message = Buffer.from(event.finish());
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  return [length, message];
}
