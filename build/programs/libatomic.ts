// Node without libatomic. Node's binaries need that library for one function, which V8 calls for eight bytes only; but Debian's and Raspberry Pi OS's small
// images lack it, and then nothing starts, before any line of ours can say why. So the copy that is built in gets the function itself: its code lies in
// the unused rest of the last page of code, its symbol is defined there, and the library is no longer asked for.
import { DT, EXECUTABLE, neededVersions, openElf, PT_LOAD, type Elf, type OpenElf } from './elf.ts';

const LIBRARY = 'libatomic.so.1';
const FUNCTION = '__atomic_compare_exchange';
const [SYMBOL_BYTES, RELA_BYTES, PAGE] = [24, 24, 4096];
const [LOCAL_FUNCTION, HIDDEN] = [2, 2];

/** `bool f(size_t size, void *at, void *expected, void *desired, int, int)`, sequentially consistent; another size than 8 is trapped. */
const CODE: Record<Elf['machine'], Buffer> = {
  x64: Buffer.from([
    0x48, 0x83, 0xff, 0x08, //              cmp rdi, 8
    0x75, 0x19, //                          jne trap
    0x48, 0x8b, 0x02, //                    mov rax, [rdx]
    0x4c, 0x8b, 0x11, //                    mov r10, [rcx]
    0xf0, 0x4c, 0x0f, 0xb1, 0x16, //        lock cmpxchg [rsi], r10
    0x74, 0x06, //                          je same
    0x48, 0x89, 0x02, //                    mov [rdx], rax
    0x31, 0xc0, //                          xor eax, eax
    0xc3, //                                ret
    0xb8, 0x01, 0x00, 0x00, 0x00, 0xc3, //  same: mov eax, 1; ret
    0x0f, 0x0b, //                          trap: ud2
  ]),
  arm64: instructions([
    0xf100201f, //     cmp x0, #8
    0x540001c1, //     b.ne trap
    0xf9400044, //     ldr x4, [x2]
    0xf9400065, //     ldr x5, [x3]
    0xc85ffc26, // try: ldaxr x6, [x1]
    0xeb0400df, //     cmp x6, x4
    0x540000a1, //     b.ne other
    0xc807fc25, //     stlxr w7, x5, [x1]
    0x35ffff87, //     cbnz w7, try
    0x52800020, //     mov w0, #1
    0xd65f03c0, //     ret
    0xd5033f5f, // other: clrex
    0xf9000046, //     str x6, [x2]
    0x52800000, //     mov w0, #0
    0xd65f03c0, //     ret
    0xd4200000, // trap: brk #0
  ]),
};

function instructions(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  return bytes;
}

/** Changes the bytes in place. What does not need the library is left alone; what wants more of it than that function is refused. */
export function includeLibatomic(bytes: Buffer): void {
  const versions = neededVersions(bytes);
  const index = versions.findIndex(({ library }) => library === LIBRARY);
  const record = versions[index];
  if (record === undefined) return;
  const elf = openElf(bytes);
  const address = addCode(bytes, elf);
  const wanted = new Set(record.names.map((name) => name.index));
  for (const symbol of relocatedSymbols(bytes, elf)) {
    const versionAt = elf.offsetOf(elf.valueOf(DT.versionOf) ?? 0n) + symbol * 2;
    if (wanted.has(bytes.readUInt16LE(versionAt) & 0x7fff)) define(bytes, elf, { symbol, versionAt, address });
  }
  dropVersions(bytes, elf, { record: record.at, before: versions[index - 1]?.at });
  dropNeeded(bytes, elf);
}

/** Behind the last byte of code, on the same page. Gives its address. */
function addCode(bytes: Buffer, { machine, segments }: OpenElf): bigint {
  const code = CODE[machine];
  const segment = segments.find(({ type, flags }) => type === PT_LOAD && (flags & EXECUTABLE) !== 0);
  if (segment === undefined) throw new Error('no code');
  const start = (segment.offset + segment.size + 15) & ~15;
  const end = start + code.length;
  if (end > Math.ceil((segment.offset + segment.size) / PAGE) * PAGE || bytes.subarray(segment.offset + segment.size, end).some((byte) => byte !== 0)) throw new Error('no room behind the code');
  code.copy(bytes, start);
  const size = BigInt(end - segment.offset);
  bytes.writeBigUInt64LE(size, segment.at + 32);
  bytes.writeBigUInt64LE(size, segment.at + 40);
  return segment.address + BigInt(start - segment.offset);
}

function relocatedSymbols(bytes: Buffer, { valueOf, offsetOf }: OpenElf): Set<number> {
  const tables = [[DT.rela, DT.relaSize], [DT.pltRela, DT.pltRelaSize]] as const;
  return new Set(tables.flatMap(([table, size]) => {
    const start = offsetOf(valueOf(table) ?? 0n);
    return Array.from({ length: Number(valueOf(size) ?? 0n) / RELA_BYTES }, (_, index) => bytes.readUInt32LE(start + index * RELA_BYTES + 12));
  }));
}

/** The loader takes a local symbol's own address and looks nowhere else. */
function define(bytes: Buffer, { valueOf, offsetOf, textAt }: OpenElf, { symbol, versionAt, address }: { symbol: number; versionAt: number; address: bigint }): void {
  const at = offsetOf(valueOf(DT.symbols) ?? 0n) + symbol * SYMBOL_BYTES;
  const name = textAt(bytes.readUInt32LE(at));
  if (name !== FUNCTION) throw new Error(`Node wants ${name} of ${LIBRARY}: add it to build/programs/libatomic.ts`);
  bytes.writeUInt8(LOCAL_FUNCTION, at + 4);
  bytes.writeUInt8(HIDDEN, at + 5);
  bytes.writeUInt16LE(1, at + 6);
  bytes.writeBigUInt64LE(address, at + 8);
  bytes.writeUInt16LE(0, versionAt);
}

function dropVersions(bytes: Buffer, { dynamic }: OpenElf, { record, before }: { record: number; before: number | undefined }): void {
  const next = bytes.readUInt32LE(record + 12);
  const entryOf = (tag: bigint): { value: bigint; at: number } => dynamic.find((entry) => entry.tag === tag) ?? { value: 0n, at: 0 };
  const count = entryOf(DT.versionsCount);
  bytes.writeBigUInt64LE(count.value - 1n, count.at + 8);
  if (before !== undefined) bytes.writeUInt32LE(next === 0 ? 0 : bytes.readUInt32LE(before + 12) + next, before + 12);
  else {
    const first = entryOf(DT.versions);
    bytes.writeBigUInt64LE(first.value + BigInt(next), first.at + 8);
  }
}

/** The entries behind it move up. */
function dropNeeded(bytes: Buffer, { dynamic, textAt }: OpenElf): void {
  const entry = dynamic.find(({ tag, value }) => tag === DT.needed && textAt(value) === LIBRARY);
  const last = dynamic.at(-1);
  if (entry === undefined || last === undefined) return;
  bytes.copy(bytes, entry.at, entry.at + 16, last.at + 16);
}
