// Speaks the OCI distribution API: manifests and blobs of one repository through its endpoints (mirrors first), with redirects, basic and token
// authentication. Blobs are streams that go on where a broken connection left off. What is read is verified by the caller's digest.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { delay, type Clock } from '../../internal/base/clock.ts';
import { digestOf } from './image-manifest.ts';
import { ImageError, type RegistryAuth } from './image-store.ts';
import { secureContextOf, type Endpoint } from './registry-settings.ts';

export interface Manifest {
  mediaType: string;
  digest: string;
  body: Buffer;
}

export interface RepositoryClient {
  manifest(reference: string): Promise<Manifest>;
  /** Compressed bytes from the start or an offset, to the end; an error when there are more than it is said to have. */
  blob(blob: { digest: string; size?: number }, offset?: number): AsyncGenerator<Buffer>;
  /** Which of `auths` what came so far was given for. */
  accepted(): RegistryAuth | undefined;
}

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const MANIFEST_BYTES_MAX = 4 << 20;
const REDIRECTS_MAX = 10;
const IDLE_TIMEOUT_MS = 60_000;
const BLOB_TRIES = 5;
/** In place of a path: what was asked of the server that gives tokens. */
const TOKEN = 'token';
const RETRY_FIRST_MS = 500;

class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface RepositoryOptions {
  endpoints: readonly Endpoint[];
  auths: readonly RegistryAuth[];
  clock: Clock;
  signal: AbortSignal;
  /** A connection that is silent for so long is broken. Default 60 s. */
  idleTimeoutMs?: number;
}

/** Tries endpoints in order, and with each the credentials in order; the one that answered is kept for what follows. */
export function createRepositoryClient({ endpoints, auths, clock, signal, idleTimeoutMs = IDLE_TIMEOUT_MS }: RepositoryOptions): RepositoryClient {
  const candidates = endpoints.flatMap((endpoint) => credentialsFor(endpoint, auths).map((auth) => createAccess(endpoint, auth, { signal, idleTimeoutMs })));
  let preferred: Access | undefined;

  const open = async (path: string, headers: Record<string, string>): Promise<Response> => {
    const failures: { status: number; message: string }[] = [];
    for (const access of preferred === undefined ? candidates : [preferred, ...candidates.filter((other) => other !== preferred)]) {
      try {
        const response = await access.get(path, headers);
        preferred = access;
        return response;
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ status: error instanceof HttpError ? error.status : 0, message: error instanceof Error ? error.message : String(error) });
      }
    }
    const refused = failures.every(({ status }) => status === 0);
    if (failures.some(({ status }) => status === 429 || status >= 500)) throw new HttpError(503, failures.map(({ message }) => message).join('; '));
    throw new ImageError(refused ? 'RegistryUnavailable' : 'ErrImagePull', [...new Set(failures.map(({ message }) => message))].join('; '));
  };
  return {
    async manifest(reference) {
      const response = await open(`manifests/${reference}`, { accept: MANIFEST_TYPES });
      const body = await readAll(response, MANIFEST_BYTES_MAX);
      if (response.redirected === true && body[0] !== 0x7b) throw new ImageError('ErrImagePull', `manifest ${reference}: what the registry led to is none`);
      const digest = digestOf(body);
      if (reference.startsWith('sha256:') && reference !== digest) throw new ImageError('ErrImagePull', `manifest ${reference} arrived with digest ${digest}`);
      return { body, digest, mediaType: (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '' };
    },
    blob: ({ digest, size }, from = 0) => upTo(size === undefined ? undefined : size - from, resumingBlob((offset) => open(`blobs/${digest}`, offset === 0 ? {} : { range: `bytes=${String(offset)}-` }), { size, from, clock, signal })),
    accepted: () => auths.find((auth) => auth === preferred?.auth),
  };
}

async function* upTo(sizeBytes: number | undefined, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = sizeBytes ?? Infinity;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0) throw new ImageError('ErrImagePull', `the registry sends more than the ${String(sizeBytes)} bytes it told of`);
    yield piece;
  }
}

