// The little of the API that the cases need, of any server: requests by paths, one watch of all pods and one of all events, and upstream's
// kubectl for what is a stream.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { load } from 'js-yaml';
import { KUBECTL } from '../support/cluster.ts';

export interface Reply {
  status: number;
  text: string;
  headers: NodeJS.Dict<string | string[]>;
}

export interface Ask {
  body?: unknown;
  type?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface Api {
  kubeconfig: string;
  send(method: string, path: string, ask?: Ask): Promise<Reply>;
  /** Throws with the server's words unless it is a 2xx. */
  json(method: string, path: string, ask?: Ask): Promise<Record<string, unknown>>;
  /** Goes on until `close`. */
  watch(path: string, seen: (event: { type: string; object: unknown }) => void): void;
  kubectl(args: readonly string[], input?: string): Promise<{ code: number; output: string }>;
  close(): void;
}

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[];
  users: { user: Record<string, string> }[];
}

export function openApi(kubeconfig: string): Api {
  const { clusters, users } = load(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  const url = new URL(cluster['server'] ?? '');
  const tls = { ca: decode(cluster['certificate-authority-data']), cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) };
  const agent = new Agent({ keepAlive: true, maxSockets: 24, ...tls });
  const watches: { destroy(): void }[] = [];
  let closed = false;

  function send(method: string, path: string, ask: Ask = {}): Promise<Reply> {
    const { body, type = 'application/json', headers = {} } = ask;
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(url, { method, path, agent, headers: { accept: 'application/json, */*', ...(text !== undefined && { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }), ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: response.headers }));
      });
      // A kept connection may be closed by the other side at the very moment that it is used again.
      outgoing.on('error', (error: NodeJS.ErrnoException) => (outgoing.reusedSocket && error.code === 'ECONNRESET' ? resolve(send(method, path, ask)) : reject(error)));
      outgoing.end(text);
    });
  }

  return {
    kubeconfig, send,
    async json(method, path, ask) {
      const { status, text } = await send(method, path, ask);
      if (status >= 300) throw new Error(`${method} ${path}: ${String(status)} ${text}`);
      return JSON.parse(text) as Record<string, unknown>;
    },
    watch(path, seen) {
      const outgoing = httpsRequest(url, { path: `${path}${path.includes('?') ? '&' : '?'}watch=true`, agent: false, ...tls, headers: { accept: 'application/json' } }, (response) => {
        const lines = createInterface({ input: response });
        lines.on('line', (line) => seen(JSON.parse(line) as { type: string; object: unknown }));
        for (const part of [response, lines]) part.on('error', (error: Error) => { if (!closed) throw error; });
      });
      outgoing.on('error', (error) => { if (!closed) throw error; });
      outgoing.end();
      watches.push(outgoing);
    },
    kubectl: (args, input = '') => new Promise((resolve) => {
      const child = spawn(KUBECTL, ['--kubeconfig', kubeconfig, ...args]);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stdin.on('error', () => undefined).end(input);
      child.once('close', (code) => resolve({ code: code ?? 1, output }));
    }),
    close() {
      closed = true;
      for (const watch of watches) watch.destroy();
      agent.destroy();
    },
  };
}
