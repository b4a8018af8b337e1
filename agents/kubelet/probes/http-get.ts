// An HTTP GET as probes and hooks make it: certificates are not verified, redirects are followed on the same host only (another host counts
// as an answer), connections are not kept, and errors read as Go's client words them, since they end up in Events.
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../../internal/base/clock.ts';
import type { Container, HTTPGetAction } from '../../../internal/kinds/generated/api-types.ts';

export interface HttpTarget {
  url: URL;
  headers: Record<string, string | string[]>;
}
export interface HttpAnswer {
  status: number;
  body: string;
  /** It pointed to another host, which was not followed. */
  redirectedAway: boolean;
}
export interface HttpOptions {
  timeoutMs: number;
  clock: Clock;
  /** Hooks: an https hook answered in plain HTTP is asked again without TLS. */
  fallBackToHttp?: boolean;
}

const BODY_MAX_BYTES = 10 * 1024;
const REDIRECTS_MAX = 10;

/** A number, or the name of one of the container's ports. */
export function portOf(port: number | string, container: Container): number {
  if (typeof port === 'number' || /^\d+$/.test(port)) return Number(port);
  const named = (container.ports ?? []).find(({ name }) => name === port);
  if (named === undefined) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`);
  return named.containerPort;
}

export function httpTarget(action: HTTPGetAction, container: Container, podIp: string): HttpTarget {
  const host = action.host !== undefined && action.host !== '' ? action.host : podIp;
  const path = action.path ?? '';
  const base = `${(action.scheme ?? 'HTTP').toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${String(portOf(action.port, container))}`;
  const url = new URL(`${base}${path.startsWith('/') ? '' : '/'}${path}`);
  const headers: Record<string, string | string[]> = {};
  for (const { name, value } of action.httpHeaders ?? []) {
    const before = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  if (headers['user-agent'] === undefined) headers['user-agent'] = 'kube-probe/1.36';
  if (headers['accept'] === undefined) headers['accept'] = '*/*';
  return { url, headers };
}

export async function getOverHttp(target: HttpTarget, options: HttpOptions): Promise<HttpAnswer> {
  let { url } = target;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
    const answer = await once({ url, headers: target.headers }, options).catch((error: unknown) => {
      if (options.fallBackToHttp !== true || url.protocol !== 'https:') throw error;
      url = new URL(url.href.replace(/^https:/, 'http:'));
      return once({ url, headers: target.headers }, options);
    });
    if (answer.location === undefined) return { status: answer.status, body: answer.body, redirectedAway: false };
    const next = new URL(answer.location, url);
    if (next.hostname !== target.url.hostname) return { status: answer.status, body: answer.body, redirectedAway: true };
    url = next;
  }
  throw new Error('stopped after 10 redirects');
}

function once({ url, headers }: HttpTarget, { timeoutMs, clock }: HttpOptions): Promise<{ status: number; body: string; location?: string }> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      timer.cancel();
      reject(new Error(`Get "${hrefOf(url)}": ${goWords(error, url)}`, { cause: error }));
    };
    const options: RequestOptions = { agent: false, headers, method: 'GET' };
    const answered = (response: IncomingMessage): void => {
      let body = '';
      const done = (): void => {
        timer.cancel();
        const status = response.statusCode ?? 0;
        const location = status >= 300 && status < 400 && status !== 304 ? response.headers.location : undefined;
        resolve({ status, body, ...(location !== undefined && { location }) });
      };
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk.slice(0, BODY_MAX_BYTES - body.length);
        if (body.length < BODY_MAX_BYTES) return;
        done(); // it may go on for ever
        request.destroy();
      });
      response.on('error', failed).on('end', done);
    };
    const request: ClientRequest = url.protocol === 'https:' ? httpsRequest(url, { ...options, rejectUnauthorized: false }, answered) : httpRequest(url, options, answered);
    const timer = clock.setTimer(timeoutMs, () => request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')));
    request.on('error', failed).end();
  });
}

/** With the port, which URL leaves out where it is the scheme's own. */
function hrefOf(url: URL): string {
  return url.port !== '' ? url.href : `${url.protocol}//${url.hostname}:${url.protocol === 'https:' ? '443' : '80'}${url.pathname}${url.search}`;
}

export function goWords(error: Error, { hostname, port, protocol }: { hostname: string; port: string; protocol?: string }): string {
  const where = `dial tcp ${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}: `;
  switch ((error as NodeJS.ErrnoException).code ?? '') {
    case 'ECONNREFUSED': return `${where}connect: connection refused`;
    case 'EHOSTUNREACH': return `${where}connect: no route to host`;
    case 'ENETUNREACH': return `${where}connect: network is unreachable`;
    case 'ECONNRESET': return 'read: connection reset by peer';
    default: return error.message;
  }
}