/** Goes on where it broke off, after a pause that grows while nothing comes; given up after five breaks without a byte between them. */
async function* resumingBlob(open: (offset: number) => Promise<IncomingMessage>, { size = 0, from, clock, signal }: Pick<RepositoryOptions, 'clock' | 'signal'> & { size: number | undefined; from: number }): AsyncGenerator<Buffer> {
  let offset = from;
  let triesLeft = BLOB_TRIES;
  for (;;) {
    const before = offset;
    try {
      const response = await open(offset);
      let skip = offset - startOf(response); // a server without ranges starts over
      if (skip < 0) throw new ImageError('ErrImagePull', `the registry left out ${String(-skip)} bytes when it was asked to go on`);
      for await (const piece of response as AsyncIterable<Buffer>) {
        const chunk = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - chunk.length;
        offset += chunk.length;
        if (chunk.length > 0) yield chunk;
      }
      if (offset >= size) return;
      throw new Error(`the registry ended after ${String(offset)} of ${String(size)} bytes`); // some proxies end cleanly what they have cut off
    } catch (error) {
      signal.throwIfAborted();
      triesLeft = offset > before ? BLOB_TRIES : triesLeft - 1;
      if (triesLeft <= 0 || (error instanceof ImageError && error.reason !== 'RegistryUnavailable')) throw error;
      await delay(clock, RETRY_FIRST_MS * 2 ** (BLOB_TRIES - triesLeft), signal);
    }
  }
}

/** Of the first byte that an answer brings. */
function startOf({ statusCode, headers }: IncomingMessage): number {
  return statusCode === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0) : 0;
}

type Credentials = RegistryAuth | { bearer: string } | { refreshToken: string };

// Pull secrets first, then registries.yaml's, then none.
function credentialsFor({ auth, bearer, refreshToken }: Endpoint, auths: readonly RegistryAuth[]): (Credentials | undefined)[] {
  return [...auths, ...(auth === undefined ? [] : [auth]), ...(refreshToken === undefined ? [] : [{ refreshToken }]), ...(bearer === undefined ? [] : [{ bearer }]), undefined];
}

interface Access {
  readonly auth: Credentials | undefined;
  get(path: string, headers: Record<string, string>): Promise<Response>;
}

function createAccess(endpoint: Endpoint, auth: Credentials | undefined, patience: Patience): Access {
  let authorization: string | undefined = auth !== undefined && 'bearer' in auth ? `Bearer ${auth.bearer}` : undefined;
  const credentials = auth !== undefined && 'bearer' in auth ? undefined : auth;
  const exchange = (url: URL, headers: Record<string, string>, form?: string): Promise<Response> => exchangeFollowing(url, { headers, endpoint, ...patience, ...(form !== undefined && { form }) });
  const send = (path: string, headers: Record<string, string>): Promise<Response> => {
    const url = new URL(`${endpoint.base}/${endpoint.repository}/${path}`);
    if (endpoint.namespace !== undefined) url.searchParams.set('ns', endpoint.namespace);
    return exchange(url, { ...headers, ...(authorization !== undefined && { authorization }) });
  };
  return {
    auth,
    async get(path, headers) {
      let response = await send(path, headers);
      if (response.statusCode === 401) {
        response.resume();
        authorization = response.redirected ? undefined : await answerChallenge(response.headers['www-authenticate'] ?? '', { endpoint, credentials, exchange });
        if (authorization !== undefined) response = await send(path, headers);
      }
      if (response.statusCode !== 200 && response.statusCode !== 206) throw await errorOf(response, endpoint, path);
      return response;
    },
  };
}

interface ChallengeOptions {
  endpoint: Endpoint;
  credentials: Exclude<Credentials, { bearer: string }> | undefined;
  exchange(url: URL, headers: Record<string, string>, form?: string): Promise<Response>;
}

