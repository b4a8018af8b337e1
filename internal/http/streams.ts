// Requests that another server answers: log, exec, attach and port-forward by the node's kubelet, proxy by a pod, a service's endpoint or a
// kubelet. What goes back and forth is passed on as it is.
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable, Writable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import type { ServerResponse } from 'node:http';
import { callbackify } from 'node:util';
import { messageOf, StatusError } from '../base/errors.ts';
import { connectKubelet, type NodeDialer } from './kubelet-connection.ts';
import { PODS } from '../kinds/generated/resources.ts';
import { objectKindOf } from '../admission/matching.ts';
import { connectOptions } from './connect-options.ts';
import { admitOnly, type Authorized } from './stages.ts';
import type { Pipeline } from './pipeline.ts';
import { isPage, linkBelow, proxyPrefix, withLinksBelow } from './proxy-links.ts';
import type { HttpRequest, HttpResponse } from './respond.ts';
import type { RequestInfo } from './route.ts';
import { kubeletTarget, proxyTarget, type Target } from './stream-targets.ts';

export interface StreamCall {
  request: HttpRequest;
  response: HttpResponse;
  authorized: Authorized;
  query: URLSearchParams | undefined;
  pipeline: Pipeline;
  dialer: NodeDialer;
}

const dialKubelet = callbackify(connectKubelet);
const BY_KUBELET = new Set(['exec', 'attach', 'portforward', 'log']);
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'authorization', 'host', 'http2-settings']);

export function isStream({ group, resource, subresource, verb }: RequestInfo): boolean {
  if (group !== '' || verb === 'list' || verb === 'watch') return false;
  return (resource === 'pods' && BY_KUBELET.has(subresource)) || (['pods', 'services', 'nodes'].includes(resource) && subresource === 'proxy');
}

export function streamOf(info: RequestInfo): ((call: StreamCall) => Promise<void>) | undefined {
  return isStream(info) ? forward : undefined;
}

/** Where the request goes. StatusError when there is no such pod, container, endpoint or node. */
export async function targetOf({ authorized, query, pipeline }: Pick<StreamCall, 'authorized' | 'query' | 'pipeline'>): Promise<Target | undefined> {
  const { info } = authorized;
  if (info.subresource !== 'log') await admitConnect(authorized, query, pipeline);
  return info.subresource === 'proxy' ? proxyTarget(pipeline, info, query) : kubeletTarget(pipeline, info, query);
}

async function admitConnect(authorized: Authorized, query: URLSearchParams | undefined, { kindOf, options: { admission, schemas } }: Pipeline): Promise<void> {
  const { info } = authorized;
  const kind = kindOf(info);
  await admitOnly(authorized, admission, { kind, operation: 'CONNECT', object: connectOptions(objectKindOf(kind, info.subresource), { info, query, schemas }) });
}

/** Opens the request to the target, not yet ended. */
export function dial(target: Target, dialer: NodeDialer, options: RequestOptions): ReturnType<typeof httpRequest> {
  const { host, port, path, tls } = target;
  if (tls === 'none') return httpRequest({ ...options, host, port, path });
  if (tls === 'pod') return httpsRequest({ ...options, host, port, path, rejectUnauthorized: false }); // a pod's certificate is nobody's to check, as upstream
  return httpRequest({
    ...options, host, port, path,
    createConnection(_options, done) {
      dialKubelet(target, dialer, (error, socket) => done(error, socket));
      return undefined;
    },
  });
}

export function forwardedHeaders(headers: OutgoingHttpHeaders, host: string): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = { host };
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(':') && !HOP_BY_HOP.has(name) && !name.startsWith('impersonate-')) kept[name] = value;
  return kept;
}

async function forward(call: StreamCall): Promise<void> {
  const { request, response, dialer, authorized: { info }, query } = call;
  const target = await targetOf(call);
  if (target === undefined) return void (response as ServerResponse).writeHead(204).end();
  const proxied = info.subresource === 'proxy';
  // Relative links of what stands there need the slash, as for a folder.
  if (proxied && info.rest.length === 0 && !info.path.endsWith('/') && (request.method === 'GET' || request.method === 'HEAD')) return redirect(response as ServerResponse, info, query);
  const headers = forwardedHeaders(request.headers, target.host);
  if (proxied) delete headers['accept-encoding']; // pages are read on their way
  const outgoing = dial(target, dialer, { method: request.method ?? 'GET', headers });
  response.once('close', () => outgoing.destroy());
  const answer = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  pipe(request as Readable, outgoing).catch(() => outgoing.destroy());
  const incoming = await answer.catch((error: unknown) => Promise.reject(unreachable(target, error)));
  if (target.tls === 'kubelet' && (incoming.statusCode ?? 0) >= 400) throw await kubeletError(incoming, call.authorized.info);
  if (proxied && incoming.headers.location !== undefined) incoming.headers.location = linkBelow(proxyPrefix(info), incoming.headers.location, target);
  if (proxied && isPage(incoming)) return passPage(incoming, response as ServerResponse, proxyPrefix(info));
  passHeaders(incoming, response as ServerResponse);
  await pipe(incoming, response as Writable).catch(() => outgoing.destroy()); // either side may leave
}

function redirect(response: ServerResponse, { path }: RequestInfo, query: URLSearchParams | undefined): void {
  const search = query === undefined || query.size === 0 ? '' : `?${query.toString()}`;
  response.writeHead(301, { location: `${path}/${search}` }).end();
}

async function passPage(incoming: IncomingMessage, response: ServerResponse, prefix: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const page = Buffer.from(withLinksBelow(prefix, Buffer.concat(chunks).toString()));
  incoming.headers['content-length'] = String(page.length);
  passHeaders(incoming, response);
  response.end(page);
}

export function passHeaders(incoming: IncomingMessage, response: ServerResponse): void {
  response.statusCode = incoming.statusCode ?? 502;
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined && !HOP_BY_HOP.has(name)) response.setHeader(name, value);
  response.flushHeaders();
}

export function unreachable({ host, port, tls }: Target, error: unknown): StatusError {
  const reason = messageOf(error);
  if (tls === 'kubelet') return new StatusError('InternalError', `Internal error occurred: error dialing backend: ${reason}`, { cause: error });
  return new StatusError('ServiceUnavailable', `error trying to reach service: dial tcp ${host}:${String(port)}: ${reason}`, { cause: error });
}

/** What a kubelet refuses comes to the client as a Status with its words. */
async function kubeletError(incoming: IncomingMessage, { name }: RequestInfo): Promise<StatusError> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString().trim().slice(0, 2000);
  const code = incoming.statusCode ?? 500;
  const reason = code === 404 ? 'NotFound' : code === 400 ? 'BadRequest' : code === 403 ? 'Forbidden' : 'InternalError';
  return new StatusError(reason, text === '' ? `the server answered ${String(code)}` : text, { code, details: { name, kind: PODS.resource } });
}
