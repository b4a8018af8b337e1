// HTTP/1.1 upgrades (SPDY/3.1 and WebSocket for exec, attach, port-forward and proxy): after the same checks as of every request the two
// connections are tied together, byte by byte; who speaks what on them is for the ends to know.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { authenticated } from './stages.ts';
import type { AuditTrail } from './audit/trail.ts';
import { beginAudit, type HandlerOptions } from './handler.ts';
import { headerOf, pathOf, queryOf, socketOf } from './request-parts.ts';
import { messageOf, StatusError } from '../base/errors.ts';
import { openRequest, remoteOf } from './aggregation/forward.ts';
import { errorPayload, statusOf } from './respond.ts';
import { requestInfo } from './route.ts';
import { dial, forwardedHeaders, isStream, targetOf, unreachable } from './streams.ts';

const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

export async function handleUpgrade(options: HandlerOptions, request: IncomingMessage, client: { socket: Socket; head: Buffer }): Promise<void> {
  const { socket } = client;
  socket.on('error', () => socket.destroy());
  const trails: AuditTrail[] = [];
  try {
    await tie(options, request, { ...client, audited: (trail) => trails.push(trail) });
    for (const trail of trails) {
      trail.started(101);
      socket.once('close', () => trail.complete(101));
    }
  } catch (error) {
    for (const trail of trails) trail.complete(statusOf(error).code, statusOf(error).status);
    const { code, bytes } = errorPayload(error, options.log);
    socket.end(`HTTP/1.1 ${String(code)} ${code === 403 ? 'Forbidden' : 'Error'}\r\nContent-Type: application/json\r\nContent-Length: ${String(bytes.length)}\r\nConnection: close\r\n\r\n${bytes.toString()}`);
  }
}

async function tie(options: HandlerOptions, request: IncomingMessage, { socket, head, audited }: { socket: Socket; head: Buffer; audited(trail: AuditTrail): void }): Promise<void> {
  const { pipeline, authenticator, impersonate, dialer, extraUpgrades, aggregated } = options;
  const url = request.url ?? '/';
  const query = queryOf(url);
  const info = requestInfo(request.method ?? 'GET', pathOf(url), query);
  const { rawHeaders, headers: { authorization = bearerOf(request) } } = request;
  const caller = await authenticator.authenticate({ socket: socketOf(request), authorization, rawHeaders, path: info.path });
  const extra = extraUpgrades.get(info.path);
  if (extra !== undefined) return extra(caller, { socket, head });
  const trail = beginAudit(options, request, { auditId: headerOf(request, 'audit-id') ?? options.random.uuid(), info, user: caller });
  if (trail !== undefined) audited(trail);
  const user = impersonate(rawHeaders, caller, info);
  if (user !== caller) trail?.impersonated(user);
  const authorized = pipeline.authorize(authenticated({ info, options: {}, userAgent: headerOf(request, 'user-agent') ?? '', warn: () => {}, ...(trail !== undefined && { audit: trail, annotate: trail.annotate }) }, user));
  const upgrading = { ...repeated(request), connection: 'Upgrade', upgrade: request.headers.upgrade };
  const method = request.method ?? 'GET';
  const remote = remoteOf(aggregated, info);
  if (remote !== undefined && aggregated !== undefined) {
    const outgoing = openRequest(aggregated, remote, { method, path: url, headers: { ...forwardedHeaders(request.headers, ''), ...upgrading } }, user);
    if ('code' in outgoing) throw new StatusError('ServiceUnavailable', 'service unavailable');
    return tieTo(outgoing, { socket, head }, (error) => new StatusError('ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`, { cause: error }));
  }
  if (!isStream(info)) throw new StatusError('BadRequest', 'Upgrade request required by nobody on this path');
  const target = await targetOf({ authorized, query, pipeline });
  if (target === undefined) throw new StatusError('BadRequest', 'Upgrade request required by nobody on this path');
  const outgoing = dial(target, dialer, { method, headers: { ...forwardedHeaders(request.headers, target.host), ...upgrading } });
  return tieTo(outgoing, { socket, head }, (error) => unreachable(target, error));
}

async function tieTo(outgoing: ClientRequest, { socket, head }: { socket: Socket; head: Buffer }, explain: (error: unknown) => Error): Promise<void> {
  socket.once('close', () => outgoing.destroy());
  outgoing.end();
  await new Promise<void>((resolve, reject) => {
    outgoing.once('error', (error) => reject(explain(error)));
    outgoing.once('response', (response) => {
      socket.write(headOf(response));
      response.pipe(socket);
      resolve();
    });
    outgoing.once('upgrade', (response, node, first) => {
      socket.write(headOf(response));
      join(socket, node as Socket, { fromNode: first, fromClient: head });
      resolve();
    });
  });
}

function join(client: Socket, node: Socket, { fromNode, fromClient }: { fromNode: Buffer; fromClient: Buffer }): void {
  for (const socket of [client, node]) {
    socket.setTimeout(0);
    socket.setNoDelay(true);
  }
  node.on('error', () => client.destroy());
  client.once('close', () => node.destroy());
  node.once('close', () => client.end());
  if (fromNode.length > 0) client.write(fromNode);
  if (fromClient.length > 0) node.write(fromClient);
  node.pipe(client);
  client.pipe(node);
}

function headOf({ statusCode = 101, statusMessage = '', rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${String(statusCode)} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at] ?? ''}: ${rawHeaders[at + 1] ?? ''}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** SPDY clients offer protocols in several headers of one name; joined by commas they would be one unknown protocol. */
function repeated({ rawHeaders }: IncomingMessage): Record<string, string[]> {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'x-stream-protocol-version') values.push(rawHeaders[at + 1] ?? '');
  return values.length === 0 ? {} : { 'x-stream-protocol-version': values };
}

/** Browsers cannot set headers on a WebSocket: the token comes as a subprotocol. */
function bearerOf(request: IncomingMessage): string | undefined {
  const offered = (headerOf(request, 'sec-websocket-protocol') ?? '').split(',').map((one) => one.trim());
  const token = offered.find((one) => one.startsWith(BEARER_PROTOCOL));
  return token === undefined ? undefined : `Bearer ${Buffer.from(token.slice(BEARER_PROTOCOL.length), 'base64url').toString()}`;
}
