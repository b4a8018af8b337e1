import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DT, openElf, PT_LOAD, readElf, stripElf } from '../../../build/programs/elf.ts';
import { includeLibatomic } from '../../../build/programs/libatomic.ts';

const NODE = process.execPath;
/** Makes V8 use the function that libatomic has: a table of WebAssembly's functions. */
const WEBASSEMBLY = `
  const module = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,4,4,1,112,0,1,7,11,2,3,97,100,100,0,0,1,116,1,0,9,7,1,0,65,0,11,1,0,10,9,1,7,0,32,0,32,1,106,11]));
  for (let count = 0; count < 200; count++) new WebAssembly.Instance(module).exports.t.get(0)(count, 1);
  console.log(new WebAssembly.Instance(module).exports.add(40, 2));`;

await t.test('what a program needs of its host is read from the file', async (t) => {
  const { machine, needed, versions } = readElf(readFileSync(NODE));
  t.equal(machine, process.arch);
  t.ok(needed.includes('libc.so.6'));
  t.match(versions['libc.so.6']?.[0], /^GLIBC_2\./);
  t.throws(() => readElf(Buffer.from('#!/bin/sh\n')), { message: 'not an ELF file for x64 or arm64' });
});

await t.test('Node runs without its symbols and without libatomic, and so does what needed that library', async (t) => {
  const bytes = stripElf(readFileSync(NODE));
  includeLibatomic(bytes);
  t.notOk(readElf(bytes).needed.includes('libatomic.so.1'));
  t.notOk('libatomic.so.1' in readElf(bytes).versions);
  const path = join(t.testdir(), 'node');
  writeFileSync(path, bytes, { mode: 0o755 });
  t.equal(execFileSync(path, ['-e', WEBASSEMBLY], { encoding: 'utf8', env: {} }), '42\n');
  const before = Buffer.from(bytes);
  includeLibatomic(bytes);
  t.ok(bytes.equals(before), 'once is enough');
});

await t.test('Node calls that function for eight bytes only', { skip: process.arch !== 'x64' }, async (t) => {
  const sizes = callSizes(readFileSync(NODE), '__atomic_compare_exchange');
  t.ok(sizes.length > 0);
  t.strictSame([...new Set(sizes)], [8], 'build/programs/libatomic.ts has no other size');
});

/** The first argument (`mov edi, N` shortly before) of each call of an imported function: relocation → its place → the stub that jumps there → calls. */
function callSizes(bytes: Buffer, name: string): (number | undefined)[] {
  const { segments, valueOf, offsetOf, textAt } = openElf(bytes);
  const code = segments.find(({ type, flags }) => type === PT_LOAD && (flags & 1) !== 0);
  if (code === undefined) return [];
  const addressOf = (at: number): number => Number(code.address) + at - code.offset;
  const table = offsetOf(valueOf(DT.pltRela) ?? 0n);
  const relocations = Array.from({ length: Number(valueOf(DT.pltRelaSize) ?? 0n) / 24 }, (_, index) => table + index * 24);
  const nameOf = (at: number): string => textAt(bytes.readUInt32LE(offsetOf(valueOf(DT.symbols) ?? 0n) + bytes.readUInt32LE(at + 12) * 24));
  const place = relocations.filter((at) => nameOf(at) === name).map((at) => Number(bytes.readBigUInt64LE(at)))[0] ?? 0;
  const targetOf = (at: number, length: number): number => addressOf(at) + length + bytes.readInt32LE(at + length - 4);
  const jumps = (opcode: readonly number[], target: number): number[] => {
    const found: number[] = [];
    for (let at = bytes.indexOf(Buffer.from(opcode), code.offset); at >= 0 && at < code.offset + code.size - 8; at = bytes.indexOf(Buffer.from(opcode), at + 1)) if (targetOf(at, opcode.length + 4) === target) found.push(at);
    return found;
  };
  const stub = addressOf(jumps([0xff, 0x25], place)[0] ?? 0);
  return [...jumps([0xe8], stub), ...jumps([0xe9], stub)].map((at) => {
    const before = bytes.subarray(at - 64, at).lastIndexOf(0xbf);
    return before < 0 ? undefined : bytes.readUInt32LE(at - 64 + before + 1);
  });
}
