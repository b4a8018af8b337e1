// /exec, /attach, /portForward, and /containerLogs over a WebSocket: an upgraded connection, WebSocket or SPDY/3.1, as the client asks. What a stream carries is the same in
// both: see remote-command.ts and port-forward.ts.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import type { PodWorker } from '../pod-worker.ts';
import { sandboxesOf } from '../steps/sandbox.ts';
import { serveLogsOverWebSocket } from './container-logs.ts';
import { forwardOverSpdy, forwardOverWebSocket } from './port-forward.ts';
import { runRemoteCommand, type RemoteCommand } from './remote-command.ts';
import { acceptSpdy, spdyStreams } from './spdy-upgrade.ts';
import { acceptWebSocket, webSocketStreams } from './websocket.ts';

export interface StreamRequest {
  node: NodeContext;
  pods: Pods;
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  url: URL;
}

export async function serveStream(stream: StreamRequest): Promise<void> {
  const [, kind = '', ...rest] = stream.url.pathname.split('/').map(decodeURIComponent);
  const [namespace = '', name = ''] = rest;
  const worker = stream.pods.find(namespace, name);
  if (kind === 'containerLogs') return serveLogsOverWebSocket({ node: stream.node, worker, pod: name, container: rest[2] ?? '', query: stream.url.searchParams }, stream);
  if (worker === undefined) return refuse(stream.socket, 404, `pod "${name}" does not exist`);
  if (kind === 'portForward') return forward(stream, worker);
  if (kind !== 'exec' && kind !== 'attach') return refuse(stream.socket, 404, '404 page not found');
  const command = commandOf(stream, worker, rest.at(-1) ?? '', kind);
  if (command === undefined) return refuse(stream.socket, 404, `container not found ("${rest.at(-1) ?? ''}")`);
  if (!command.stdin && !command.stdout && !command.stderr) return refuse(stream.socket, 400, 'you must specify at least 1 of stdin, stdout, stderr');
  const streams = isSpdy(stream.request) ? await spdyStreams(acceptSpdy(stream), command, stream.node.clock) : await webSocketStreams(await acceptWebSocket(stream), command);
  await runRemoteCommand(stream.node.runtime, command, streams);
}

function commandOf({ node, url }: StreamRequest, worker: PodWorker, container: string, kind: 'exec' | 'attach'): RemoteCommand | undefined {
  const running = sandboxesOf(node, worker.pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id))
    .find(({ config, state }) => config.name === container && state === 'running');
  if (running === undefined) return undefined;
  const flag = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(url.searchParams.get(name) ?? ''));
  const tty = kind === 'attach' ? running.config.tty : flag('tty');
  return { kind, containerId: running.id, command: url.searchParams.getAll('command'), tty, stdin: flag('input', 'stdin'), stdout: flag('output', 'stdout'), stderr: flag('error', 'stderr') && !tty };
}

async function forward(stream: StreamRequest, worker: PodWorker): Promise<void> {
  const sandbox = sandboxesOf(stream.node, worker.pod.metadata.uid).find(({ state }) => state === 'ready');
  if (sandbox === undefined) return refuse(stream.socket, 404, 'pod is not running');
  const connect = (port: number) => stream.node.runtime.connect(sandbox.id, port);
  if (isSpdy(stream.request)) return forwardOverSpdy(acceptSpdy(stream), connect);
  const webSocket = await acceptWebSocket(stream);
  if (webSocket.tunnel !== undefined) return forwardOverSpdy(webSocket.tunnel, connect);
  const { searchParams } = stream.url;
  forwardOverWebSocket(webSocket, [...searchParams.getAll('port'), ...searchParams.getAll('ports')].flatMap((text) => text.split(',')).map(Number), connect);
}

function isSpdy(request: IncomingMessage): boolean {
  return (request.headers.upgrade ?? '').toLowerCase().startsWith('spdy/');
}

export function refuse(socket: Duplex, code: number, text: string): void {
  socket.end(`HTTP/1.1 ${String(code)} ${code === 404 ? 'Not Found' : 'Bad Request'}\r\ncontent-type: text/plain\r\ncontent-length: ${String(Buffer.byteLength(text))}\r\nconnection: close\r\n\r\n${text}`);
}
