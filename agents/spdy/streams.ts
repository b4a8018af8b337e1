// The open streams of a SPDY connection: what each received and nobody has read yet, and the end of each direction. What is received and not
// read is bounded over all of them together. Knows nothing of frames.
import { Duplex } from 'node:stream';
import { callbackify } from 'node:util';

const UNREAD_MAX_BYTES = 4 << 20;

export interface SpdyStream {
  id: number;
  headers: Record<string, string>;
  /** Its end is the end of what the client sends; ending it ends what we send. */
  duplex: Duplex;
}

/** The connection below. */
export interface StreamCarrier {
  /** Resolves when more may be sent. */
  transmit(id: number, chunk: Buffer): Promise<void>;
  /** Nothing more is sent on this stream. */
  transmitEnd(id: number): void;
  /** So much has been read: the other side may send as much more. */
  widen(id: number, bytes: number): void;
  pause(): void;
  resume(): void;
}

export interface SpdyStreams {
  readonly size: number;
  ids(): Iterable<number>;
  has(id: number): boolean;
  begin(id: number, headers: Record<string, string>): SpdyStream;
  receive(id: number, data: Buffer): void;
  /** Nothing more comes from the other side. */
  finish(id: number): void;
  drop(id: number): void;
}

interface Open {
  stream: SpdyStream;
  unreadBytes: number;
  /** Nothing more comes from the other side. */
  finished: boolean;
}

export function createStreams({ transmit, transmitEnd, widen, pause, resume }: StreamCarrier): SpdyStreams {
  const all = new Map<number, Open>();
  const transmitThen = callbackify(transmit);
  let unreadBytes = 0;

  function streamDuplex(id: number): Duplex {
    return new Duplex({
      allowHalfOpen: true,
      read: () => pay(id),
      write: (chunk: Buffer, _encoding, done) => transmitThen(id, chunk, done),
      final(done) {
        transmitEnd(id);
        done();
      },
    }).on('error', () => {}).on('close', () => drop(id)); // both ways have ended: a long port-forward has very many
  }

  function receive(id: number, data: Buffer): void {
    const open = all.get(id);
    if (open === undefined || data.length === 0 || open.stream.duplex.readableEnded) return;
    open.unreadBytes += data.length;
    unreadBytes += data.length;
    if (open.stream.duplex.push(data)) pay(id);
    else if (unreadBytes > UNREAD_MAX_BYTES) pause();
  }

  /** It has been read. */
  function pay(id: number): void {
    const open = all.get(id);
    if (open === undefined || open.unreadBytes === 0) return;
    widen(id, open.unreadBytes);
    forgive(open);
  }

  function forgive(open: Open): void {
    unreadBytes -= open.unreadBytes;
    open.unreadBytes = 0;
    if (unreadBytes <= UNREAD_MAX_BYTES) resume();
  }

  function drop(id: number): void {
    const open = all.get(id);
    if (open === undefined) return;
    all.delete(id);
    forgive(open);
    const { duplex } = open.stream;
    // What came whole may still be read.
    if (open.finished && !duplex.readableEnded) duplex.once('end', () => duplex.destroy());
    else duplex.destroy();
  }

  return {
    get size() {
      return all.size;
    },
    ids: () => all.keys(),
    has: (id) => all.has(id),
    begin(id, headers) {
      const stream: SpdyStream = { id, headers, duplex: streamDuplex(id) };
      all.set(id, { stream, unreadBytes: 0, finished: false });
      return stream;
    },
    receive,
    finish(id) {
      const open = all.get(id);
      if (open === undefined || open.finished) return;
      open.finished = true;
      open.stream.duplex.push(null);
    },
    drop,
  };
}
