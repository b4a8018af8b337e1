// The little of the API that tests need, of any server, asked directly as the kubeconfig's user: requests by paths, watches, and upstream's kubectl
// for what is a stream. A test that looks several times a second must not start a program each time.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { KUBECTL } from './cluster.ts';
import { parseKubeconfig, type Credentials } from './kubeconfig.ts';

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
  credentials: Credentials;
  send(method: string, path: string, ask?: Ask): Promise<Reply>;
  /** Throws with the server's words unless it is a 2xx. */
  json(method: string, path: string, ask?: Ask): Promise<Record<string, unknown>>;
  /** Goes on until `close`. */
  watch(path: string, seen: (event: { type: string; object: unknown }) => void): void;
  kubectl(args: readonly string[], input?: string): Promise<{ code: number; output: string }>;
  close(): void;
}

/** `timeoutMs`: how long an answer may take to begin or to go on; default: for ever. */
export function openApi(kubeconfig: string, { timeoutMs = 0 } = {}): Api {
  const credentials = parseKubeconfig(readFileSync(kubeconfig, 'utf8'));
  const { url, ...tls } = credentials;
  const agent = new Agent({ keepAlive: true, maxSockets: 24, ...tls });
  const watches: { destroy(): void }[] = [];
  let closed = false;

  function send(method: string, path: string, ask: Ask = {}): Promise<Reply> {
    const { body, type = 'application/json', headers = {} } = ask;
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(url, { method, path, agent, timeout: timeoutMs, headers: { accept: 'application/json, */*', ...(text !== undefined && { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }), ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: response.headers }));
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer`)));
      // A kept connection may be closed by the other side at the very moment that it is used again, or over a kill of the server.
      outgoing.on('error', (error: NodeJS.ErrnoException) => (outgoing.reusedSocket && (method === 'GET' || error.code === 'ECONNRESET') ? resolve(send(method, path, ask)) : reject(error)));
      outgoing.end(text);
    });
  }

  return {
    credentials, send,
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
