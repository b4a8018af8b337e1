// Parts of a request: what HTTP/1.1 and HTTP/2 have in different places, and the two halves of its URL.
import type { TLSSocket } from 'node:tls';
import type { HttpRequest } from './respond.ts';

export function socketOf(request: HttpRequest): TLSSocket {
  return ('stream' in request ? (request.stream.session?.socket ?? request.socket) : request.socket) as TLSSocket;
}

export function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

export function queryOf(url: string): URLSearchParams | undefined {
  const mark = url.indexOf('?');
  return mark < 0 ? undefined : new URLSearchParams(url.slice(mark + 1));
}
