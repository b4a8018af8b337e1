// What the build needs to know of ELF files (64-bit, little-endian: x64 and arm64): what a program needs of its host, and its copy without what
// only a debugger reads. Own code rather than binutils: the same bytes on every machine that builds.
export interface Elf {
  machine: 'x64' | 'arm64';
  /** Of its dynamic section, in its order. */
  needed: string[];
  searchPath?: string;
  /** Symbol versions that it wants of each library: `{ 'libc.so.6': ['GLIBC_2.17'] }`. */
  versions: Record<string, string[]>;
}

const MACHINES: Record<number, Elf['machine']> = { 62: 'x64', 183: 'arm64' };
const SEGMENT_BYTES = 56;
export const [PT_LOAD, PT_DYNAMIC, EXECUTABLE] = [1, 2, 1];
export const DT = { null: 0n, needed: 1n, strings: 5n, symbols: 6n, rela: 7n, relaSize: 8n, pltRelaSize: 2n, rpath: 15n, pltRela: 23n, runpath: 29n, versionOf: 0x6ffffff0n, versions: 0x6ffffffen, versionsCount: 0x6fffffffn };

export function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
}

/** Throws for what is no ELF file of an architecture that we build for. */
export function readElf(bytes: Buffer): Elf {
  const { machine, dynamic, textAt, valueOf } = openElf(bytes);
  const path = valueOf(DT.rpath) ?? valueOf(DT.runpath);
  return {
    machine,
    needed: dynamic.filter(({ tag }) => tag === DT.needed).map(({ value }) => textAt(value)),
    ...(path !== undefined && { searchPath: textAt(path) }),
    versions: Object.fromEntries(neededVersions(bytes).map(({ library, names }) => [library, names.map(({ name }) => name).sort()])),
  };
}

export interface OpenElf {
  machine: Elf['machine'];
  segments: Segment[];
  /** `at`: where in the file. */
  dynamic: { tag: bigint; value: bigint; at: number }[];
  valueOf(tag: bigint): bigint | undefined;
  /** Where in the file an address is. */
  offsetOf(address: bigint): number;
  /** Of the dynamic strings. */
  textAt(offset: bigint | number): string;
}

export interface Segment {
  /** Where in the file its header is. */
  at: number;
  type: number;
  flags: number;
  offset: number;
  address: bigint;
  /** In the file. */
  size: number;
}

export function openElf(bytes: Buffer): OpenElf {
  const machine = isElf(bytes) ? MACHINES[bytes.readUInt16LE(18)] : undefined;
  if (machine === undefined) throw new Error('not an ELF file for x64 or arm64');
  const segments = segmentsOf(bytes);
  const offsetOf = (address: bigint): number => {
    const segment = segments.find(({ type, address: start, size }) => type === PT_LOAD && address >= start && address < start + BigInt(size));
    if (segment === undefined) throw new Error(`no segment holds the address ${address.toString(16)}`);
    return segment.offset + Number(address - segment.address);
  };
  const section = segments.find(({ type }) => type === PT_DYNAMIC);
  const dynamic = section === undefined ? [] : Array.from({ length: section.size / 16 }, (_, index) => section.offset + index * 16).map((at) => ({ tag: bytes.readBigUInt64LE(at), value: bytes.readBigUInt64LE(at + 8), at }));
  const valueOf = (tag: bigint): bigint | undefined => dynamic.find((entry) => entry.tag === tag)?.value;
  const strings = valueOf(DT.strings);
  return { machine, segments, dynamic, valueOf, offsetOf, textAt: (offset) => cString(bytes, offsetOf(strings ?? 0n) + Number(offset)) };
}

function segmentsOf(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => start + index * SEGMENT_BYTES).map((at) => ({
    at, type: bytes.readUInt32LE(at), flags: bytes.readUInt32LE(at + 4), offset: Number(bytes.readBigUInt64LE(at + 8)), address: bytes.readBigUInt64LE(at + 16), size: Number(bytes.readBigUInt64LE(at + 32)),
  }));
}

export interface NeededVersions {
  library: string;
  /** Where in the file the record is. */
  at: number;
  names: { name: string; index: number }[];
}

export function neededVersions(bytes: Buffer): NeededVersions[] {
  const { valueOf, offsetOf, textAt } = openElf(bytes);
  const start = valueOf(DT.versions);
  const found: NeededVersions[] = [];
  if (start === undefined) return found;
  for (let [at, left] = [offsetOf(start), Number(valueOf(DT.versionsCount) ?? 0n)]; left > 0; left--) {
    const names: NeededVersions['names'] = [];
    for (let [entry, more] = [at + bytes.readUInt32LE(at + 8), bytes.readUInt16LE(at + 2)]; more > 0; more--) {
      names.push({ name: textAt(bytes.readUInt32LE(entry + 8)), index: bytes.readUInt16LE(entry + 6) });
      entry += bytes.readUInt32LE(entry + 12);
    }
    found.push({ library: textAt(bytes.readUInt32LE(at + 4)), at, names });
    at += bytes.readUInt32LE(at + 12);
  }
  return found;
}

function cString(bytes: Buffer, start: number): string {
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}

/**
 * The file without what is not loaded (symbols, debugging) and without the table of sections: it ends with the last byte that a segment has. Loaders
 * read segments only.
 */
export function stripElf(bytes: Buffer): Buffer {
  const end = Math.max(...segmentsOf(bytes).map(({ offset, size }) => offset + size));
  const stripped = Buffer.alloc((end + 7) & ~7);
  bytes.copy(stripped, 0, 0, end);
  stripped.writeBigUInt64LE(0n, 40);
  stripped.fill(0, 58, 64);
  return stripped;
}
