// One HTTP request from its headers to its answer: authenticated, parsed, authorized, then its body read and the pipeline asked.
//
//   headers ─► authenticate ─► Parsed ─► Authenticated ─► Authorized ─┬─ non-resource path ─► text or JSON
//                                                                     ├─ stream (exec, proxy, log) ─► piped to the node
//                                                                     ├─ watch ─► lines
//                                                                     └─ body ─► pipeline ─► Table, metadata or the object
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { isReason, StatusError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { AggregatedServers } from '../api/aggregation.ts';
import type { KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import type { Kind } from '../kinds/kind.ts';
import { forward as forwardToServer, remoteOf } from './aggregation/forward.ts';
import { decodeDeleteOptions, decodeObject, decodePatch, readBody } from './body.ts';
import type { Impersonator } from './impersonation.ts';
import { deadlineOf, withinDeadline } from './deadline.ts';
import type { Fairness } from './fairness/index.ts';
import type { Metrics } from './metrics.ts';
import { isPretty, negotiateError } from './negotiate.ts';
import type { ExtraPath, NonResources } from './non-resources.ts';
import type { Pipeline } from './pipeline.ts';
import { eventFrames } from './event-frames.ts';
import { JSON_LINES } from './event-lines.ts';
import type { FanOut } from './fan-out.ts';
import { requestOptions } from './query.ts';
import { errorPayload, payload, send, setCommonHeaders, statusOf, textPayload, type HttpRequest, type HttpResponse, type Payload } from './respond.ts';
import type { AuditTrail } from './audit/trail.ts';
import { notAllowed } from './call.ts';
import { requestInfo, type RequestInfo } from './route.ts';
import { authenticated, type Authorized, type Parsed } from './stages.ts';
import type { NodeDialer } from './kubelet-connection.ts';
import { streamOf } from './streams.ts';
import { bodyKind } from './subresources/index.ts';
import { createWatchBuffer, type WatchSource } from '../watch/buffer.ts';
import { streamWatch } from './watch-stream.ts';
import { headerOf, pathOf, queryOf, socketOf } from './request-parts.ts';
import { checkMethod, checkPlace, checkSubresource, deprecationOf, PageNotFound } from './served-place.ts';
import { formOf, transformed } from './shown-form.ts';

export interface HandlerOptions {
  pipeline: Pipeline;
  authenticator: Authenticator;
  impersonate: Impersonator;
  nonResources: NonResources;
  /** By path; asked before authentication. */
  extraPaths: ReadonlyMap<string, ExtraPath>;
  /** By path. */
  extraUpgrades: ReadonlyMap<string, ExtraUpgrade>;
  fairness: Fairness;
  fanOut: FanOut;
  metrics: Metrics;
  dialer: NodeDialer;
  /** Servers of groups that are not answered here. */
  aggregated?: AggregatedServers;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Takes over an authenticated client's connection, from the answer to its upgrade on; or throws a StatusError. */
export type ExtraUpgrade = (user: UserInfo, client: { socket: Socket; head: Buffer }) => void;

export interface Exchange {
  request: HttpRequest;
  response: HttpResponse;
  signal: AbortSignal;
}

interface Asked {
  parsed: Parsed;
  query: URLSearchParams | undefined;
  warnings: string[];
}

export async function handle(options: HandlerOptions, request: HttpRequest, response: HttpResponse): Promise<void> {
  const startedMs = options.clock.monotonicMs();
  const warnings: string[] = [];
  const auditId = headerOf(request, 'audit-id') ?? options.random.uuid();
  let trail: AuditTrail | undefined;
  let lasting: (() => void) | undefined;
  const answer = (result: Payload): void => {
    if (response.headersSent) return;
    setCommonHeaders(response, { auditId, warnings });
    send(request, response, result);
  };
  const query = queryOf(request.url ?? '/');
  const info = requestInfo(request.method ?? 'GET', pathOf(request.url ?? '/'), query);
  try {
    const extra = options.extraPaths.get(info.path);
    if (extra !== undefined) return answer(await serveExtra(extra, request));
    const asking = options.authenticator.authenticate({ socket: socketOf(request), authorization: request.headers.authorization, rawHeaders: request.rawHeaders, path: info.path });
    const user = asking instanceof Promise ? await asking : asking;
    trail = beginAudit(options, request, { auditId, info, user });
    const parsed: Parsed = { info, options: info.isResource ? requestOptions(query, info.verb) : {}, userAgent: request.headers['user-agent'] ?? '', warn: (text) => void warnings.push(text), ...(trail !== undefined && { audit: trail, annotate: trail.annotate }) };
    const prepare = (): void => {
      setCommonHeaders(response, { auditId, warnings });
      if (!isLongRunning(info)) return;
      trail?.started(200);
      lasting = options.metrics.lasts(info);
    };
    const result = await route(options, { exchange: { request, response }, asked: { parsed, query, warnings }, user, prepare });
    if (result !== undefined) answer(result);
    trail?.complete(response.statusCode);
  } catch (error) {
    if (isReason(error, 'Unauthorized')) trail ??= beginAudit(options, request, { auditId, info, user: undefined });
    answer(error instanceof PageNotFound ? textPayload(404, '404 page not found\n') : errorPayload(error, options.log, { form: negotiateError(request.headers.accept, isPretty({ query, userAgent: request.headers['user-agent'] })), schemas: options.pipeline.options.schemas }));
    trail?.complete(response.statusCode, error instanceof PageNotFound ? {} : statusOf(error).status);
  }
  lasting?.();
  options.metrics.count({ info, code: response.statusCode, startedMs, applies: request.headers['content-type']?.startsWith('application/apply-patch') === true, dryRun: query?.has('dryRun') === true });
}

export function beginAudit({ pipeline }: HandlerOptions, request: HttpRequest, { auditId, info, user }: { auditId: string; info: RequestInfo; user: UserInfo | undefined }): AuditTrail | undefined {
  const { audit } = pipeline.options;
  if (audit === undefined) return undefined;
  const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
  return audit.begin({ auditId, info, user, uri: request.url ?? '/', userAgent: request.headers['user-agent'] ?? '', sourceIPs: [...forwarded, socketOf(request).remoteAddress ?? ''].filter((part) => part !== '') });
}

/** What answers for as long as both sides wish: upstream's BasicLongRunningRequestCheck. */
function isLongRunning({ isResource, verb, subresource }: RequestInfo): boolean {
  return isResource && (verb === 'watch' || verb === 'proxy' || ['attach', 'exec', 'proxy', 'log', 'portforward'].includes(subresource));
}

const EXTRA_BODY_MAX_BYTES = 64 * 1024;

async function serveExtra(extra: ExtraPath, request: HttpRequest): Promise<Payload> {
  const { bytes } = await readBody(request as Readable, request.headers, EXTRA_BODY_MAX_BYTES);
  return extra.serve({ method: request.method ?? 'GET', headers: request.headers, body: bytes });
}

interface Routing {
  exchange: Omit<Exchange, 'signal'>;
  asked: Asked;
  user: UserInfo;
  /** Sets the headers that every answer has, for answers that are streamed. */
  prepare(): void;
}

async function route(options: HandlerOptions, routing: Routing): Promise<Payload | undefined> {
  const { exchange: { request, response }, asked: { parsed, query } } = routing;
  const user = options.impersonate(request.rawHeaders, routing.user, parsed.info);
  if (user !== routing.user) parsed.audit?.impersonated(user);
  // What runs for long holds no seat while it runs.
  if (parsed.info.isResource && streamOf(parsed.info) !== undefined) return dispatch(options, routing, user, () => {});
  const deadlineMs = deadlineOf(query);
  const entering = options.fairness.enter({ ...parsed.info, user }, () => closed(response));
  const seat = entering instanceof Promise ? await entering : entering;
  try {
    for (const [name, value] of Object.entries(seat.headers)) response.setHeader(name, value);
    const answering = dispatch(options, routing, user, seat.leave);
    return await (isLongRunning(parsed.info) ? answering : withinDeadline(answering, deadlineMs, options.clock));
  } finally {
    seat.leave();
  }
}

function closed(response: HttpResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new StatusError('Timeout', 'the client has gone')));
  return gone.signal;
}

/** `begun`: called when nothing is left to do but to pass on what comes. */
async function dispatch(options: HandlerOptions, routing: Routing, user: UserInfo, begun: () => void): Promise<Payload | undefined> {
  const { exchange: { request }, asked: { parsed, query }, prepare } = routing;
  const { pipeline } = options;
  const authorized = pipeline.authorize(authenticated(parsed, user));
  const { info } = authorized;
  const remote = remoteOf(options.aggregated, info);
  if (remote !== undefined && options.aggregated !== undefined) {
    prepare();
    if (info.verb === 'watch') begun();
    return forwardToServer(options.aggregated, remote, { ...routing.exchange, user });
  }
  if (!info.isResource) return options.nonResources.serve({ path: info.path, verb: info.verb, query, headers: request.headers });
  const kind = pipeline.options.kinds.byResource(info.group, info.version, info.resource);
  if (kind !== undefined) checkSubresource(kind, info, request.method ?? '');
  const stream = streamOf(info);
  if (stream !== undefined) {
    prepare();
    await stream({ ...routing.exchange, authorized, query, pipeline, dialer: options.dialer });
    return undefined;
  }
  checkPlace(kind, info, pipeline.options.kinds);
  const warning = deprecationOf(pipeline.kindOf(info));
  if (warning !== undefined && (info.verb === 'watch' || pipeline.kindOf(info).verbs.includes(info.verb))) authorized.warn(warning);
  // The old paths of watches take no other method.
  if (info.verb === 'watch' && request.method !== 'GET') throw notAllowed();
  checkMethod(pipeline.kindOf(info), info);
  if (info.verb === 'watch') {
    begun();
    return watch(options, routing, authorized);
  }
  return serve(pipeline, routing, authorized);
}

async function serve(pipeline: Pipeline, { exchange: { request }, asked: { query } }: Routing, authorized: Authorized): Promise<Payload> {
  const { schemas } = pipeline.options;
  const kind = pipeline.kindOf(authorized.info);
  const form = formOf(request, kind, { info: authorized.info, query });
  const { request: complete, body } = await withBody(pipeline, authorized, { request, kind });
  const { code, body: answer } = await pipeline.serve(complete, body);
  return payload(code, transformed(answer, { kind, form, query, now: pipeline.options.clock.now() }), { form, schemas });
}

async function withBody(pipeline: Pipeline, authorized: Authorized, { request, kind }: { request: HttpRequest; kind: Kind }): Promise<{ request: Authorized; body: Parameters<Pipeline['serve']>[1] }> {
  const { info, options, warn } = authorized;
  if (info.verb === 'get' || info.verb === 'list') return { request: authorized, body: undefined };
  const { schemas } = pipeline.options;
  const body = await readBody(request as Readable, request.headers);
  if (info.verb === 'patch') return { request: authorized, body: decodePatch(body, kind) };
  if (info.verb === 'delete' || info.verb === 'deletecollection') {
    const wanted = decodeDeleteOptions(body, schemas);
    if (wanted === undefined) return { request: authorized, body: undefined };
    const { dryRun: _query, ...others } = options; // what the body says replaces the query whole
    return { request: { ...authorized, options: { ...others, delete: wanted } }, body: undefined };
  }
  const expected = bodyKind(kind, info.subresource, schemas);
  return { request: authorized, body: decodeObject(body, { ...expected, ...(info.subresource !== 'scale' && kind.custom !== undefined && { custom: kind.custom }), validation: options.fieldValidation, warn }, schemas) };
}

function watch({ pipeline, fanOut }: HandlerOptions, { exchange: { request, response }, asked: { query }, prepare }: Routing, authorized: Authorized): Promise<undefined> {
  const kind = pipeline.kindOf(authorized.info);
  const form = formOf(request, kind, { info: authorized.info, query });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // The old path /watch/…/name names one object, which is a field selector since; that of a namespace is in none.
  const { info, options } = authorized;
  const place = kind.namespaced ? info : { ...info, namespace: '' };
  const named = info.name !== '' && options.fieldSelector === undefined ? { ...authorized, info: place, options: { ...options, fieldSelector: `metadata.name=${info.name}` } } : authorized;
  const events = eventsOf(() => pipeline.watch(named, gone.signal));
  prepare();
  const { clock } = pipeline.options;
  return streamWatch(response, {
    events, fanOut, signal: gone.signal,
    form: form.format === 'protobuf' ? eventFrames(pipeline.options.schemas) : JSON_LINES,
    show: form.as === undefined ? (object) => object : (object, first) => transformed(object, { kind, form, query, now: clock.now(), columnsShown: first }) as object,
  }).then(() => undefined);
}

/** That it begins too long ago is told as the watch's only event, as upstream: clients look for it there. */
function eventsOf(begin: () => WatchSource<WatchEvent>): WatchSource<WatchEvent> {
  try {
    return begin();
  } catch (error) {
    if (!isReason(error, 'Expired')) throw error;
    const told = createWatchBuffer<WatchEvent>();
    told.push({ type: 'ERROR', object: statusOf(error).status as KubeObject });
    told.end();
    return told;
  }
}
