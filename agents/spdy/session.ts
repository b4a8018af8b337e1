// A SPDY/3.1 connection as Kubernetes' streams use it: the client opens streams, each with headers and bytes both ways, each direction ended
// by itself. Either side of it: one that only listens is a server's. Kubernetes' own peers (Go's spdystream) neither keep to the protocol's
// windows nor ever widen them, so what is sent is held back by the connection alone; what is received and not read is bounded likewise.
import type { Duplex } from 'node:stream';
import { controlFrame, createFrameParser, createHeaderCodec, dataFrame, FLAG_FIN, FRAME, words, type Frame } from './frames.ts';
import { createStreams, type SpdyStream } from './streams.ts';

const MAX_DATA_BYTES = 16_384;
/** At once: two for each connection of a port-forward. */
const STREAMS_MAX = 4096;

export interface SpdySession {
  onStream(listener: (stream: SpdyStream) => void): void;
  /** As a client. One after the other: their headers share one zlib stream. */
  open(headers: Record<string, string>): Promise<SpdyStream>;
  onClose(listener: () => void): void;
  close(): void;
}

export function createSpdySession(socket: Duplex, head: Buffer = Buffer.alloc(0)): SpdySession {
  const parser = createFrameParser();
  const codec = createHeaderCodec();
  const streams = createStreams({
    transmit, widen,
    transmitEnd: (id) => send(dataFrame(id, Buffer.alloc(0), true)),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  });
  /** Those that this side has opened. */
  const opened = new Set<number>();
  let nextId = 1;
  const listeners: ((stream: SpdyStream) => void)[] = [];
  /** Streams that came before somebody listened. */
  const early: SpdyStream[] = [];
  const closers: (() => void)[] = [];
  /** Until the socket takes more. */
  const waiting: (() => void)[] = [];
  let closed = false;
  // Header blocks share one zlib stream, so frames are handled strictly one after the other.
  let queue: Promise<void> = Promise.resolve();

  function consume(chunk: Buffer): void {
    try {
      for (const frame of parser.push(chunk)) queue = queue.then(() => handle(frame)).catch(ended);
    } catch {
      queue = queue.then(ended);
    }
  }

  async function handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') return receive(frame);
    const { data } = frame;
    if (frame.type === FRAME.synStream) return openStream(frame);
    if (frame.type === FRAME.ping) send(controlFrame(FRAME.ping, data));
    else if (frame.type === FRAME.rstStream) reset(data.readUInt32BE(0) & 0x7fffffff);
    else if (frame.type === FRAME.headers || frame.type === FRAME.synReply) await codec.decode(data.subarray(4));
    else if (frame.type === FRAME.goAway) for (const id of streams.ids()) streams.finish(id);
  }

  function receive({ stream: id, data, fin }: Extract<Frame, { kind: 'data' }>): void {
    if (data.length > 0) widen(0, data.length);
    streams.receive(id, data);
    if (fin) streams.finish(id);
  }

  async function openStream({ data, flags }: Extract<Frame, { kind: 'control' }>): Promise<void> {
    const id = data.readUInt32BE(0) & 0x7fffffff;
    const headers = await codec.decode(data.subarray(10));
    if (streams.has(id) || streams.size >= STREAMS_MAX) throw new Error(`stream ${String(id)} of ${String(streams.size)} open ones`);
    const stream = streams.begin(id, headers);
    send(controlFrame(FRAME.synReply, Buffer.concat([words(id), await codec.encode({})])));
    if ((flags & FLAG_FIN) !== 0) streams.finish(id);
    if (listeners.length === 0) early.push(stream);
    for (const listener of listeners) listener(stream);
  }

  /** A server of Kubernetes' ends what a client opened in this way, when it has said all. */
  function reset(id: number): void {
    if (opened.has(id)) streams.finish(id);
    streams.drop(id);
  }

  function send(bytes: Buffer): void {
    if (!closed) socket.write(bytes);
  }

  async function transmit(id: number, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && streams.has(id) && !closed; at += MAX_DATA_BYTES) {
      const free = socket.write(dataFrame(id, chunk.subarray(at, at + MAX_DATA_BYTES)));
      if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  function wake(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  /** Only as a server: a server of Kubernetes' needs none, hangs up when it has said all, and what then still comes would cost its last words. */
  function widen(id: number, bytes: number): void {
    if (opened.size === 0) send(controlFrame(FRAME.windowUpdate, words(id, bytes)));
  }

  function ended(): void {
    if (closed) return;
    closed = true;
    codec.close();
    for (const id of streams.ids()) reset(id);
    wake();
    for (const listener of closers) listener();
    socket.destroy();
  }

  socket.on('data', consume).on('drain', wake);
  // Also after an error: frames that came before it are still to be handled, the last words of a peer that hung up among them.
  for (const event of ['end', 'close', 'error']) socket.on(event, () => void (queue = queue.then(ended)));
  if (head.length > 0) consume(head);
  return {
    onStream(listener) {
      listeners.push(listener);
      for (const stream of early.splice(0)) listener(stream);
    },
    async open(headers) {
      const stream = streams.begin(nextId, headers);
      opened.add(nextId);
      nextId += 2;
      const block = await codec.encode(headers);
      send(controlFrame(FRAME.synStream, Buffer.concat([words(stream.id, 0), Buffer.alloc(2), block])));
      return stream;
    },
    onClose: (listener) => void (closed ? listener() : closers.push(listener)),
    close() {
      send(controlFrame(FRAME.goAway, words(0, 0)));
      socket.end();
    },
  };
}
