// A small HTTPS client for load: keep-alive HTTP/1.1 with the kubeconfig's credentials, so that the client costs little beside the server.
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { parseKubeconfig } from '../support/kubeconfig.ts';
import { execOver } from './exec-socket.ts';

export interface Answer {
  status: number;
  body: string;
}

export interface Cluster {
  /** One request on one of the kept connections; throws on a status of 300 and more. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The parsed lines of a watch, until closed; `onEnd` when it has ended, by whomever. */
  watch(path: string, onEvent: (event: { type: string; object: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } } }) => void, onEnd?: () => void): Promise<() => void>;
  /** Counts the events of a type as they come, unparsed, so that many watchers cost this client little. */
  countEvents(path: string, type: string, onCount: (count: number) => void): Promise<() => void>;
  /** Runs a command in a container over a WebSocket, and gives what it wrote to stdout and the Status at its end. */
  exec(path: string): Promise<{ stdout: string; status: string }>;
  /** Reads a log until a chunk holds the mark: bytes, and milliseconds between the first and the last. */
  follow(path: string, mark: string): Promise<{ bytes: number; ms: number }>;
  /** Epoch ms of the node's Ready condition when it is True. */
  nodeHeartbeat(node: string): Promise<number | undefined>;
  close(): void;
}

export async function connectCluster(kubeconfig: string, host: string): Promise<Cluster> {
  const { url, ...tls } = parseKubeconfig(kubeconfig);
  const { port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 8, ...tls, checkServerIdentity: () => undefined });
  const watchers = new Agent({ keepAlive: false, ...tls, checkServerIdentity: () => undefined });
  const send = (method: string, path: string, body: unknown, through: Agent, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const sent = request({ host, port, method, path, agent: through, headers: { Accept: 'application/json', ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }), ...headers } }, resolve);
      sent.on('error', reject);
      sent.end(text);
    });
  const cluster: Cluster = {
    async call(method, path, body, headers) {
      const response = await send(method, path, body, agent, headers);
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const answer = { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${String(answer.status)} ${answer.body.slice(0, 300)}`);
      return answer;
    },
    async watch(path, onEvent, onEnd = () => {}) {
      const response = await send('GET', path, undefined, watchers);
      if (response.statusCode !== 200) throw new Error(`watch ${path}: ${String(response.statusCode)}`);
      createInterface({ input: response }).on('error', () => {}).on('line', (line) => { if (line !== '') onEvent(JSON.parse(line) as Parameters<typeof onEvent>[0]); });
      response.on('error', () => {}); // closed by us
      response.on('close', onEnd);
      return () => response.destroy();
    },
    async countEvents(path, type, onCount) {
      const response = await send('GET', path, undefined, watchers);
      if (response.statusCode !== 200) throw new Error(`watch ${path}: ${String(response.statusCode)}`);
      const mark = Buffer.from(`{"type":"${type}",`);
      let rest = Buffer.alloc(0);
      response.on('error', () => {}); // closed by us
      response.on('data', (chunk: Buffer) => {
        const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const end = bytes.lastIndexOf(10) + 1; // whole lines
        rest = Buffer.from(bytes.subarray(end));
        let count = 0;
        for (let at = bytes.indexOf(mark); at >= 0 && at < end; at = bytes.indexOf(mark, at + 1)) count++;
        if (count > 0) onCount(count);
      });
      return () => response.destroy();
    },
    exec: (path) => execOver(path, { host, port, agent: false, ...tls, checkServerIdentity: () => undefined }),
    async follow(path, mark) {
      const response = await send('GET', path, undefined, watchers);
      if (response.statusCode !== 200) throw new Error(`log ${path}: ${String(response.statusCode)}`);
      let [bytes, first, tail] = [0, 0, ''];
      for await (const chunk of response) {
        if (first === 0) first = performance.now();
        bytes += (chunk as Buffer).length;
        tail = (tail + (chunk as Buffer).subarray(-100).toString('latin1')).slice(-200);
        if (tail.includes(mark)) break;
      }
      return { bytes, ms: performance.now() - first };
    },
    async nodeHeartbeat(node) {
      const { body } = await cluster.call('GET', `/api/v1/nodes/${node}`);
      const ready = (JSON.parse(body) as { status: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] } }).status.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'True' ? Date.parse(ready.lastHeartbeatTime) : undefined;
    },
    close() {
      agent.destroy();
      watchers.destroy();
    },
  };
  await cluster.call('GET', '/readyz');
  return cluster;
}
