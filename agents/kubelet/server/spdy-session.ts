// A SPDY/3.1 connection as the server side of Kubernetes' streams sees it: the client opens streams, each with headers and bytes both ways,
// each direction ended by itself, with flow control of 64 KB a stream and for the session.
import { Duplex } from 'node:stream';
import { callbackify } from 'node:util';
import { controlFrame, createFrameParser, createHeaderCodec, dataFrame, FLAG_FIN, FRAME, words, type Frame } from './spdy-frames.ts';

const WINDOW_BYTES = 65_536;
const MAX_DATA_BYTES = 16_384;

export interface SpdyStream {
  id: number;
  headers: Record<string, string>;
  /** Its end is the end of what the client sends; ending it ends what we send. */
  duplex: Duplex;
}

export interface SpdySession {
  onStream(listener: (stream: SpdyStream) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

interface Open {
  stream: SpdyStream;
  sendWindow: number;
  waiting: (() => void)[];
}

export function createSpdySession(socket: Duplex, head: Buffer = Buffer.alloc(0)): SpdySession {
  const streams = new Map<number, Open>();
  const parser = createFrameParser();
  const codec = createHeaderCodec();
  const listeners: ((stream: SpdyStream) => void)[] = [];
  const early: SpdyStream[] = [];
  const closers: (() => void)[] = [];
  let sendWindow = WINDOW_BYTES;
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
    else if (frame.type === FRAME.windowUpdate) grant(data.readUInt32BE(0) & 0x7fffffff, data.readUInt32BE(4) & 0x7fffffff);
    else if (frame.type === FRAME.rstStream) drop(data.readUInt32BE(0) & 0x7fffffff);
    else if (frame.type === FRAME.headers) await codec.decode(data.subarray(4));
    else if (frame.type === FRAME.goAway) for (const { stream } of streams.values()) stream.duplex.push(null);
  }

  async function openStream({ data, flags }: Extract<Frame, { kind: 'control' }>): Promise<void> {
    const id = data.readUInt32BE(0) & 0x7fffffff;
    const headers = await codec.decode(data.subarray(10));
    const stream: SpdyStream = { id, headers, duplex: streamDuplex(id) };
    streams.set(id, { stream, sendWindow: WINDOW_BYTES, waiting: [] });
    send(controlFrame(FRAME.synReply, Buffer.concat([words(id), await codec.encode({})])));
    if ((flags & FLAG_FIN) !== 0) stream.duplex.push(null);
    if (listeners.length === 0) early.push(stream);
    for (const listener of listeners) listener(stream);
  }

  function receive({ stream: id, data, fin }: Extract<Frame, { kind: 'data' }>): void {
    const open = streams.get(id);
    if (data.length > 0) send(controlFrame(FRAME.windowUpdate, words(0, data.length)));
    if (open === undefined) return;
    if (data.length > 0 && !open.stream.duplex.readableEnded) {
      open.stream.duplex.push(data);
      send(controlFrame(FRAME.windowUpdate, words(id, data.length)));
    }
    if (fin) open.stream.duplex.push(null);
  }

  function grant(id: number, bytes: number): void {
    const open = streams.get(id);
    if (id === 0) sendWindow += bytes;
    else if (open !== undefined) open.sendWindow += bytes;
    for (const wake of [...waiting.splice(0), ...(open?.waiting.splice(0) ?? [])]) wake();
  }

  function drop(id: number): void {
    const open = streams.get(id);
    streams.delete(id);
    open?.stream.duplex.destroy();
    for (const wake of open?.waiting ?? []) wake();
  }

  async function transmit(id: number, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const open = streams.get(id);
      if (open === undefined || closed) return;
      const size = Math.min(MAX_DATA_BYTES, chunk.length - at, open.sendWindow, sendWindow);
      if (size <= 0) {
        await new Promise<void>((resolve) => (sendWindow <= 0 ? waiting : open.waiting).push(resolve));
        continue;
      }
      open.sendWindow -= size;
      sendWindow -= size;
      send(dataFrame(id, chunk.subarray(at, at + size)));
      at += size;
    }
  }

  const transmitThen = callbackify(transmit);

  function streamDuplex(id: number): Duplex {
    return new Duplex({
      allowHalfOpen: true,
      read() {},
      write: (chunk: Buffer, _encoding, done) => transmitThen(id, chunk, done),
      final(done) {
        send(dataFrame(id, Buffer.alloc(0), true));
        done();
      },
    }).on('error', () => {});
  }

  function ended(): void {
    if (closed) return;
    closed = true;
    codec.close();
    for (const id of streams.keys()) drop(id);
    for (const wake of waiting.splice(0)) wake();
    for (const listener of closers) listener();
    socket.destroy();
  }

  const consume = (chunk: Buffer): void => {
    for (const frame of parser.push(chunk)) queue = queue.then(() => handle(frame)).catch(ended);
  };
  socket.on('data', consume).on('close', ended).on('end', ended).on('error', ended);
  if (head.length > 0) consume(head);
  return {
    onStream(listener) {
      listeners.push(listener);
      for (const stream of early.splice(0)) listener(stream);
    },
    onClose: (listener) => void (closed ? listener() : closers.push(listener)),
    close() {
      send(controlFrame(FRAME.goAway, words(0, 0)));
      socket.end();
    },
  };
}
