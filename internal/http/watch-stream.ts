// A watch over HTTP: one JSON line an event (or one frame of protobuf), as fast as the client reads; ends with the request. Errors after the start are ERROR events.
// Events that come together, as those of one commit do, go out as one write.
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { WatchSource } from '../watch/buffer.ts';
import { createEventLines, type EventForm, type EventLines } from './event-lines.ts';
import type { FanOut } from './fan-out.ts';
import { statusOf, type HttpResponse } from './respond.ts';

export interface WatchStream {
  events: WatchSource<WatchEvent>;
  signal: AbortSignal;
  form: EventForm;
  fanOut: FanOut;
  /** What the client asked to see of each object: itself, its metadata, or a Table row. Told whether it is the first event. */
  show(object: KubeObject, first: boolean): object;
}

/** Resolves when the watch has ended. */
export function streamWatch(anyResponse: HttpResponse, { events, signal, form, fanOut, show }: WatchStream): Promise<void> {
  const response = anyResponse as ServerResponse;
  response.statusCode = 200;
  response.setHeader('Content-Type', form.contentType);
  response.flushHeaders();
  const { stream, chunked } = targetOf(response);
  const lines = createEventLines({ chunked, form });
  const gather = gatherer(lines, events, show);
  return new Promise((resolve) => {
    let busy = false; // it will look for events by itself
    const end = (): void => {
      events.drop();
      if (!response.writableEnded) response.end();
      resolve();
    };
    const write = (): void => {
      busy = false;
      while (!signal.aborted && gather()) {
        if (stream.write(lines.take())) continue;
        busy = true;
        return void stream.once('drain', write);
      }
      if (signal.aborted || events.ended) end();
    };
    events.listen(() => {
      if (signal.aborted) return end();
      if (busy) return;
      busy = true;
      fanOut.enter(write);
    });
  });
}

/**
 * Where the lines go. A chunk of HTTP/1.1 that is made once for all watches goes to the socket itself: framed by the response, each would be put
 * together anew, which is a third of what a write costs. The headers are there already, and the last chunk is the response's.
 */
function targetOf(response: ServerResponse): { stream: Pick<Writable, 'write' | 'once'>; chunked: boolean } {
  const { socket } = response;
  // HTTP/2 and HTTP/1.0 know no chunks; and an earlier answer may have the socket still.
  return socket !== null && 'chunkedEncoding' in response && response.chunkedEncoding ? { stream: socket, chunked: true } : { stream: response, chunked: false };
}

/** What it gives adds events to the lines until they are full or there are no more, and tells whether there is something to write. */
function gatherer(lines: EventLines, events: WatchSource<WatchEvent>, show: WatchStream['show']): () => boolean {
  let first = true;
  return () => {
    try {
      for (let event = events.poll(); event !== undefined; event = lines.isFull() ? undefined : events.poll()) {
        lines.add(event.type, event.type === 'ERROR' ? event.object : show(event.object, first));
        first = false;
      }
    } catch (error) {
      lines.add('ERROR', statusOf(error).status);
      events.drop();
    }
    return !lines.isEmpty();
  };
}
