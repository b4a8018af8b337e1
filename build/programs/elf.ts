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
const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH, DT_VERNEED, DT_VERNEEDNUM] = [1n, 5n, 15n, 29n, 0x6ffffffen, 0x6fffffffn];
const SEGMENT_BYTES = 56;

export function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
}

/** Throws for what is no ELF file of an architecture that we build for. */
export function readElf(bytes: Buffer): Elf {
  const machine = isElf(bytes) ? MACHINES[bytes.readUInt16LE(18)] : undefined;
  if (machine === undefined) throw new Error('not an ELF file for x64 or arm64');
  const segments = segmentsOf(bytes);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return { machine, needed: [], versions: {} };
  const entries = dynamicEntries(bytes, dynamic);
  const valueOf = (tag: bigint): bigint | undefined => entries.find(([key]) => key === tag)?.[1];
  const offsetOf = (address: bigint): number => {
    const segment = segments.find(({ type, address: start, size }) => type === PT_LOAD && address >= start && address < start + BigInt(size));
    if (segment === undefined) throw new Error(`no segment holds the address ${address.toString(16)}`);
    return segment.offset + Number(address - segment.address);
  };
  const strings = offsetOf(valueOf(DT_STRTAB) ?? 0n);
  const textAt = (offset: bigint | number): string => cString(bytes, strings + Number(offset));
  const path = valueOf(DT_RPATH) ?? valueOf(DT_RUNPATH);
  const versions = valueOf(DT_VERNEED);
  return {
    machine,
    needed: entries.filter(([tag]) => tag === DT_NEEDED).map(([, value]) => textAt(value)),
    ...(path !== undefined && { searchPath: textAt(path) }),
    versions: versions === undefined ? {} : neededVersions(bytes, offsetOf(versions), { count: Number(valueOf(DT_VERNEEDNUM) ?? 0n), textAt }),
  };
}

interface Segment {
  type: number;
  offset: number;
  address: bigint;
  size: number;
}

function segmentsOf(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * SEGMENT_BYTES;
    return { type: bytes.readUInt32LE(at), offset: Number(bytes.readBigUInt64LE(at + 8)), address: bytes.readBigUInt64LE(at + 16), size: Number(bytes.readBigUInt64LE(at + 32)) };
  });
}

function dynamicEntries(bytes: Buffer, { offset, size }: Segment): [tag: bigint, value: bigint][] {
  return Array.from({ length: size / 16 }, (_, index) => [bytes.readBigUInt64LE(offset + index * 16), bytes.readBigUInt64LE(offset + index * 16 + 8)]);
}

function neededVersions(bytes: Buffer, start: number, { count, textAt }: { count: number; textAt(offset: number): string }): Record<string, string[]> {
  const versions: Record<string, string[]> = {};
  for (let [at, left] = [start, count]; left > 0; left--) {
    const names: string[] = [];
    for (let [entry, more] = [at + bytes.readUInt32LE(at + 8), bytes.readUInt16LE(at + 2)]; more > 0; more--) {
      names.push(textAt(bytes.readUInt32LE(entry + 8)));
      entry += bytes.readUInt32LE(entry + 12);
    }
    versions[textAt(bytes.readUInt32LE(at + 4))] = names.sort();
    at += bytes.readUInt32LE(at + 12);
  }
  return versions;
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