/** The Authorization header that a `WWW-Authenticate` asks for (RFC 7617, and the distribution project's token flow, with a refresh token its OAuth 2 form). */
async function answerChallenge(header: string, options: ChallengeOptions): Promise<string | undefined> {
  const { endpoint, credentials, exchange } = options;
  const basic = credentials === undefined || !('username' in credentials) ? undefined : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  const challenge = /(?:^|,\s*)bearer\s+(.*)$/i.exec(header)?.[1];
  if (challenge === undefined) return basic;
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]));
  const realm = fields.get('realm');
  if (realm === undefined || !URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  const asked = new URLSearchParams({ ...(fields.has('service') && { service: fields.get('service') ?? '' }), scope: fields.get('scope') ?? `repository:${endpoint.repository}:pull` });
  const refreshToken = credentials !== undefined && 'refreshToken' in credentials ? credentials.refreshToken : undefined;
  if (refreshToken === undefined) for (const [name, value] of asked) url.searchParams.set(name, value);
  else for (const [name, value] of Object.entries({ grant_type: 'refresh_token', client_id: 'skiff', refresh_token: refreshToken })) asked.set(name, value);
  const response = refreshToken === undefined
    ? await exchange(url, basic === undefined ? {} : { authorization: basic })
    : await exchange(url, { 'content-type': 'application/x-www-form-urlencoded' }, asked.toString());
  if (response.statusCode !== 200) throw await errorOf(response, endpoint, TOKEN);
  const token = tokenOf(await readAll(response, MANIFEST_BYTES_MAX));
  if (token === undefined) throw new HttpError(0, `${url.host} was asked for a token and gave none`);
  return `Bearer ${token}`;
}

/** What else it says is not repeated: a registry may have named any server that this node can reach. */
function tokenOf(body: Buffer): string | undefined {
  try {
    const { token, access_token: accessToken } = (JSON.parse(body.toString()) ?? {}) as { token?: unknown; access_token?: unknown };
    return [token, accessToken].find((value) => typeof value === 'string' && value !== '' && !/[^\x21-\x7e]/.test(value)) as string | undefined;
  } catch {
    return undefined;
  }
}

interface Patience {
  signal: AbortSignal;
  idleTimeoutMs: number;
}

interface ExchangeOptions extends Patience {
  headers: Record<string, string>;
  endpoint: Endpoint;
  /** Sent by POST. */
  form?: string;
}

/** `redirected`: by another host than was asked. What that one asks for is not answered with the registry's credentials. */
type Response = IncomingMessage & { redirected?: true };

async function exchangeFollowing(start: URL, options: ExchangeOptions): Promise<Response> {
  let url = start;
  let away = false;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
    const { form, headers: { authorization, ...rest }, ...others } = options;
    // Credentials are for the registry, not for the store that it redirects to, nor for who listens on the way; a way back brings them no more.
    const headers = away || authorization === undefined ? rest : { ...rest, authorization };
    const response = await exchangeOnce(url, { ...others, headers, ...(form !== undefined && !away && { form }) });
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return away ? Object.assign(response, { redirected: true as const }) : response;
    response.resume();
    url = new URL(location, url);
    away ||= url.host !== start.host || (start.protocol === 'https:' && url.protocol !== 'https:');
  }
  throw new HttpError(310, `${start.origin}: more than ${String(REDIRECTS_MAX)} redirects`);
}

function exchangeOnce(url: URL, { headers, endpoint, signal, idleTimeoutMs, form }: ExchangeOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const options = { headers: { 'user-agent': 'skiff', ...headers }, signal, timeout: idleTimeoutMs, method: form === undefined ? 'GET' : 'POST' };
    const request = secure ? httpsRequest(url, { ...options, ...secureContextOf(endpoint.tls) }, resolve) : httpRequest(url, options, resolve);
    request.on('timeout', () => request.destroy(new Error(`no data for ${String(idleTimeoutMs / 1000)} s`)));
    request.on('error', (error) => reject(new Error(`failed to do request: Get "${url.href}": ${error.message || (error as NodeJS.ErrnoException).code || 'connection failed'}`, { cause: error })));
    request.end(form);
  });
}

/** What the registry says is repeated (it goes into an event of the pod); what another server says that it led to is not: it may be any that this node can reach. */
async function errorOf(response: Response, endpoint: Endpoint, path: string): Promise<HttpError> {
  const status = response.statusCode ?? 0;
  const body = await readAll(response, 64 << 10).catch(() => Buffer.alloc(0));
  const words = response.redirected === true || path === TOKEN ? '' : `: ${body.toString().slice(0, 500)}`;
  const where = `${new URL(endpoint.base).host}/${endpoint.repository}`;
  if (status === 404) return new HttpError(status, `${where} ${path}: not found`);
  if (status === 401 || status === 403) return new HttpError(status, `pull access denied for ${where}, repository does not exist or may require authorization: ${String(status)}`);
  return new HttpError(status, `${where} ${path}: unexpected status ${String(status)}${words}`);
}

async function readAll(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw new HttpError(413, `answer is larger than ${String(bytesMax)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
