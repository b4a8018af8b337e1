// The server's side of the tunnels (protocol.ts): one for each agent, the newest.
import { EventEmitter } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { StatusError } from '../../base/errors.ts';
import type { UserInfo } from '../../api/user.ts';
import { STREAM_WINDOW_BYTES, TUNNEL_PROTOCOL, TUNNEL_WINDOW_BYTES } from './protocol.ts';

export interface Tunnels {
  /** Takes over the connection of an agent that asked for it. StatusError Forbidden for who is no node. */
  accept(user: UserInfo, client: { socket: Socket; head: Buffer }): void;
  /** A connection to the node's kubelet; undefined when the node keeps no tunnel. */
  open(nodeName: string): Promise<Duplex> | undefined;
  /** Resolves when the node has a tunnel, or the time is over. */
  awaited(nodeName: string, patienceMs: number): Promise<void>;
}

const NODE = /^system:node:(.+)$/;
const NODES_GROUP = 'system:nodes';
const PATIENCE_MS = 5_000;
/** Of silence, before the kernel asks whether the agent is still there. */
const KEEP_ALIVE_MS = 15_000;

export function createTunnels(clock: Clock): Tunnels {
  const sessions = new Map<string, ClientHttp2Session>();
  const begun = new EventEmitter<Record<string, []>>().setMaxListeners(0);
  const begin = (nodeName: string, socket: Socket): void => {
    const session = connect(`http://${nodeName}`, { createConnection: () => socket, settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES } });
    session.once('connect', () => session.setLocalWindowSize(TUNNEL_WINDOW_BYTES));
    session.on('error', () => session.destroy());
    session.once('close', () => sessions.get(nodeName) === session && sessions.delete(nodeName));
    sessions.get(nodeName)?.destroy();
    sessions.set(nodeName, session);
    begun.emit(nodeName);
  };
  return {
    accept({ username, groups }, { socket, head }) {
      const nodeName = NODE.exec(username)?.[1];
      if (nodeName === undefined || !groups.includes(NODES_GROUP)) throw new StatusError('Forbidden', `tunnels are for nodes: ${username} is none`);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      if (head.length > 0) socket.unshift(head);
      // Written out before the session takes the connection over: it counts on having all of it.
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${TUNNEL_PROTOCOL}\r\n\r\n`, (error) => {
        if (error === null || error === undefined) begin(nodeName, socket);
      });
    },
    open(nodeName) {
      const session = sessions.get(nodeName);
      return session === undefined ? undefined : openStream(session, clock);
    },
    awaited(nodeName, patienceMs) {
      return new Promise((resolve) => {
        if (sessions.has(nodeName)) return resolve();
        const done = (): void => {
          timer.cancel();
          begun.off(nodeName, done);
          resolve();
        };
        const timer = clock.setTimer(patienceMs, done);
        begun.on(nodeName, done);
      });
    },
  };
}

/** One that does not answer is dead without having said so: it is given up, and the agent makes another. */
function openStream(session: ClientHttp2Session, clock: Clock): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'kubelet' });
    const timer = clock.setTimer(PATIENCE_MS, () => {
      reject(new Error('the node does not answer on its tunnel'));
      session.destroy();
    });
    stream.once('response', ({ ':status': status }) => {
      timer.cancel();
      if (status === 200) return resolve(stream);
      stream.destroy();
      reject(new Error(`the node cannot reach its kubelet (${String(status)})`));
    });
    stream.once('error', reject);
    stream.once('close', () => {
      timer.cancel();
      reject(new Error('the tunnel was closed'));
    });
  });
}
