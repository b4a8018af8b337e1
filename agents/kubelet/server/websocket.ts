// WebSocket for exec, attach and port-forward: one connection, channels told apart by the first byte of each message
// (v4/v5.channel.k8s.io, the older channel.k8s.io, and their base64 forms). v5 adds message 255, which closes one channel.
// kubectl's port-forward speaks SPDY inside a WebSocket instead: then the connection is a tunnel.
import type { IncomingMessage } from 'node:http';
import { Duplex, PassThrough, Writable } from 'node:stream';
import { callbackify } from 'node:util';
import { WebSocketServer, type WebSocket } from 'ws';
import { createEventQueue } from './event-queue.ts';
import type { CommandStreams, ExecStatus, RemoteCommand } from './remote-command.ts';
import type { Connection } from './connection.ts';

const NEWEST = 'v5.channel.k8s.io';
const COMMAND_PROTOCOLS = [NEWEST, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'base64.channel.k8s.io', 'channel.k8s.io'];
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const CLOSE_CHANNEL = 255;
const CHANNELS = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export interface ChannelSocket {
  protocol: string;
  /** The bytes within, when the client tunnels SPDY. */
  tunnel?: Duplex;
  send(channel: number, data: Uint8Array): Promise<void>;
  onMessage(listener: (channel: number, data: Buffer) => void): void;
  /** Nothing more is taken from the client until all who hold it have let go: else what nobody reads would be kept, however much it is. */
  hold(): () => void;
  onClose(listener: () => void): void;
  close(): void;
}

