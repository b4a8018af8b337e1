// The socket of sd_notify(3), a datagram Unix socket, which Node cannot open: the two calls are the C library's by node:ffi. Loaded under systemd only.
import { dlopen } from 'node:ffi';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Sends a message and does not wait. One that is lost is no harm: the next says the same. */
export function openNotifySocket(name: string): (message: string) => void {
  const { functions: libc } = dlopen(null, {
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    sendto: { arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'], return: 'i64' },
  });
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const address = unixAddress(name);
  return (message) => {
    const bytes = Buffer.from(message);
    libc.sendto(fd, bytes, BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
  };
}

/** `@name` is an abstract one: its first byte is zero, and its length counts. */
function unixAddress(name: string): Buffer {
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`);
  const address = Buffer.alloc(2 + path.length);
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  return address;
}
