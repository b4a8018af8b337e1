// The upgrade to SPDY/3.1, and the streams of an exec or attach over it: the client opens error, stdin, stdout, stderr and resize, each named
// by its streamType header; the command starts when all it asked for are there.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../../internal/base/clock.ts';
import { createEventQueue } from './event-queue.ts';
import type { Problem } from './places.ts';
import type { CommandStreams, RemoteCommand } from './remote-command.ts';
import { createSpdySession, type SpdySession } from '../../spdy/session.ts';
import type { SpdyStream } from '../../spdy/streams.ts';
import type { Connection } from './connection.ts';
import { legacyText, pushSize } from './websocket.ts';

const COMMAND_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
const FORWARD_PROTOCOLS = ['portforward.k8s.io'];
const STREAMS_WITHIN_MS = 30_000;

export interface SpdyConnection {
  session: SpdySession;
  protocol: string;
}

/** The first of the client's protocols that is known here, or why there is none. */
export function negotiate(request: IncomingMessage, kind: string): string | Problem {
  const offered = [request.headers['x-stream-protocol-version'] ?? []].flat().flatMap((text) => text.split(',')).map((name) => name.trim());
  const known = kind === 'portForward' ? FORWARD_PROTOCOLS : COMMAND_PROTOCOLS;
  if (offered.length === 0) return { code: 400, text: 'unable to upgrade: X-Stream-Protocol-Version is required\n' };
  return offered.find((name) => known.includes(name)) ?? { code: 403, text: `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]\n` };
}

export function acceptSpdy({ socket, head }: Pick<Connection, 'socket' | 'head'>, protocol: string): SpdyConnection {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
  return { session: createSpdySession(socket, head), protocol };
}

export async function spdyStreams({ session, protocol }: SpdyConnection, command: RemoteCommand, clock: Clock): Promise<CommandStreams> {
  const resizes = command.resizes && !['channel.k8s.io', 'v2.channel.k8s.io'].includes(protocol);
  const wanted = ['error', ...(command.stdin ? ['stdin'] : []), ...(command.stdout ? ['stdout'] : []), ...(command.stderr ? ['stderr'] : []), ...(resizes ? ['resize'] : [])];
  const streams = await collect(session, wanted, clock);
  const gone = new AbortController();
  const resize = createEventQueue<{ width: number; height: number }>();
  session.onClose(() => {
    resize.end();
    gone.abort(new Error('the client has gone'));
  });
  streams.get('resize')?.duplex.on('data', (data: Buffer) => pushSize(data, resize.push));
  const [stdin, stdout, stderr] = ['stdin', 'stdout', 'stderr'].map((name) => streams.get(name)?.duplex);
  return {
    ...(stdin !== undefined && { stdin }), ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }), resize, signal: gone.signal,
    async finish(status) {
      const text = protocol === 'v4.channel.k8s.io' ? JSON.stringify(status) : legacyText(status);
      await Promise.all([...streams.entries()].filter(([name]) => name !== 'stdin' && name !== 'resize').map(([name, { duplex }]) => new Promise<void>((resolve) => {
        duplex.once('close', () => resolve());
        duplex.end(name === 'error' ? text : undefined, () => resolve());
      })));
      session.close();
    },
  };
}

function collect(session: SpdySession, wanted: readonly string[], clock: Clock): Promise<Map<string, SpdyStream>> {
  const found = new Map<string, SpdyStream>();
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(STREAMS_WITHIN_MS, () => {
      session.close();
      reject(new Error('timed out waiting for client to create streams'));
    });
    session.onStream((stream) => {
      found.set(stream.headers['streamtype'] ?? '', stream);
      if (!wanted.every((name) => found.has(name))) return;
      timer.cancel();
      resolve(found);
    });
    session.onClose(() => {
      timer.cancel();
      reject(new Error('the client has gone'));
    });
  });
}
