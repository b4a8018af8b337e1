// Requests of aggregated groups: passed on to the server behind their APIService, and its answer passed back as it comes, streams and upgrades
// too. Who asks is authenticated and authorized here, and named to that server. Error texts are upstream's (kube-aggregator, handler_proxy.go).
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import { messageOf } from '../../base/errors.ts';
import type { AggregatedServers, RemoteApi } from '../../api/aggregation.ts';
import type { UserInfo } from '../../api/user.ts';
import { textPayload, type HttpRequest, type HttpResponse, type Payload } from '../respond.ts';
import type { RequestInfo } from '../route.ts';
import { forwardedHeaders, passHeaders } from '../streams.ts';

/** The APIService that a path belongs to; undefined: it is answered here. */
export function remoteOf(servers: AggregatedServers | undefined, { path, group, version }: Pick<RequestInfo, 'path' | 'group' | 'version'>): RemoteApi | undefined {
  if (servers === undefined) return undefined;
  const [, of = '', at = ''] = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)/.exec(path) ?? [];
  return servers.find(group || of, version || at);
}

export interface Forwarding {
  request: HttpRequest;
  response: HttpResponse;
  user: UserInfo;
}

/** undefined: answered; else what stands in the way. */
export async function forward(servers: AggregatedServers, api: RemoteApi, { request, response, user }: Forwarding): Promise<Payload | undefined> {
  const outgoing = openRequest(servers, api, { method: request.method ?? 'GET', path: request.url ?? '/', headers: forwardedHeaders(request.headers, '') }, user);
  if ('code' in outgoing) return outgoing;
  response.once('close', () => outgoing.destroy());
  const answer = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  pipe(request as Readable, outgoing).catch(() => outgoing.destroy());
  let incoming: IncomingMessage;
  try {
    incoming = await answer;
  } catch (error) {
    return textPayload(503, `error trying to reach service: ${messageOf(error)}\n`);
  }
  passHeaders(incoming, response as ServerResponse);
  await pipe(incoming, response as Writable).catch(() => outgoing.destroy()); // either side may leave
  return undefined;
}

/** The request to the server, or why there is none. */
export function openRequest(servers: AggregatedServers, api: RemoteApi, request: { method: string; path: string; headers: OutgoingHttpHeaders }, user: UserInfo): ClientRequest | Payload {
  if (!api.available) return unavailable();
  try {
    return servers.open(api, user, request);
  } catch {
    return unavailable();
  }
}

function unavailable(): Payload {
  return textPayload(503, 'service unavailable\n');
}
