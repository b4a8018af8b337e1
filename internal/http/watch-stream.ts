// A watch over HTTP: one JSON line an event, as fast as the client reads; ends with the request. Errors after the start are ERROR events.
// Events that come together, as those of one commit do, go out together: Node holds a socket's writes back until the tick ends.
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import { eventBytes } from './object-bytes.ts';
import { statusOf, type HttpResponse } from './respond.ts';

export interface WatchStream {
  events: AsyncIterable<WatchEvent>;
  signal: AbortSignal;
  contentType: string;
  /** What the client asked to see of each object: itself, its metadata, or a Table row. Told whether it is the first event. */
  show(object: KubeObject, first: boolean): object;
}

export async function streamWatch(anyResponse: HttpResponse, { events, signal, contentType, show }: WatchStream): Promise<void> {
  const response = anyResponse as ServerResponse;
  response.statusCode = 200;
  response.setHeader('Content-Type', contentType);
  response.flushHeaders();
  let first = true;
  try {
    for await (const { type, object } of events) {
      if (signal.aborted) break;
      const shown = type === 'ERROR' ? object : show(object, first);
      first = false;
      if (!response.write(eventBytes(type, shown)) && !signal.aborted) await once(response, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) response.write(eventBytes('ERROR', statusOf(error).status));
  }
  if (!response.writableEnded) response.end();
}
