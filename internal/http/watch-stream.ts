// A watch over HTTP: one JSON line an event, as fast as the client reads; ends with the request. Errors after the start are ERROR events.
// Events that come together, as those of one commit do, go out as one write.
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { WatchSource } from '../watch/buffer.ts';
import { createEventLines } from './event-lines.ts';
import { statusOf, type HttpResponse } from './respond.ts';

export interface WatchStream {
  events: WatchSource<WatchEvent>;
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
  const lines = createEventLines();
  try {
    for await (const event of events) {
      if (signal.aborted) break;
      for (let next: WatchEvent | undefined = event; next !== undefined; next = lines.isFull() ? undefined : events.poll()) {
        lines.add(next.type, next.type === 'ERROR' ? next.object : show(next.object, first));
        first = false;
      }
      if (!response.write(lines.take()) && !signal.aborted) await once(response, 'drain', { signal });
    }
  } catch (error) {
    lines.add('ERROR', statusOf(error).status);
    if (!signal.aborted) response.write(lines.take());
  }
  if (!response.writableEnded) response.end();
}
