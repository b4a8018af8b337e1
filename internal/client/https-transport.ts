// The transport of agents and tools: HTTPS to an API server, JSON, connections kept open. The same errors as in process: a Status becomes a
// StatusError, and a server that cannot be reached is ServiceUnavailable.
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { messageOf, StatusError } from '../base/errors.ts';
import { readJson } from '../api/large-integers.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ApiRequest, Transport, WatchEvent } from '../api/request.ts';
import { httpRequestOf, type HttpRequest } from './request-url.ts';
import { statusErrorFrom, statusErrorOf } from './status-of.ts';

/** PEM. All may be absent: the system's CAs, and a token or nobody. */
export interface TlsCredentials {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface HttpsTransportOptions {
  /** https://host:port */
  url: string;
  /** What connections are made with, or what gives the current ones: renewed ones are used from the next request on. */
  credentials?: TlsCredentials | (() => TlsCredentials);
  /** Bearer token, or what gives the current one. */
  token?: string | (() => string);
  /** How long the server may be silent within a request; a watch only until it has begun. Default 60 s. */
  timeoutMs?: number;
  userAgent?: string;
}

export interface HttpsTransport extends Transport {
  /** Sends anything to the same server: raw paths such as /healthz. Gives the body; a code of 400 and more throws. */
  raw(request: HttpRequest, signal?: AbortSignal): Promise<string>;
  /** Ends all connections, idle or not. */
  close(): void;
}

const SOCKETS_MAX = 32;
const IDLE_MAX = 4;
/** Of silence, then the kernel probes each second for ten: a server that lost its power is noticed by watches too, which only listen. */
const KEEP_ALIVE_MS = 15_000;
/** One object is at most 1.5 MB in upstream's etcd; a line longer than this is not a watch event. */
const LINE_MAX = 32 * 1024 * 1024;

export function createHttpsTransport(options: HttpsTransportOptions): HttpsTransport {
  const { url } = options;
  const connections = createConnections(options.credentials);
  const base = new URL(url);

  const timeoutMs = options.timeoutMs ?? 60_000;

  const open = (request: HttpRequest, call: { signal?: AbortSignal | undefined }): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const sent = httpsRequest(
        { agent: connections.agent(), host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port || 443, method: request.method, path: request.path, headers: headersOf(request, options), timeout: timeoutMs, ...(call.signal !== undefined && { signal: call.signal }) },
        resolve,
      );
      // Given as an option it counts while connecting too, when a server without power answers nothing at all.
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${String(timeoutMs)} ms`)));
      sent.on('error', (error) => reject(unreachable(url, error, call.signal)));
      sent.end(request.body);
    });

  const raw = async (request: HttpRequest, signal?: AbortSignal): Promise<string> => {
    const response = await open(request, { signal });
    const text = await textOf(response).catch((error: unknown) => Promise.reject(unreachable(url, error, signal)));
    const code = response.statusCode ?? 0;
    if (code >= 400) throw statusErrorOf(code, text);
    return text;
  };

  return {
    raw,
    close: connections.close,
    send: async (request, signal) => readJson(await raw(httpRequestOf(request), signal)),
    watch: (request, signal) => watch(request, signal),
  };

  async function* watch(request: ApiRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await open(httpRequestOf(request), { signal });
    response.socket.setTimeout(0); // begun, it may be silent for as long as nothing happens
    const code = response.statusCode ?? 0;
    if (code >= 400) throw statusErrorOf(code, await textOf(response));
    try {
      for await (const line of linesOf(response)) {
        const event = readJson(line) as WatchEvent<KubeObject>;
        if (event.type === 'ERROR') throw statusErrorFrom(event.object);
        yield event;
      }
    } catch (error) {
      if (error instanceof StatusError) throw error;
      throw unreachable(url, error, signal);
    } finally {
      response.destroy();
    }
  }
}

interface Connections {
  agent(): Agent;
  close(): void;
}

/** Connections kept open, one set for each certificate: those of an earlier one serve what is under way, then close. */
function createConnections(credentials: HttpsTransportOptions['credentials'] = {}): Connections {
  const current = typeof credentials === 'function' ? credentials : () => credentials;
  const agents = new Set<Agent>();
  let used: { by: TlsCredentials; agent: Agent } | undefined;
  return {
    agent() {
      const { ca, cert, key } = current();
      if (used !== undefined && used.by.ca === ca && used.by.cert === cert && used.by.key === key) return used.agent;
      if (used !== undefined) retire(used.agent);
      const by = { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
      used = { by, agent: new Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: SOCKETS_MAX, maxFreeSockets: IDLE_MAX, ...by }) };
      agents.add(used.agent);
      return used.agent;
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

function retire(agent: Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function headersOf({ contentType, body, headers }: HttpRequest, { token, userAgent = 'skiff' }: HttpsTransportOptions): Record<string, string> {
  const bearer = typeof token === 'function' ? token() : token;
  return {
    accept: 'application/json',
    'user-agent': userAgent,
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    ...(contentType !== undefined && { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body ?? '')) }),
    ...headers,
  };
}

function unreachable(url: string, error: unknown, signal: AbortSignal | undefined): Error {
  if (error instanceof StatusError) return error;
  if (signal?.aborted === true) return signal.reason instanceof Error ? signal.reason : new StatusError('Timeout', 'the request was given up');
  return new StatusError('ServiceUnavailable', `cannot reach the API server at ${url}: ${messageOf(error)}`, { cause: error });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** The stream's lines, without the empty ones. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString();
      parts = [];
      size = 0;
      start = end + 1;
      if (line !== '') yield line;
    }
    size += chunk.length - start;
    if (size > LINE_MAX) throw new Error(`a watch event of more than ${String(LINE_MAX)} bytes`);
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  const rest = Buffer.concat(parts).toString();
  if (rest !== '') yield rest;
}
