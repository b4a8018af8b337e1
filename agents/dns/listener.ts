// The sockets: one of UDP and one of TCP on each address. Bound to the address itself, so answers come from where the question went.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Clock } from '../../internal/base/clock.ts';
import { createFrames, framed } from './frames.ts';
import { decodeQuery, udpLimit, type Query } from './message.ts';

/** Gives the answer's bytes, at most `limit`. Must not throw. */
export type Answer = (query: Query, limit: number) => Buffer | Promise<Buffer>;

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Connections of clients that are silent for so long are closed (RFC 7766 asks for some seconds). */
const TCP_IDLE_MS = 10_000;
const TCP_CONNECTIONS_MAX = 256;
/** Questions of one connection in work at once; beyond it the connection is not read. */
const TCP_PIPELINE_MAX = 32;
const MESSAGE_BYTES_MAX = 65_535;

/** Port 0 is one that is free for both. */
export async function listen(address: string, port: number, answer: Answer, clock: Clock): Promise<Listener> {
  const connections = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveConnection(socket, answer, clock);
  });
  server.maxConnections = TCP_CONNECTIONS_MAX;
  server.listen({ host: address, port, exclusive: true });
  await once(server, 'listening');
  const bound = portOf(server);
  const udp = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', ...(isIPv6(address) && { ipv6Only: true }) });
  const close = async (): Promise<void> => {
    for (const socket of connections) socket.destroy();
    await Promise.all([closed(server), closed(udp)]);
  };
  try {
    udp.bind({ address, port: bound, exclusive: true });
    await once(udp, 'listening');
  } catch (error) {
    await closed(server);
    throw error;
  }
  udp.on('error', () => {}); // of single packets (their client is gone); the socket itself stays
  serveUdp(udp, answer);
  return { port: bound, close };
}

function serveUdp(udp: UdpSocket, answer: Answer): void {
  let open = true;
  udp.on('close', () => (open = false));
  udp.on('message', (message, from) => {
    const query = decodeQuery(message);
    if (query === undefined) return;
    const send = (reply: Buffer): void => {
      if (open) udp.send(reply, from.port, from.address, () => {}); // lost like any packet: the client asks again
    };
    const reply = answer(query, udpLimit(query));
    if (reply instanceof Promise) void reply.then(send);
    else send(reply);
  });
}

function serveConnection(socket: Socket, answer: Answer, clock: Clock): void {
  let working = 0;
  let ended = false;
  let timer = clock.setTimer(TCP_IDLE_MS, () => socket.destroy());
  const rest = (): void => {
    timer.cancel();
    timer = clock.setTimer(TCP_IDLE_MS, () => socket.destroy());
  };
  const finish = (reply: Buffer): void => {
    working--;
    if (socket.destroyed) return;
    socket.write(framed(reply));
    if (working < TCP_PIPELINE_MAX) socket.resume();
    if (ended && working === 0) socket.end();
    rest();
  };
  const frames = createFrames((message) => {
    const query = decodeQuery(message);
    if (query === undefined) return void socket.destroy();
    working++;
    if (working >= TCP_PIPELINE_MAX) socket.pause();
    const reply = answer(query, MESSAGE_BYTES_MAX);
    if (reply instanceof Promise) void reply.then(finish);
    else finish(reply);
  });
  socket.on('error', () => socket.destroy()).on('close', () => timer.cancel());
  socket.on('data', (chunk: Buffer) => {
    rest();
    frames(chunk);
  });
  socket.on('end', () => {
    ended = true;
    if (working === 0) socket.end();
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function closed(socket: Server | UdpSocket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
