// A gRPC server on a Unix socket, over node:http2: unary calls and streams that the server sends. Messages go in and out as bytes; what they mean is the
// methods' matter (messages.ts). No TLS, no compression: who may open the socket is the folder's matter.
import { renameSync, rmSync, statSync } from 'node:fs';
import { constants, createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { messageOf } from '../../internal/base/errors.ts';
import { withPlainAuthority } from './authority.ts';
import { CODE, GrpcError } from './error.ts';
import { createSplitter, framed } from './frames.ts';

/**
 * One message in; one out (a promise) or many (an iterable, whose end is the end of the stream). The signal aborts when the caller gave up or went away.
 * A GrpcError is told with its code, anything else as Unknown.
 */
export type GrpcMethod = (request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array> | AsyncIterable<Uint8Array>;

export interface GrpcServer {
  /** Takes the place of whatever lies under the path. Resolves when calls are taken. */
  start(): Promise<void>;
  /** Breaks the calls that are under way, and removes the socket. */
  stop(): Promise<void>;
}

/** `methods` by `/package.Service/Method`. */
export function createGrpcServer(socketPath: string, methods: Readonly<Record<string, GrpcMethod>>, { keepsAlive = true }: { keepsAlive?: boolean } = {}): GrpcServer {
  const http = createHttp2Server();
  const server = createServer((socket) => http.emit('connection', withPlainAuthority(socket)));
  const sessions = new Set<ServerHttp2Session>();
  let named: number | undefined;
  http.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  // A caller that breaks its connection is no failure of ours; its calls hear of it by their signals.
  http.on('sessionError', () => {});
  http.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void answer(stream, headers, methods));
  return {
    async start() {
      // It gets its name when it listens: between the two calls that make a socket, who watches the folder would find one that refuses.
      const unnamed = join(dirname(socketPath), `.${process.pid.toString(36)}`);
      rmSync(unnamed, { force: true });
      server.listen({ path: unnamed });
      await once(server, 'listening');
      renameSync(unnamed, socketPath);
      named = statSync(socketPath).ino;
      if (!keepsAlive) server.unref();
    },
    async stop() {
      if (named !== undefined && statSync(socketPath, { throwIfNoEntry: false })?.ino === named) rmSync(socketPath); // else another's
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, methods: Readonly<Record<string, GrpcMethod>>): Promise<void> {
  const gone = new AbortController();
  stream.on('error', () => {}); // told by 'close' as well
  stream.once('close', () => gone.abort());
  const reply = createReply(stream);
  try {
    const method = methodOf(String(headers[':path']), methods);
    const result = method(await onlyMessage(stream), gone.signal);
    for await (const message of Symbol.asyncIterator in result ? result : single(result)) await reply.send(message, gone.signal);
    reply.finish(CODE.ok, '');
  } catch (error) {
    reply.finish(error instanceof GrpcError ? error.code : CODE.unknown, messageOf(error));
  }
}

function methodOf(path: string, methods: Readonly<Record<string, GrpcMethod>>): GrpcMethod {
  const method = Object.hasOwn(methods, path) ? methods[path] : undefined;
  if (method !== undefined) return method;
  const [, service = '', name = ''] = path.split('/');
  const known = Object.keys(methods).some((one) => one.startsWith(`/${service}/`));
  throw new GrpcError(CODE.unimplemented, known ? `unknown method ${name} for service ${service}` : `unknown service ${service}`);
}

async function onlyMessage(stream: ServerHttp2Stream): Promise<Uint8Array> {
  const messages: Uint8Array[] = [];
  const split = createSplitter((message) => messages.push(message));
  for await (const chunk of stream as AsyncIterable<Buffer>) split(chunk);
  const [message] = messages;
  if (message === undefined || messages.length > 1) throw new GrpcError(CODE.unimplemented, `the call came with ${String(messages.length)} messages, and one is expected`);
  return message;
}

async function* single(message: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await message;
}

interface Reply {
  /** Waits for a caller that reads slowly; throws when it is gone. */
  send(message: Uint8Array, signal: AbortSignal): Promise<void>;
  finish(code: number, message: string): void;
}

function createReply(stream: ServerHttp2Stream): Reply {
  const headers = { ':status': constants.HTTP_STATUS_OK, 'content-type': 'application/grpc' };
  let status: Record<string, string> = {};
  return {
    async send(message, signal) {
      signal.throwIfAborted();
      if (!stream.headersSent) {
        stream.once('wantTrailers', () => stream.sendTrailers(status));
        stream.respond(headers, { waitForTrailers: true });
      }
      if (!stream.write(framed(message))) await once(stream, 'drain', { signal });
    },
    finish(code, message) {
      if (stream.closed || stream.destroyed) return;
      status = statusOf(code, message);
      if (stream.headersSent) stream.end();
      else stream.respond({ ...headers, ...status }, { endStream: true });
    },
  };
}

function statusOf(code: number, message: string): Record<string, string> {
  return { 'grpc-status': String(code), ...(message !== '' && { 'grpc-message': escaped(message) }) };
}

/** Percent-encoded but for what may stand in a header, as the gRPC wire format says. */
function escaped(message: string): string {
  return [...Buffer.from(message)].map((byte) => (byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');
}
