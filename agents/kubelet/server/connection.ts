// A connection that a client wants to be another than HTTP.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Connection {
  request: IncomingMessage;
  socket: Duplex;
  /** What came right behind the request. */
  head: Buffer;
}
