// How a request is answered with a few words or an object, also on a connection that would have been upgraded.
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Problem } from './places.ts';

export function answer(response: ServerResponse, { code, text, headers = {} }: Problem): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text), ...headers }).end(text);
}

export function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** The same on a connection that would have been upgraded. */
export function refuse(socket: Duplex, { code, text, headers = {} }: Problem): void {
  const lines = Object.entries({ 'content-type': 'text/plain; charset=utf-8', 'content-length': String(Buffer.byteLength(text)), connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${String(code)} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n${text}`);
}
