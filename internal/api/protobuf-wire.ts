// The protobuf wire format: tags, varints, fixed64 and length-delimited runs. Truncated input throws RangeError.
import { settled } from './large-integers.ts';

export class WireReader {
  private at = 0;
  private readonly source: Uint8Array;

  constructor(source: Uint8Array) {
    this.source = source;
  }

  get atEnd(): boolean {
    return this.at >= this.source.length;
  }

  tag(): { number: number; wireType: number } {
    const tag = this.unsigned();
    return { number: Math.floor(tag / 8), wireType: tag % 8 };
  }

  /** A signed varint (int32, bool). */
  integer(): number {
    return Number(this.long());
  }

  /** A signed varint (int64), a bigint beyond 2^53. */
  long(): number | bigint {
    const value = this.unsigned();
    // A negative number is ten bytes in two's complement. Where the float lost low bits, they are read again exactly.
    return value <= Number.MAX_SAFE_INTEGER ? value : settled(BigInt.asIntN(64, this.lastBig()));
  }

  double(): number {
    const bytes = this.run(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.run(this.unsigned());
  }

  text(): string {
    const bytes = this.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  skip(wireType: number): void {
    if (wireType === 0) this.unsigned();
    else if (wireType === 1) this.run(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.run(4);
    else throw new RangeError(`illegal wireType ${String(wireType)}`);
  }

  private start = 0;

  private unsigned(): number {
    this.start = this.at;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.source[this.at++];
      if (byte === undefined || this.at - this.start > 10) throw new RangeError('unexpected EOF');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  private lastBig(): bigint {
    let value = 0n;
    for (let at = this.start, shift = 0n; at < this.at; at++, shift += 7n) value |= BigInt((this.source[at] ?? 0) & 0x7f) << shift;
    return value;
  }

  private run(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.source.length) throw new RangeError('unexpected EOF');
    const bytes = this.source.subarray(this.at, end);
    this.at = end;
    return bytes;
  }
}

export class WireWriter {
  private readonly chunks: Uint8Array[] = [];

  integer(number: number, value: number | bigint): void {
    this.varint(number * 8);
    if (typeof value === 'bigint' || value < 0) this.bigVarint(BigInt.asUintN(64, BigInt(value)));
    else this.varint(value);
  }

  double(number: number, value: number): void {
    this.varint(number * 8 + 1);
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.chunks.push(bytes);
  }

  bytes(number: number, value: Uint8Array): void {
    this.varint(number * 8 + 2);
    this.varint(value.length);
    if (value.length > 0) this.chunks.push(value);
  }

  text(number: number, value: string): void {
    this.bytes(number, Buffer.from(value));
  }

  finish(): Uint8Array {
    return this.chunks.length === 1 ? (this.chunks[0] ?? new Uint8Array()) : Buffer.concat(this.chunks);
  }

  private varint(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${String(value)} is no number to be written`); // it would have no last byte
    if (value < 0x80) this.chunks.push(Uint8Array.of(value));
    else if (value > Number.MAX_SAFE_INTEGER) this.bigVarint(BigInt(value));
    else {
      const bytes: number[] = [];
      for (let rest = value; ; rest = Math.floor(rest / 128)) {
        if (rest < 0x80) { bytes.push(rest); break; }
        bytes.push((rest % 128) | 0x80);
      }
      this.chunks.push(Uint8Array.from(bytes));
    }
  }

  private bigVarint(value: bigint): void {
    const bytes: number[] = [];
    for (let rest = value; ; rest >>= 7n) {
      if (rest < 0x80n) { bytes.push(Number(rest)); break; }
      bytes.push(Number(rest & 0x7fn) | 0x80);
    }
    this.chunks.push(Uint8Array.from(bytes));
  }
}
