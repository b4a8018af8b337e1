// /exec, /attach, /portForward, and /containerLogs over a WebSocket: an upgraded connection, WebSocket or SPDY/3.1, as the client asks. What a stream carries is the same in
// both: see remote-command.ts and port-forward.ts.
import type { Duplex } from 'node:stream';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import type { PodWorker } from '../pod-worker.ts';
import { sandboxesOf } from '../steps/sandbox.ts';
import { serveLogsOverWebSocket } from './container-logs.ts';
import type { Problem } from './places.ts';
import { forwardOverSpdy, forwardOverWebSocket, portsOf } from './port-forward.ts';
import { refuse } from './answers.ts';
import type { Connection } from './connection.ts';
import { runRemoteCommand, type RemoteCommand } from './remote-command.ts';
import { acceptSpdy, negotiate, spdyStreams } from './spdy-upgrade.ts';
import { acceptWebSocket, isKnownProtocol, webSocketStreams } from './websocket.ts';

export interface StreamRequest extends Connection {
  node: NodeContext;
  pods: Pods;
  url: URL;
  /** `exec`, `attach`, `portForward`, `containerLogs`. */
  name: string;
  /** Below it. */
  parts: readonly string[];
}

export async function serveStream(stream: StreamRequest): Promise<void> {
  const { node, pods, url, request, socket, name: kind, parts } = stream;
  const spdy = (request.headers.upgrade ?? '').toLowerCase() !== 'websocket';
  if (kind === 'containerLogs') return serveLogsOverWebSocket({ node, worker: pods.find(parts[0] ?? '', parts[1] ?? ''), pod: parts[1] ?? '', container: parts[2] ?? '', query: url.searchParams }, stream);
  const target = targetOf({ node, pods, url, kind, parts, offered: spdy ? 'spdy' : 'websocket', tunnelled: /SPDY\/3\.1\+portforward/.test(request.headers['sec-websocket-protocol'] ?? '') });
  if ('problem' in target) return refuse(socket, target.problem);
  if (!spdy && !isKnownProtocol(request)) return refuse(socket, { code: 403, text: '' });
  if (!spdy) return 'connect' in target ? forwardThroughWebSocket(stream, target) : runRemoteCommand(node.runtime, target, await webSocketStreams(await acceptWebSocket(stream), target));
  const protocol = negotiate(request, kind);
  if (typeof protocol !== 'string') return refuse(socket, protocol);
  const connection = acceptSpdy(stream, protocol);
  return 'connect' in target ? forwardOverSpdy(connection, target.connect) : runRemoteCommand(node.runtime, target, await spdyStreams(connection, target, node.clock));
}

interface Forwarding {
  ports: readonly number[];
  connect(port: number): Promise<Duplex>;
}

interface Wanted {
  node: NodeContext;
  pods: Pods;
  url: URL;
  kind: string;
  parts: readonly string[];
  /** What the connection is to become; undefined: nothing is offered. */
  offered: 'spdy' | 'websocket' | undefined;
  /** SPDY inside of the WebSocket. */
  tunnelled?: boolean;
}

/** What a stream is to be joined with, or what is wrong, in upstream's order: the options, the pod, the container. */
export function targetOf({ node, pods, url, kind, parts, offered, tunnelled }: Wanted): RemoteCommand | Forwarding | { problem: Problem } {
  const problem = (code: number, text: string): { problem: Problem } => ({ problem: { code, text } });
  const [namespace = '', name = ''] = parts;
  const worker = pods.find(namespace, name);
  if (kind === 'portForward') {
    const ports = offered === 'websocket' && tunnelled !== true ? portsOf(url.searchParams) : [];
    if (typeof ports === 'string') return problem(400, ports);
    if (worker === undefined) return problem(404, 'pod does not exist');
    if (parts[2] !== undefined && parts[2] !== worker.pod.metadata.uid) return problem(404, 'pod not found');
    const sandbox = sandboxesOf(node, worker.pod.metadata.uid).find(({ state }) => state === 'ready');
    return sandbox === undefined ? problem(500, `pod not found (${JSON.stringify(`${name}_${namespace}`)})`) : { ports, connect: (port) => node.runtime.connect(sandbox.id, port) };
  }
  const flag = (word: string): boolean => url.searchParams.get(word) === '1';
  // What the client opens is as it asked, also where it asks as if there were no terminal: kubectl attach with piped input to a container that has one.
  const streams = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error') && !flag('tty'), resizes: flag('tty') };
  if (!streams.stdin && !streams.stdout && !streams.stderr) return problem(400, 'you must specify at least 1 of stdin, stdout, stderr');
  if (worker === undefined) return problem(404, 'pod does not exist');
  if (kind === 'attach' && parts.length === 4 && parts[2] !== worker.pod.metadata.uid) return problem(500, `pod ${name}_${namespace} not found`);
  const container = parts.at(-1) ?? '';
  const running = runningContainer(node, worker, container);
  if (running === undefined) return problem(500, kind === 'exec' ? `container not found (${JSON.stringify(container)})` : `container ${container} not found in pod ${name}_${namespace}`);
  const tty = kind === 'attach' ? running.config.tty : flag('tty');
  return { kind: kind === 'exec' ? 'exec' : 'attach', containerId: running.id, command: url.searchParams.getAll('command'), tty, ...streams };
}

export function runningContainer(node: NodeContext, { pod }: PodWorker, name: string) {
  return sandboxesOf(node, pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id)).find(({ config, state }) => config.name === name && state === 'running');
}

async function forwardThroughWebSocket(stream: StreamRequest, { ports, connect }: Forwarding): Promise<void> {
  const webSocket = await acceptWebSocket(stream);
  if (webSocket.tunnel !== undefined) return forwardOverSpdy(webSocket.tunnel, connect);
  forwardOverWebSocket(webSocket, ports, connect);
}
