// A SPDY/3.1 connection as Kubernetes' streams use it: the client opens streams, each with headers and bytes both ways, each direction ended
// by itself. Either side of it: one that only listens is a server's. Kubernetes' own peers (Go's spdystream) neither keep to the protocol's
// windows nor ever widen them, so what is sent is held back by the connection alone; what is received and not read is bounded likewise.
import { Duplex } from 'node:stream';
import { callbackify } from 'node:util';
import { controlFrame, createFrameParser, createHeaderCodec, dataFrame, FLAG_FIN, FRAME, words, type Frame } from './frames.ts';

const UNREAD_MAX_BYTES = 4 << 20;
const MAX_DATA_BYTES = 16_384;
/** At once: two for each connection of a port-forward. */
const STREAMS_MAX = 4096;

export interface SpdyStream {
  id: number;
  headers: Record<string, string>;
  /** Its end is the end of what the client sends; ending it ends what we send. */
  duplex: Duplex;
}

export interface SpdySession {
  onStream(listener: (stream: SpdyStream) => void): void;
  /** As a client. One after the other: their headers share one zlib stream. */
  open(headers: Record<string, string>): Promise<SpdyStream>;
  onClose(listener: () => void): void;
  close(): void;
}

interface Open {
  stream: SpdyStream;
  /** Received bytes that nobody has read yet. */
  unread: number;
  /** Nothing more comes from the other side. */
  finished: boolean;
}

export function createSpdySession(socket: Duplex, head: Buffer = Buffer.alloc(0)): SpdySession {
  const streams = new Map<number, Open>();
  const parser = createFrameParser();
  const codec = createHeaderCodec();
  const listeners: ((stream: SpdyStream) => void)[] = [];
  const early: SpdyStream[] = [];
  const closers: (() => void)[] = [];
  let nextId = 1;
  const opened = new Set<number>();
  let unread = 0;
  const waiting: (() => void)[] = [];
  let closed = false;
  // Header blocks share one zlib stream, so frames are handled strictly one after the other.
  let queue: Promise<void> = Promise.resolve();
  const send = (bytes: Buffer): void => { if (!closed) socket.write(bytes); };

  async function handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') return receive(frame);
    const { data } = frame;
    if (frame.type === FRAME.synStream) return openStream(frame);
    if (frame.type === FRAME.ping) send(controlFrame(FRAME.ping, data));
    else if (frame.type === FRAME.rstStream) reset(data.readUInt32BE(0) & 0x7fffffff);
    else if (frame.type === FRAME.headers || frame.type === FRAME.synReply) await codec.decode(data.subarray(4));
    else if (frame.type === FRAME.goAway) for (const id of streams.keys()) finish(id);
  }

  async function openStream({ data, flags }: Extract<Frame, { kind: 'control' }>): Promise<void> {
    const id = data.readUInt32BE(0) & 0x7fffffff;
    const headers = await codec.decode(data.subarray(10));
    if (streams.has(id) || streams.size >= STREAMS_MAX) throw new Error(`stream ${String(id)} of ${String(streams.size)} open ones`);
    const stream = begin(id, headers);
    send(controlFrame(FRAME.synReply, Buffer.concat([words(id), await codec.encode({})])));
    if ((flags & FLAG_FIN) !== 0) finish(id);
    if (listeners.length === 0) early.push(stream);
    for (const listener of listeners) listener(stream);
  }

  function begin(id: number, headers: Record<string, string>): SpdyStream {
    const stream: SpdyStream = { id, headers, duplex: streamDuplex(id) };
    streams.set(id, { stream, unread: 0, finished: false });
    return stream;
  }

  /** Only as a server: a server of Kubernetes' needs none, hangs up when it has said all, and what then still comes would cost its last words. */
  function widen(id: number, bytes: number): void {
    if (opened.size === 0) send(controlFrame(FRAME.windowUpdate, words(id, bytes)));
  }

  /** It has been read: the other side may send as much more. */
  function pay(id: number): void {
    const open = streams.get(id);
    if (open === undefined || open.unread === 0) return;
    widen(id, open.unread);
    forgive(open);
  }

  function forgive(open: Open): void {
    unread -= open.unread;
    open.unread = 0;
    if (unread <= UNREAD_MAX_BYTES) socket.resume();
  }

  function receive({ stream: id, data, fin }: Extract<Frame, { kind: 'data' }>): void {
    const open = streams.get(id);
    if (data.length > 0) widen(0, data.length);
    if (open === undefined) return;
    if (data.length > 0 && !open.stream.duplex.readableEnded) {
      open.unread += data.length;
      unread += data.length;
      if (open.stream.duplex.push(data)) pay(id);
      else if (unread > UNREAD_MAX_BYTES) socket.pause();
    }
    if (fin) finish(id);
  }

  function finish(id: number): void {
    const open = streams.get(id);
    if (open === undefined || open.finished) return;
    open.finished = true;
    open.stream.duplex.push(null);
  }

  /** A server of Kubernetes' ends what a client opened in this way, when it has said all. */
  function reset(id: number): void {
    if (opened.has(id)) finish(id);
    drop(id);
  }

  function drop(id: number): void {
    const open = streams.get(id);
    streams.delete(id);
    if (open !== undefined) forgive(open);
    const duplex = open?.stream.duplex;
    // What came whole may still be read.
    if (open?.finished === true && duplex?.readableEnded === false) duplex.once('end', () => duplex.destroy());
    else duplex?.destroy();
  }

  async function transmit(id: number, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && streams.has(id) && !closed; at += MAX_DATA_BYTES) {
      const free = socket.write(dataFrame(id, chunk.subarray(at, at + MAX_DATA_BYTES)));
      if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  const transmitThen = callbackify(transmit);

  function streamDuplex(id: number): Duplex {
    return new Duplex({
      allowHalfOpen: true,
      read: () => pay(id),
      write: (chunk: Buffer, _encoding, done) => transmitThen(id, chunk, done),
      final(done) {
        send(dataFrame(id, Buffer.alloc(0), true));
        done();
      },
    }).on('error', () => {}).on('close', () => drop(id)); // both ways have ended: a long port-forward has very many
  }

  function ended(): void {
    if (closed) return;
    closed = true;
    codec.close();
    for (const id of streams.keys()) reset(id);
    wake();
    for (const listener of closers) listener();
    socket.destroy();
  }

  function wake(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  const consume = (chunk: Buffer): void => {
    try {
      for (const frame of parser.push(chunk)) queue = queue.then(() => handle(frame)).catch(ended);
    } catch {
      queue = queue.then(ended);
    }
  };
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
      const stream = begin(nextId, headers);
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
