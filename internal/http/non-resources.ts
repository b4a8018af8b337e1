// Paths that are no resources: version, health, metrics, discovery, OpenAPI, and the keys of service account tokens.
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { RemoteDocuments } from './aggregation/documents.ts';
import { notAllowed, type PipelineOptions } from './call.ts';
import { discover } from './discovery.ts';
import { createHealth, type Health, type HealthCheck } from './health.ts';
import { checkRouted, isPretty, negotiate } from './negotiate.ts';
import type { Metrics } from './metrics.ts';
import type { OpenApiServer } from './openapi.ts';
import { payload, textPayload, type Payload } from './respond.ts';
import type { VersionInfo } from './version-info.ts';

/**
 * A path of its own beside the API, answered by another part of Skiff (joining). It is asked before anyone is authenticated: who may ask is
 * for it to say. What it throws is answered as a Status.
 */
export interface ExtraPath {
  path: string;
  serve(asking: { method: string; headers: IncomingHttpHeaders; body: Buffer }): Promise<Payload>;
}

export interface NonResourceOptions {
  clock: Pick<Clock, 'now'>;
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
  const health = createHealth(options.readiness);
  const startedMs = options.clock.now();
  return { serve: async (asking) => (await find({ ...options, health, startedMs }, asking)) ?? textPayload(404, '404 page not found\n') };
}

type Serving = NonResourceOptions & { health: Health; startedMs: number };

async function find(options: Serving, { path: given, verb, query, headers }: Asking): Promise<Payload | undefined> {
  const { version, tokens, health } = options;
  const [, root = ''] = given.split('/');
  const path = ROUTED.has(root) && given.endsWith('/') ? given.slice(0, -1) : given;
  if (path.includes('//')) return undefined;
  if (READ_ONLY.has(path) && !isRead(verb)) throw notAllowed();
  switch (root) {
    case '':
    case 'index.html': return path === `/${root}` ? indented({ paths: pathsOf(options) }) : undefined;
    case 'version': return path === '/version' ? versionPayload(version, headers) : undefined;
    case 'healthz':
    case 'livez':
    case 'readyz': return health.serve(path, query);
    case 'metrics': return metricsPayload(options, path);
    case 'statusz': return path === '/statusz' ? (await import('./statusz.ts')).statusz(options, headers.accept) : undefined;
    case 'openapi': return options.openApi.serve(given, { headers, query });
    case '.well-known': return path === '/.well-known/openid-configuration' && tokens !== undefined ? cached(json({ ...tokens.discovery(), jwks_uri: `https://${options.address}/openid/v1/jwks` })) : undefined;
    case 'openid': return path === '/openid/v1/jwks' && tokens !== undefined ? keysPayload(tokens, headers) : undefined;
    case 'api':
    case 'apis': return discovery(options, given, { headers, query, verb });
    default: return undefined;
  }
}

/** Below these a slash at the end is not counted, as upstream's router has it; elsewhere it is another path. */
const ROUTED: ReadonlySet<string> = new Set(['api', 'apis', 'version', '.well-known', 'openid']);
const READ_ONLY: ReadonlySet<string> = new Set(['/api', '/version', '/.well-known/openid-configuration', '/openid/v1/jwks']);

function isRead(verb: string): boolean {
  return verb === 'get' || verb === 'head';
}

async function metricsPayload({ metrics, version, processMetrics, health, startedMs }: Serving, path: string): Promise<Payload | undefined> {
  if (path === '/metrics/slis') return textPayload(200, health.metrics(), METRICS_TYPE, { 'process-start-time-unix': String(Math.floor(startedMs / 1000)) });
  return path === '/metrics' ? textPayload(200, `${metrics.text()}${buildLines(version)}${(await processMetrics?.()) ?? ''}`, METRICS_TYPE) : undefined;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

function json(body: object, contentType = 'application/json'): Payload {
  return { code: 200, contentType, bytes: Buffer.from(`${JSON.stringify(body)}\n`) };
}

function keysPayload(tokens: TokenIssuer, { accept = '' }: IncomingHttpHeaders): Payload {
  if (accept !== '') checkRouted(accept, KEYS_TYPE);
  return cached({ ...json(tokens.keys()), contentType: KEYS_TYPE });
}

const KEYS_TYPE = 'application/jwk-set+json';

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
  if (accept !== '') checkRouted(accept, 'application/json');
  return indented(versionOf(version));
}

async function discovery({ pipeline: { kinds, schemas }, address, remotes }: NonResourceOptions, path: string, { headers, query, verb }: Omit<Asking, 'path'>): Promise<Payload | undefined> {
  const found = discover(path, headers.accept, { kinds: kinds.all(), remotes: (await remotes?.versions()) ?? [], address });
  if (found === undefined) return undefined;
  if (found.routed === true && !isRead(verb)) throw notAllowed();
  const pretty = isPretty({ query, userAgent: headers['user-agent'] });
  const { format } = found.format === undefined ? negotiate(headers.accept, { protobuf: true, routed: found.routed === true }, () => false) : { format: found.format };
  return tagged({ ...payload(200, found.body, { form: { format, pretty, version: '' }, schemas }), ...(found.contentType !== undefined && { contentType: found.contentType }) }, found.etag, headers);
}

function tagged(payload: Payload, etag: string | undefined, headers: IncomingHttpHeaders): Payload {
  if (etag === undefined) return { ...payload, headers: { vary: 'Accept' } };
  const kept = { etag, vary: 'Accept', 'cache-control': 'public' };
  if (headers['if-none-match'] === etag) return { ...payload, code: 304, bytes: Buffer.alloc(0), headers: kept };
  return { ...payload, headers: kept };
}

function buildLines(version: VersionInfo): string {
  const { major, minor, gitVersion, platform } = versionOf(version) as Record<string, string>;
  return `# TYPE kubernetes_build_info gauge\nkubernetes_build_info{build_date="",compiler="node",git_commit="",git_tree_state="clean",git_version="${gitVersion ?? ''}",go_version="",major="${major ?? ''}",minor="${minor ?? ''}",platform="${platform ?? ''}"} 1\n`;
}

function versionOf({ gitVersion, platform }: VersionInfo): object {
  const [, major = '1', minor = '36'] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return { major, minor, emulationMajor: major, emulationMinor: minor, minCompatibilityMajor: major, minCompatibilityMinor: String(Number(minor) - 1), gitVersion, gitCommit: '', gitTreeState: 'clean', buildDate: '', goVersion: '', compiler: 'node', platform };
}
