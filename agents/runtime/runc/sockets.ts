// Two sockets that Node cannot open by itself: packets on a unix socket (conmon's attach socket), and TCP from inside another network
// namespace. The calls are the C library's by node:ffi; the streams around them are Node's own handles, which know to read and write any
// descriptor. Loaded when first needed.
import { closeSync, openSync } from 'node:fs';
import { dlopen } from 'node:ffi';
import { Socket } from 'node:net';
import { within } from '../../network/network-namespace.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const PACKET_MAX_BYTES = 32 * 1024;
const UNIX_ADDRESS_BYTES = 110;

/** The parts of Node's handles that are used: old, but reachable by no documented name. */
interface Handle {
  open(fd: number): number;
  connect(request: { oncomplete?: (status: number) => void }, address: string, port: number): number;
  close(): void;
}
interface Bindings {
  pipe_wrap: { Pipe: new (type: number) => Handle };
  tcp_wrap: { TCP: new (type: number) => Handle; TCPConnectWrap: new () => { oncomplete?: (status: number) => void } };
}
const binding = (process as unknown as { binding<Name extends keyof Bindings>(name: Name): Bindings[Name] }).binding;

const { functions: libc } = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  connect: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  recv: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
});

/** The unix socket `name` in a folder, whose path may be longer than addresses are. Each chunk written becomes one packet. */
export function connectPackets(folder: string, name: string, onPacket: (packet: Buffer) => void): Socket {
  const directory = openSync(folder, 'r');
  const fd = libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    if (fd < 0 || libc.connect(fd, unixAddress(`/proc/self/fd/${String(directory)}/${name}`), UNIX_ADDRESS_BYTES) < 0) throw new Error(`nobody answers at ${folder}/${name}`);
    const handle = new (binding('pipe_wrap').Pipe)(0);
    handle.open(fd);
    const socket = socketOf(handle).on('data', onPacket);
    // For libuv a short read means that there is no more; here it means a packet. What came before the other side hung up is still there.
    socket.once('end', () => { for (let packet = receive(fd); packet !== undefined; packet = receive(fd)) onPacket(packet); });
    return socket;
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw error;
  } finally {
    closeSync(directory);
  }
}

function receive(fd: number): Buffer | undefined {
  const packet = Buffer.alloc(PACKET_MAX_BYTES);
  const size = Number(libc.recv(fd, packet, BigInt(packet.length), MSG_DONTWAIT));
  return size > 0 ? packet.subarray(0, size) : undefined;
}

function unixAddress(path: string): Buffer {
  const address = Buffer.alloc(UNIX_ADDRESS_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  return address;
}

/** Connected to the loopback of the network namespace. */
export function connectInside(netnsPath: string, port: number): Promise<Socket> {
  const { TCP, TCPConnectWrap } = binding('tcp_wrap');
  const [handle, request] = [new TCP(0), new TCPConnectWrap()];
  return new Promise((resolve, reject) => {
    request.oncomplete = (status) => {
      if (status === 0) return resolve(socketOf(handle));
      handle.close();
      reject(new Error(`dial tcp4 127.0.0.1:${String(port)}: connect: connection refused`));
    };
    // The socket is of the namespace in which this thread stands when it is made: here, at once.
    const failed = within(netnsPath, () => handle.connect(request, '127.0.0.1', port));
    if (failed !== 0) {
      handle.close();
      reject(new Error(`dial tcp4 127.0.0.1:${String(port)}: connect: network is unreachable`));
    }
  });
}

function socketOf(handle: Handle): Socket {
  return new Socket({ handle, allowHalfOpen: true, readable: true, writable: true } as unknown as ConstructorParameters<typeof Socket>[0]);
}
