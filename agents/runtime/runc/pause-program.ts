// The process that holds a pod's shared PID namespace: 150-odd bytes of machine code, since a program of the host's would need libraries, and a
// process whose root is the host's must not stand where containers can see /proc/1/root. It ignores SIGCHLD, so that the kernel itself reaps
// what is orphaned, and sleeps.

const HEADER_BYTES = 64 + 56;
const LOAD_ADDRESS = 0x400000n;

/** struct sigaction of the kernel: handler SIG_IGN (1), the rest zero. */
const IGNORE = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(24)]);

const X64 = Buffer.from([
  0xb8, 13, 0, 0, 0, // mov eax, rt_sigaction
  0xbf, 17, 0, 0, 0, // mov edi, SIGCHLD
  0x48, 0x8d, 0x35, 19, 0, 0, 0, // lea rsi, [rip + IGNORE]
  0x31, 0xd2, // xor edx, edx
  0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8
  0x0f, 0x05, // syscall
  0xb8, 34, 0, 0, 0, // again: mov eax, pause
  0x0f, 0x05, // syscall
  0xeb, 0xf7, // jmp again
]);

const ARM64 = words(
  0xd28010c8, // mov x8, #134 (rt_sigaction)
  0xd2800220, // mov x0, #17 (SIGCHLD)
  0x10000161, // adr x1, IGNORE
  0xd2800002, // mov x2, #0
  0xd2800103, // mov x3, #8
  0xd4000001, // svc #0
  0xd2800928, // again: mov x8, #73 (ppoll)
  0xd2800000, // mov x0, #0
  0xd2800001, // mov x1, #0
  0xd2800002, // mov x2, #0
  0xd2800003, // mov x3, #0
  0xd4000001, // svc #0
  0x17fffffa, // b again
);

/** A static ELF executable for this machine's architecture. */
export function pauseProgram(): Buffer {
  const machine = process.arch === 'arm64' ? { code: ARM64, number: 0xb7 } : { code: X64, number: 0x3e };
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(machine.number, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(LOAD_ADDRESS + BigInt(HEADER_BYTES), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const size = BigInt(HEADER_BYTES + machine.code.length + IGNORE.length);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(LOAD_ADDRESS, 80);
  header.writeBigUInt64LE(LOAD_ADDRESS, 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, machine.code, IGNORE]);
}

function words(...instructions: number[]): Buffer {
  const bytes = Buffer.alloc(4 * instructions.length);
  instructions.forEach((word, at) => bytes.writeUInt32LE(word, 4 * at));
  return bytes;
}
