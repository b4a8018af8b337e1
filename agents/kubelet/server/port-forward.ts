// Port-forward: pairs of streams, one for the bytes and one for what goes wrong. Over SPDY (also inside a WebSocket) the client opens a pair
// for each connection; over plain WebSocket the pairs stand from the start, two channels for each port asked for.
import type { Duplex } from 'node:stream';
import { messageOf } from '../../../internal/base/errors.ts';
import { createSpdySession } from '../../spdy/session.ts';
import type { SpdyStream } from '../../spdy/streams.ts';
import type { SpdyConnection } from './spdy-upgrade.ts';
import { channelWriter, pass, type ChannelSocket } from './websocket.ts';

/** The ports that a plain WebSocket is to be joined with, or what is wrong with them. */
export function portsOf(query: URLSearchParams): number[] | string {
  const words = query.getAll('port').flatMap((text) => text.split(','));
  if (words.length === 0) return 'query parameter "port" is required';
  for (const word of words) {
    if (word === '') return 'query parameter "port" cannot be empty';
    if (!/^\d+$/.test(word)) return `unable to parse ${JSON.stringify(word)} as a port: strconv.ParseUint: parsing ${JSON.stringify(word)}: invalid syntax`;
    if (Number(word) > 65535) return `unable to parse ${JSON.stringify(word)} as a port: strconv.ParseUint: parsing ${JSON.stringify(word)}: value out of range`;
    if (Number(word) < 1) return `port ${JSON.stringify(word)} must be > 0`;
  }
  return words.map(Number);
}

type Connect = (port: number) => Promise<Duplex>;

export function forwardOverSpdy(connection: SpdyConnection | Duplex, connect: Connect): void {
  const session = 'session' in connection ? connection.session : createSpdySession(connection);
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  session.onStream((stream) => {
    const { streamtype = '', requestid = '', port = '' } = stream.headers;
    // Old clients send no request id: their error stream comes first and its id is that of the data stream less two.
    const key = requestid === '' ? String(streamtype === 'error' ? stream.id : stream.id - 2) : requestid;
    const pair = pairs.get(key) ?? {};
    pairs.set(key, pair);
    if (streamtype === 'error') pair.error = stream;
    else pair.data = stream;
    if (pair.data === undefined || pair.error === undefined) return;
    pairs.delete(key);
    void join(pair.data.duplex, pair.error.duplex, Number(port), connect);
  });
}

async function join(data: Duplex, error: Duplex, port: number, connect: Connect): Promise<void> {
  error.resume(); // what is not read does not end, and is kept as long as the connection
  try {
    const socket = await connect(port);
    socket.on('error', () => data.destroy());
    data.pipe(socket);
    socket.pipe(data);
    socket.on('close', () => error.end());
    data.on('close', () => socket.destroy());
  } catch (failure) {
    error.end(`error forwarding port ${String(port)}: ${messageOf(failure)}`);
    data.resume().end();
  }
}

export function forwardOverWebSocket(client: ChannelSocket, ports: readonly number[], connect: Connect): void {
  const sockets = ports.map((port, index) => ({ port, data: 2 * index, error: 2 * index + 1, socket: undefined as Promise<Duplex> | undefined }));
  for (const pair of sockets) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(pair.port);
    void client.send(pair.data, number);
    void client.send(pair.error, number);
    pair.socket = connect(pair.port);
    pair.socket.then((socket) => {
      socket.on('error', () => {});
      socket.pipe(channelWriter(client, pair.data));
    }, (error: unknown) => client.send(pair.error, Buffer.from(`error forwarding port ${String(pair.port)}: ${messageOf(error)}`)));
  }
  client.onMessage((channel, bytes) => {
    const connection = sockets.find(({ data }) => data === channel)?.socket;
    if (connection === undefined) return;
    const release = client.hold(); // until it is known whether there is somebody to take it
    void connection.then((socket) => pass(client, socket, bytes), () => {}).finally(release);
  });
  client.onClose(() => { for (const { socket } of sockets) void socket?.then((open) => open.destroy(), () => {}); });
}
