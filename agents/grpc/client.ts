// As much of gRPC as the clients of CRI, CSI and device plugins need, over node:http2 on a Unix socket: unary calls and streams that the server sends. One connection,
// made at the first call and anew after it broke; a call that it broke under fails as Unavailable and is for the caller to repeat.
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Clock } from '../../internal/base/clock.ts';
import { CODE, GrpcError } from './error.ts';
import { createSplitter, framed } from './frames.ts';

export { CODE, GrpcError };

export interface GrpcClient {
  /** `method`: `/package.Service/Method`. */
  call(method: string, request: Uint8Array, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Uint8Array>;
  /** Resolves when the server ends the stream, or the signal aborts. */
  stream(method: string, request: Uint8Array, onMessage: (message: Uint8Array) => void, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function createGrpcClient(socketPath: string, clock: Clock): GrpcClient {
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const fresh = connectHttp2('http://localhost', { createConnection: () => connectSocket(socketPath) });
    const drop = (): void => { if (session === fresh) session = undefined; };
    // Each stream hears of it too, and that is who tells the caller.
    fresh.on('error', drop).on('goaway', drop).on('close', drop);
    return (session = fresh);
  };
  const begin = (method: string, request: Uint8Array, timeoutMs?: number): ClientHttp2Stream => {
    const stream = open().request({
      ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers',
      ...(timeoutMs !== undefined && { 'grpc-timeout': `${String(Math.max(1, Math.ceil(timeoutMs)))}m` }),
    });
    stream.end(framed(request));
    return stream;
  };
  return {
    async call(method, request, { timeoutMs, signal }) {
      const messages: Uint8Array[] = [];
      const stream = begin(method, request, timeoutMs);
      const timer = clock.setTimer(timeoutMs, () => stream.destroy(new GrpcError(CODE.deadlineExceeded, `${method} gave no answer in ${String(Math.round(timeoutMs / 1000))} s`)));
      const abort = (): void => void stream.destroy(signal?.reason instanceof Error ? signal.reason : new Error('given up'));
      if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await outcome(stream, (message) => messages.push(message));
      } finally {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      }
      const [message] = messages;
      if (message === undefined) throw new GrpcError(CODE.unknown, `${method} gave an answer without a message`);
      return message;
    },
    async stream(method, request, onMessage, signal) {
      if (signal.aborted) return;
      const stream = begin(method, request);
      const abort = (): void => stream.close(constants.NGHTTP2_CANCEL);
      signal.addEventListener('abort', abort, { once: true });
      try {
        await outcome(stream, onMessage);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    close: () => session?.destroy(),
  };
}

/** Resolves when the call ended well; every message is given as it comes. */
function outcome(stream: ClientHttp2Stream, onMessage: (message: Uint8Array) => void): Promise<void> {
  const split = createSplitter(onMessage);
  let status: IncomingHttpHeaders = {};
  return new Promise((resolve, reject) => {
    // Of a call that failed at once, the headers are the trailers.
    stream.on('response', (headers) => (status = headers));
    stream.on('trailers', (headers: IncomingHttpHeaders) => (status = headers));
    stream.on('data', (chunk: Buffer) => {
      try {
        split(chunk);
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    stream.once('error', (error) => reject(error instanceof GrpcError || !('code' in error) ? error : new GrpcError(CODE.unavailable, error.message, { cause: error })));
    stream.once('close', () => {
      const failure = failureOf(status);
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
}

function failureOf(status: IncomingHttpHeaders): GrpcError | undefined {
  const code = status['grpc-status'];
  if (code === undefined) return new GrpcError(CODE.unavailable, 'the connection broke');
  if (code === '0') return undefined;
  const words = String(status['grpc-message'] ?? '');
  return new GrpcError(Number(code), unescaped(words) || `gRPC status ${String(code)}`);
}

/** Percent-encoded UTF-8; what is not is shown as it came. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