/** Whether there is one of its protocols that is known here; without a word of them it takes the oldest. */
export function isKnownProtocol({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
  return offered.length === 0 || offered.some((name) => name === TUNNEL_PROTOCOL || COMMAND_PROTOCOLS.includes(name));
}

export async function acceptWebSocket(stream: Connection): Promise<ChannelSocket> {
  const { webSocket, protocol } = await upgradeToWebSocket(stream, [...COMMAND_PROTOCOLS, TUNNEL_PROTOCOL]);
  return channelSocket(webSocket, protocol);
}

/** The first that the client offers of these protocols is taken, but v5 before all others; '' when it offers none of them. */
export function upgradeToWebSocket({ request, socket, head }: Connection, protocols: readonly string[]): Promise<{ webSocket: WebSocket; protocol: string }> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
  const protocol = offered.find((name) => name === NEWEST && protocols.includes(name)) ?? offered.find((name) => protocols.includes(name)) ?? '';
  // ws refuses names with a slash: the header is taken off before the upgrade and the answer's is set by hand.
  delete request.headers['sec-websocket-protocol'];
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('headers', (headers) => { if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`); });
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (webSocket) => resolve({ webSocket, protocol }));
  });
}

function channelSocket(webSocket: WebSocket, protocol: string): ChannelSocket {
  const base64 = protocol.includes('base64');
  const early: Buffer[] = [];
  let listener: ((channel: number, data: Buffer) => void) | undefined;
  const deliver = (message: Buffer): void => {
    const channel = base64 ? (message[0] ?? 48) - 48 : message[0] ?? 0;
    listener?.(channel, base64 ? Buffer.from(message.subarray(1).toString('latin1'), 'base64') : message.subarray(1));
  };
  webSocket.on('error', () => webSocket.terminate());
  const tunnel = protocol === TUNNEL_PROTOCOL ? tunnelOf(webSocket) : undefined;
  if (tunnel === undefined) {
    webSocket.on('message', (data) => {
      const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
      if (message.length === 0) return;
      if (listener === undefined) early.push(message);
      else deliver(message);
    });
  }
  return {
    protocol,
    ...(tunnel !== undefined && { tunnel }),
    send: (channel, data) => new Promise((resolve) => {
      const message = base64 ? `${String(channel)}${Buffer.from(data).toString('base64')}` : Buffer.concat([Buffer.from([channel]), data]);
      webSocket.send(message, { binary: !base64 }, () => resolve());
    }),
    onMessage(next) {
      listener = next;
      for (const message of early.splice(0)) deliver(message);
    },
    hold: holdOf(webSocket),
    onClose: (next) => void webSocket.on('close', next),
    close: () => webSocket.close(1000),
  };
}

function holdOf(webSocket: WebSocket): ChannelSocket['hold'] {
  let held = 0;
  return () => {
    let mine = true;
    if (held++ === 0) webSocket.pause();
    return () => {
      if (!mine) return;
      mine = false;
      if (--held === 0) webSocket.resume();
    };
  };
}

/** Passes on what the client sends, no faster than it is taken. */
export function pass(client: Pick<ChannelSocket, 'hold'>, to: Writable, data: Buffer): void {
  if (to.destroyed || to.write(data)) return;
  const release = client.hold();
  to.once('drain', release).once('close', release);
}

function tunnelOf(webSocket: WebSocket): Duplex {
  const duplex = new Duplex({
    read() {
      webSocket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      webSocket.send(chunk, { binary: true }, () => done());
    },
    final(done) {
      webSocket.close(1000);
      done();
    },
    destroy(error, done) {
      webSocket.terminate();
      done(error);
    },
  });
  webSocket.on('message', (data) => { if (!duplex.push(Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))) webSocket.pause(); });
  webSocket.on('close', () => duplex.push(null));
  return duplex;
}

export async function webSocketStreams(socket: ChannelSocket, command: RemoteCommand): Promise<CommandStreams> {
  const gone = new AbortController();
  const stdin = command.stdin ? new PassThrough() : undefined;
  const resize = createEventQueue<{ width: number; height: number }>();
  socket.onMessage((channel, data) => {
    if (channel === CHANNELS.stdin) void (stdin !== undefined && pass(socket, stdin, data));
    else if (channel === CHANNELS.resize) pushSize(data, resize.push);
    else if (channel === CLOSE_CHANNEL && data[0] === CHANNELS.stdin) stdin?.end();
  });
  socket.onClose(() => {
    stdin?.end();
    resize.end();
    gone.abort(new Error('the client has gone'));
  });
  // An empty message tells the client that the streams stand.
  await socket.send(command.stdout ? CHANNELS.stdout : command.stderr ? CHANNELS.stderr : CHANNELS.error, Buffer.alloc(0));
  return {
    ...(stdin !== undefined && { stdin }), ...(command.stdout && { stdout: channelWriter(socket, CHANNELS.stdout) }), ...(command.stderr && { stderr: channelWriter(socket, CHANNELS.stderr) }),
    resize, signal: gone.signal,
    async finish(status) {
      const text = /^v[45]/.test(socket.protocol) ? JSON.stringify(status) : legacyText(status);
      if (text !== '') await socket.send(CHANNELS.error, Buffer.from(text));
      socket.close();
    },
  };
}

/** The oldest protocol has words for failure and silence for success. */
export function legacyText({ status, message }: ExecStatus): string {
  return status === 'Success' ? '' : message ?? '';
}

const SIZE_MAX = 65_535;

/** What a client sends that is no size is passed over: it is nobody's but its own terminal. */
export function pushSize(data: Buffer, push: (size: { width: number; height: number }) => void): void {
  for (const line of data.toString().split('\n').filter((text) => text.trim() !== '')) {
    const [width, height] = sizeOf(line);
    if ([width, height].every((value) => Number.isInteger(value) && value >= 0 && value <= SIZE_MAX)) push({ width, height });
  }
}

function sizeOf(line: string): [width: number, height: number] {
  try {
    const { Width = 0, Height = 0 } = (JSON.parse(line) ?? {}) as { Width?: number; Height?: number };
    return [Width, Height];
  } catch {
    return [-1, -1];
  }
}

export function channelWriter(socket: Pick<ChannelSocket, 'send'>, channel: number): Writable {
  const send = callbackify((chunk: Buffer) => socket.send(channel, chunk));
  return new Writable({ write: (chunk: Buffer, _encoding, done) => send(chunk, done) });
}
