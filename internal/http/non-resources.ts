// Paths that are no resources: version, health, metrics, discovery, OpenAPI, and the keys of service account tokens.
import type { IncomingHttpHeaders } from 'node:http';
import { messageOf, StatusError } from '../base/errors.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { RemoteDocuments } from './aggregation/documents.ts';
import type { PipelineOptions } from './call.ts';
import { discover } from './discovery.ts';
import { isPretty, negotiate, parseAccept } from './negotiate.ts';
import type { Metrics } from './metrics.ts';
import type { OpenApiServer } from './openapi.ts';
import { payload, textPayload, type Payload } from './respond.ts';
import type { VersionInfo } from './version-info.ts';

/** A named check; throws or gives a text when it fails. */
export interface HealthCheck {
  name: string;
  check(): string | undefined | Promise<string | undefined>;
}

/**
 * A path of its own beside the API, answered by another part of Skiff (joining). It is asked before anyone is authenticated: who may ask is
 * for it to say. What it throws is answered as a Status.
 */
export interface ExtraPath {
  path: string;
  serve(asking: { method: string; headers: IncomingHttpHeaders; body: Buffer }): Promise<Payload>;
}

export interface NonResourceOptions {
  pipeline: Pick<PipelineOptions, 'kinds' | 'schemas'>;
  /** host:port that discovery names. */
  address: string;
  version: VersionInfo;
  metrics: Metrics;
  processMetrics?: () => Promise<string>;
  openApi: OpenApiServer;
  /** What must hold for /readyz; /livez leaves them out. */
  readiness: readonly HealthCheck[];
  tokens?: TokenIssuer;
  /** What aggregated servers publish. */
  remotes?: RemoteDocuments;
}

export interface Asking {
  path: string;
  verb: string;
  query: URLSearchParams | undefined;
  headers: IncomingHttpHeaders;
}
export interface NonResources {
  serve(asking: Asking): Promise<Payload>;
}

export function createNonResources(options: NonResourceOptions): NonResources {
  return { serve: async (asking) => (await find(options, asking)) ?? textPayload(404, '404 page not found\n') };
}

async function find(options: NonResourceOptions, { path: given, verb, query, headers }: Asking): Promise<Payload | undefined> {
  const { version, metrics, tokens, readiness } = options;
  const path = given.length > 1 && given.endsWith('/') ? given.slice(0, -1) : given;
  if (path.includes('//')) return undefined;
  const [, root = ''] = path.split('/');
  if (READ_ONLY.has(path) && verb !== 'get' && verb !== 'head') throw new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  switch (root) {
    case '': return indented({ paths: pathsOf(options) });
    case 'version': return path === '/version' ? versionPayload(version, headers) : undefined;
    case 'healthz':
    case 'livez':
    case 'readyz': return health(path, { checks: [PING, STORE, ...(root === 'livez' ? [] : readiness)], query });
    case 'metrics': return path === '/metrics' ? textPayload(200, `${metrics.text()}${buildLines(version)}${(await options.processMetrics?.()) ?? ''}`, 'text/plain; version=0.0.4; charset=utf-8') : undefined;
    case 'openapi': return options.openApi.serve(given, { headers, query });
    case '.well-known': return path === '/.well-known/openid-configuration' && tokens !== undefined ? cached(json({ ...tokens.discovery(), jwks_uri: `https://${options.address}/openid/v1/jwks` })) : undefined;
    case 'openid': return path === '/openid/v1/jwks' && tokens !== undefined ? cached({ ...json(tokens.keys()), contentType: 'application/jwk-set+json' }) : undefined;
    case 'api':
    case 'apis': return discovery(options, path, { headers, query });
    default: return undefined;
  }
}

const READ_ONLY: ReadonlySet<string> = new Set(['/api', '/apis', '/version']);

const PING: HealthCheck = { name: 'ping', check: () => undefined };
/** Probes ask by upstream's name for the store. It is in this process: while we answer, it does. */
const STORE: HealthCheck = { name: 'etcd', check: () => undefined };

function json(body: object, contentType = 'application/json'): Payload {
  return { code: 200, contentType, bytes: Buffer.from(`${JSON.stringify(body)}\n`) };
}

/** Keys change rarely, and who verifies tokens asks often. */
function cached(payload: Payload): Payload {
  return { ...payload, headers: { 'cache-control': 'public, max-age=3600' } };
}

