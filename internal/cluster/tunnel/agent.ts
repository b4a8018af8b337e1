// The agent's side of its tunnel (protocol.ts): kept open, and made again when it ends.
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { delay, type Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TlsCredentials } from '../../client/https-transport.ts';
import { STREAM_WINDOW_BYTES, TUNNEL_PATH, TUNNEL_PROTOCOL, TUNNEL_WINDOW_BYTES } from './protocol.ts';

export interface TunnelOptions {
  /** https://host:port */
  server: string;
  /** Asked at each connection. */
  credentials(): TlsCredentials;
  /** Of the kubelet, on this machine. */
  kubeletPort: number;
  clock: Clock;
  random: Random;
  log: Log;
}

const TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
const BACKOFF_MS = 1_000;
/** Short: logs and exec of a node behind NAT wait for it. */
const BACKOFF_MAX_MS = 4_000;

export function createTunnel(options: TunnelOptions): Component {
  const ending = new AbortController();
  let working: Promise<void> = Promise.resolve();
  return {
    name: 'tunnel',
    start() {
      working = keep(options, ending.signal);
      return Promise.resolve();
    },
    async stop() {
      ending.abort(new Error('stopping'));
      await working;
    },
  };
}

async function keep(options: TunnelOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = options;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const session = performServerHandshake(await connectTo(options, signal), { settings: { initialWindowSize: STREAM_WINDOW_BYTES } });
      session.setLocalWindowSize(TUNNEL_WINDOW_BYTES);
      failures = 0;
      await serve(session, options.kubeletPort, signal);
    } catch (error) {
      log.debug('the tunnel to the server could not be opened', { error: messageOf(error) });
    }
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(10, failures));
    await delay(clock, longest * (0.5 + random.fraction() / 2), signal).catch(() => undefined); // told to stop: the loop sees it
  }
}

function connectTo({ server, credentials }: TunnelOptions, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const url = new URL(TUNNEL_PATH, server);
    const asking = request(url, { agent: false, ...credentials(), headers: { connection: 'Upgrade', upgrade: TUNNEL_PROTOCOL }, timeout: TIMEOUT_MS, signal });
    asking.once('upgrade', (_response, socket, head) => {
      (socket as Socket).setTimeout(0);
      (socket as Socket).setKeepAlive(true, KEEP_ALIVE_MS);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asking.once('response', (response) => {
      response.resume();
      reject(new Error(`the server answers ${String(response.statusCode)}`));
    });
    asking.once('timeout', () => asking.destroy(new Error(`no answer within ${String(TIMEOUT_MS)} ms`)));
    asking.on('error', reject);
    asking.end();
  });
}

/** Resolves when the session has ended. */
function serve(session: ServerHttp2Session, kubeletPort: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => session.destroy();
    signal.addEventListener('abort', end, { once: true });
    session.on('error', end);
    session.on('stream', (stream) => join(stream, kubeletPort));
    session.once('close', () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    if (signal.aborted) end();
  });
}

function join(stream: ServerHttp2Stream, kubeletPort: number): void {
  const kubelet = connect(kubeletPort, '127.0.0.1');
  kubelet.setNoDelay(true);
  stream.on('error', () => kubelet.destroy());
  stream.once('close', () => kubelet.destroy());
  kubelet.on('error', () => {
    if (stream.destroyed) return;
    if (stream.headersSent) stream.destroy();
    else stream.respond({ ':status': 502 }, { endStream: true });
  });
  // Each end is passed on by itself: what is on its way in the other direction still arrives.
  kubelet.once('connect', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.pipe(kubelet);
    kubelet.pipe(stream);
  });
}
