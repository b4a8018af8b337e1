// The streams of a container's own process, by conmon's attach socket: packets of one byte (2 stdout, 3 stderr) and data; what is written goes
// to its stdin, and a half-close ends that.
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { RuntimeError, type ExecOptions } from '../runtime.ts';
import { resize } from './control.ts';
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

const STDERR = 3;
/** conmon reads packets of up to 32 KB. */
const PACKET_MAX_BYTES = 8192;

export async function attach(ground: Ground, record: ContainerRecord, options: Omit<ExecOptions, 'command' | 'timeoutMs'>): Promise<void> {
  const { state } = record;
  if (state !== 'running') throw new RuntimeError('ExecError', `container ${record.id} is not running: it is ${state}`);
  options.signal?.throwIfAborted();
  const { connectPackets } = await import('./sockets.ts');
  const socket: Socket = connectPackets(join(ground.layout.containers, record.id), 'attach', (packet) => copyOut(packet, socket, options));
  const ended = Promise.withResolvers<void>();
  const end = (): void => ended.resolve();
  socket.on('error', end).once('end', end).once('close', end);
  options.signal?.addEventListener('abort', end, { once: true });
  void ground.exited(record).then(end);
  if (options.stdin !== undefined && record.config.stdin) feed(options.stdin, socket, end);
  void follow(ground, record, options.resize);
  try {
    await ended.promise;
    if (ground.records.containers.get(record.id)?.state === 'exited') await drained(socket);
  } finally {
    options.signal?.removeEventListener('abort', end);
    options.stdin?.removeAllListeners('data');
    socket.destroy();
  }
}

function copyOut(packet: Buffer, socket: Socket, { stdout, stderr }: Pick<ExecOptions, 'stdout' | 'stderr'>): void {
  const to = packet[0] === STDERR ? stderr : stdout;
  if (to === undefined || to.destroyed || to.write(packet.subarray(1))) return;
  socket.pause();
  const go = (): void => void socket.resume();
  to.once('drain', go).once('close', go);
}

function feed(stdin: Readable, socket: Socket, end: () => void): void {
  stdin.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += PACKET_MAX_BYTES) socket.write(chunk.subarray(at, at + PACKET_MAX_BYTES));
    if (socket.writableNeedDrain) {
      stdin.pause();
      socket.once('drain', () => stdin.resume());
    }
  });
  stdin.once('end', () => socket.end());
  stdin.once('error', end);
}

/** conmon closes the socket when it has passed on all; it lives but a moment longer than the container. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readableEnded || socket.destroyed) return resolve();
    socket.once('end', resolve).once('close', resolve).once('error', () => resolve());
  });
}

async function follow({ layout }: Ground, { id }: ContainerRecord, sizes: ExecOptions['resize']): Promise<void> {
  if (sizes === undefined) return;
  for await (const size of sizes) {
    try {
      resize(join(layout.containers, id), size);
    } catch {
      return; // it has ended, or its conmon was killed: there is no terminal any more
    }
  }
}
