// A registry of a few documents in memory, that says exactly what it is told to say: for manifests no real one would take, and for every way to ask who it is.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Blob } from './images.ts';

export interface MemoryRegistry {
  /** `127.0.0.1:PORT` */
  address: string;
  url: string;
  /** `METHOD path` of each request, in order. */
  asked: string[];
  /** Puts a document under the repository, by digest and perhaps by tag. */
  put(repository: string, document: Blob, tag?: string): void;
  /** Answers a request itself, and says so; the rest is served. Replaceable. */
  guard: (request: IncomingMessage, response: ServerResponse, body: string) => boolean;
  stop(): Promise<void>;
}

export async function startMemoryRegistry({ tls, prefix = '/v2' }: { tls?: ServerOptions; prefix?: string } = {}): Promise<MemoryRegistry> {
  const documents = new Map<string, Blob>();
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const found = documents.get(path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : '');
    if (found === undefined) return void response.writeHead(404).end();
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = start === 0 ? {} : { 'content-range': `bytes ${String(start)}-${String(found.bytes.length - 1)}/${String(found.bytes.length)}` };
    response.writeHead(start === 0 ? 200 : 206, { 'content-type': found.mediaType, 'content-length': found.bytes.length - start, ...range }).end(found.bytes.subarray(start));
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    registry.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => { body += piece; });
    request.on('end', () => { if (!registry.guard(request, response, body)) serve(request, response); });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const registry: MemoryRegistry = {
    address, url: `${tls === undefined ? 'http' : 'https'}://${address}`, asked: [], guard: () => false,
    put(repository, document, tag) {
      for (const kind of ['manifests', 'blobs']) documents.set(`${repository}/${kind}/${document.digest}`, document);
      if (tag !== undefined) documents.set(`${repository}/manifests/${tag}`, document);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}
