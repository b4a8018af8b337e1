// Asks webhooks over HTTPS (contract: api/callout.ts). Connections are kept and reused per endpoint, CA and name. What fails is told in the
// words of Go's net/http and client-go, as clients and tests match on them.
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { posix } from 'node:path';
import { checkServerIdentity, getCACertificates, type PeerCertificate } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { isErrno, messageOf } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { CalloutError, type Callout, type CalloutOptions, type CalloutTarget } from '../api/callout.ts';
import { readJson } from '../api/large-integers.ts';
import { answerProblem, goProblem } from './go-errors.ts';
import { serviceEndpoint, type Endpoint, type ObjectSource } from './service-endpoint.ts';

export interface CalloutSettings {
  /** Where Services and EndpointSlices are read. */
  source: ObjectSource;
  clock: Clock;
  random: Random;
  /** Shown to webhooks that ask for a client certificate. */
  identity?(): { cert: string; key: string };
  userAgent?: string;
}

const IDLE_MS = 90_000;
const IDLE_MAX = 4;
const BODY_MAX_BYTES = 32 * 1024 * 1024;
const HTTPS_PORT = 443;

/** Where a call goes: how it is named, and how its address is found. */
interface Route {
  /** As errors show it: `https://svc.ns.svc:443/path?timeout=10s`. */
  url: string;
  path: string;
  serverName: string;
  authority: string;
  endpoint(): Endpoint;
}

export function createCallout(settings: CalloutSettings): Callout & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX, timeout: IDLE_MS });
  const { userAgent = 'kube-apiserver-admission' } = settings;
  return {
    close: () => agent.destroy(),
    async post(target, body, options) {
      const route = routeOf(target, options, settings);
      const tls = tlsOf(target, route, settings);
      const bytes = Buffer.from(JSON.stringify(body));
      const headers = { 'content-type': 'application/json', accept: 'application/json, */*', 'user-agent': userAgent, 'content-length': bytes.length, host: route.authority };
      const send = (): Promise<unknown> => within(options, settings.clock, (signal) => exchange(route, { ...tls, agent, headers, method: 'POST', path: route.path, signal }, bytes));
      try {
        return await send().catch((error: unknown) => (error instanceof StaleConnection ? send() : Promise.reject(error as Error)));
      } catch (error) {
        if (options.signal?.aborted === true) throw options.signal.reason;
        if (error instanceof CalloutError) throw error;
        const timedOut = error instanceof DeadlineExceeded;
        throw new CalloutError(timedOut ? 'timeout' : 'transport', `Post ${JSON.stringify(route.url)}: ${goProblem(error)}`, { cause: error });
      }
    },
  };
}

function routeOf({ url, service }: CalloutTarget, { timeoutMs }: CalloutOptions, { source, random }: CalloutSettings): Route {
  const query = `?timeout=${String(Math.ceil(timeoutMs / 1000))}s`;
  if (service !== undefined) {
    const { namespace, name, port = HTTPS_PORT } = service;
    const serverName = `${name}.${namespace}.svc`;
    const path = cleanPath(service.path ?? '/') + query;
    const authority = `${serverName}:${String(port)}`;
    return { url: `https://${authority}${path}`, path, serverName, authority, endpoint: () => serviceEndpoint(source, { namespace, name, port }, random) };
  }
  if (url === undefined || url === '') throw new CalloutError('target', 'webhook configuration must have either service or URL');
  const parsed = URL.parse(url);
  if (parsed === null) throw new CalloutError('target', `Unparsable URL: parse ${JSON.stringify(url)}: invalid URI for request`);
  const path = cleanPath(parsed.pathname) + query;
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  return { url: `${parsed.protocol}//${parsed.host}${path}`, path, serverName: host, authority: parsed.host, endpoint: () => ({ host, port: Number(parsed.port || HTTPS_PORT) }) };
}

/** As Go's path.Join has it: no double slashes, none at the end. */
function cleanPath(path: string): string {
  const clean = posix.normalize(`/${path}`);
  return clean === '/' ? clean : clean.replace(/\/$/, '');
}

function tlsOf({ caBundle = '' }: CalloutTarget, { serverName, url }: Route, { identity }: CalloutSettings): RequestOptions {
  const given = Buffer.from(caBundle, 'base64').toString();
  if (given !== '' && !given.includes('-----BEGIN CERTIFICATE-----')) throw new CalloutError('target', `could not get REST client: unable to load root certificates: unable to parse bytes as PEM block (${url})`);
  return {
    ca: given === '' ? systemRoots() : given,
    ...(isIP(serverName) === 0 && { servername: serverName }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => nameProblem(serverName, certificate),
    ...identity?.(),
  };
}

let roots: string[] | undefined;

function systemRoots(): string[] {
  roots ??= getCACertificates('system');
  return roots.length > 0 ? roots : getCACertificates('bundled');
}

function nameProblem(serverName: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname === undefined) return new Error('tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead');
  if (checkServerIdentity(serverName, certificate) === undefined) return undefined;
  const names = certificate.subjectaltname.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return new Error(`tls: failed to verify certificate: x509: certificate is valid for ${names.join(', ')}, not ${serverName}`);
}

/** A kept connection that the other side had closed meanwhile: nothing was asked, so it may be asked again. */
class StaleConnection extends Error {}

class DeadlineExceeded extends Error {
  constructor() {
    super('context deadline exceeded');
  }
}

async function within<T>({ timeoutMs, signal }: CalloutOptions, clock: Clock, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const abort = (): void => over.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = clock.setTimer(timeoutMs, () => over.abort(new DeadlineExceeded()));
  try {
    signal?.throwIfAborted();
    return await run(over.signal);
  } catch (error) {
    throw over.signal.aborted ? over.signal.reason : error;
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', abort);
  }
}

async function exchange(route: Route, options: RequestOptions, bytes: Buffer): Promise<unknown> {
  const { host, port } = route.endpoint();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent: ClientRequest = httpsRequest({ ...options, host, port }, resolve);
    sent.on('error', (error) => reject(sent.reusedSocket && isErrno(error, 'ECONNRESET', 'EPIPE') ? new StaleConnection(messageOf(error)) : error));
    sent.end(bytes);
  });
  const text = await textOf(response);
  const code = response.statusCode ?? 0;
  if (code < 200 || code > 206) throw new CalloutError('status', answerProblem(code, text, response.headers['content-type']), { code });
  try {
    return readJson(text);
  } catch (cause) {
    throw new CalloutError('body', `couldn't get version/kind; json parse error: ${goProblem(cause)}`, { cause });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new Error(`the answer is longer than ${String(BODY_MAX_BYTES)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