/** What `kubectl get --raw /` shows: where one can go on. */
function pathsOf({ pipeline: { kinds } }: NonResourceOptions): string[] {
  const groups = kinds.all().filter(({ group }) => group !== '').flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  const own = ['/.well-known/openid-configuration', '/api', '/api/v1', '/apis', '/apis/', '/healthz', '/healthz/etcd', '/healthz/ping', '/livez', '/livez/etcd', '/livez/ping', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks', '/readyz', '/readyz/etcd', '/readyz/ping', '/version'];
  return [...new Set([...own, ...groups])].sort();
}

function indented(body: object): Payload {
  return { code: 200, contentType: 'application/json', bytes: Buffer.from(JSON.stringify(body, undefined, 2)) };
}

function versionPayload(version: VersionInfo, { accept = '' }: IncomingHttpHeaders): Payload {
  const takes = accept === '' || parseAccept(accept).some(({ type }) => ['application/json', 'application/*', '*/*'].includes(type));
  if (!takes) throw new StatusError('NotAcceptable', '406: Not Acceptable\n\nAvailable representations: application/json', { details: {} });
  return indented(versionOf(version));
}

async function discovery({ pipeline: { kinds, schemas }, address, remotes }: NonResourceOptions, path: string, { headers, query }: Pick<Asking, 'headers' | 'query'>): Promise<Payload | undefined> {
  const found = discover(path, headers.accept, { kinds: kinds.all(), remotes: (await remotes?.versions()) ?? [], address });
  if (found === undefined) return undefined;
  const pretty = isPretty({ query, userAgent: headers['user-agent'] });
  const { format } = found.format === undefined ? negotiate(headers.accept, { protobuf: true }, () => false) : { format: found.format };
  return tagged({ ...payload(200, found.body, { form: { format, pretty, version: '' }, schemas }), ...(found.contentType !== undefined && { contentType: found.contentType }) }, found.etag, headers);
}

function tagged(payload: Payload, etag: string | undefined, headers: IncomingHttpHeaders): Payload {
  if (etag === undefined) return { ...payload, headers: { vary: 'Accept' } };
  const kept = { etag, vary: 'Accept', 'cache-control': 'public' };
  if (headers['if-none-match'] === etag) return { ...payload, code: 304, bytes: Buffer.alloc(0), headers: kept };
  return { ...payload, headers: kept };
}

async function health(path: string, { checks, query }: { checks: readonly HealthCheck[]; query: URLSearchParams | undefined }): Promise<Payload | undefined> {
  const [, root = '', one] = path.split('/');
  const excluded = query?.getAll('exclude') ?? [];
  const wanted = checks.filter(({ name }) => (one === undefined || name === one) && !excluded.includes(name));
  if (one !== undefined && wanted.length === 0) return undefined;
  const results = await Promise.all(wanted.map(async ({ name, check }) => ({ name, failure: await failureOf(check) })));
  const failed = results.some(({ failure }) => failure !== undefined);
  if (!failed && (one !== undefined || query?.has('verbose') !== true)) return textPayload(200, 'ok');
  const lines = results.map(({ name, failure }) => (failure === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`));
  return textPayload(failed ? 500 : 200, `${lines.join('\n')}\n${root} check ${failed ? 'failed' : 'passed'}\n`);
}

async function failureOf(check: HealthCheck['check']): Promise<string | undefined> {
  try {
    return await check();
  } catch (error) {
    return messageOf(error);
  }
}

function buildLines(version: VersionInfo): string {
  const { major, minor, gitVersion, platform } = versionOf(version) as Record<string, string>;
  return `# TYPE kubernetes_build_info gauge\nkubernetes_build_info{build_date="",compiler="node",git_commit="",git_tree_state="clean",git_version="${gitVersion ?? ''}",go_version="",major="${major ?? ''}",minor="${minor ?? ''}",platform="${platform ?? ''}"} 1\n`;
}

function versionOf({ gitVersion, platform }: VersionInfo): object {
  const [, major = '1', minor = '36'] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return { major, minor, emulationMajor: major, emulationMinor: minor, minCompatibilityMajor: major, minCompatibilityMinor: String(Number(minor) - 1), gitVersion, gitCommit: '', gitTreeState: 'clean', buildDate: '', goVersion: '', compiler: 'node', platform };
}
