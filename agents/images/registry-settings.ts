// registries.yaml in K3s's shape: mirrors (endpoints, rewrites) and configs (auth, tls), and the endpoints that a registry's name stands for.
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { RegistryAuth } from './image-store.ts';

export interface RegistrySettings {
  mirrors: Readonly<Record<string, { endpoint: readonly string[]; rewrite: Readonly<Record<string, string>>; overridePath?: boolean }>>;
  configs: Readonly<Record<string, { auth?: RegistryAuth; bearer?: string; refreshToken?: string; tls?: RegistryTls }>>;
}

export interface RegistryTls {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  insecureSkipVerify: boolean;
}

/** One place to ask for a repository. */
export interface Endpoint {
  /** Without a slash at its end, with `/v2`. */
  base: string;
  repository: string;
  /** Containerd's `ns` parameter: tells a mirror whose registry is meant. */
  namespace?: string;
  auth?: RegistryAuth;
  bearer?: string;
  /** Of OAuth 2: asks for the tokens that the registry wants. */
  refreshToken?: string;
  tls?: RegistryTls;
}

export const NO_REGISTRIES: RegistrySettings = { mirrors: {}, configs: {} };

/** Takes the parsed YAML; throws one error with every problem, naming the field and the value. */
export function parseRegistrySettings(value: unknown): RegistrySettings {
  const problems: string[] = [];
  const top = asRecord(value ?? {}, 'registries.yaml', problems);
  const mirrors: Record<string, RegistrySettings['mirrors'][string]> = {};
  const configs: Record<string, RegistrySettings['configs'][string]> = {};
  for (const key of Object.keys(top)) if (key !== 'mirrors' && key !== 'configs') problems.push(`unknown field "${key}" (known: mirrors, configs)`);
  for (const [name, mirror] of Object.entries(asRecord(top['mirrors'] ?? {}, 'mirrors', problems))) mirrors[name] = parseMirror(mirror, `mirrors[${name}]`, problems);
  for (const [name, config] of Object.entries(asRecord(top['configs'] ?? {}, 'configs', problems))) configs[name] = parseConfig(config, `configs[${name}]`, problems);
  if (problems.length > 0) throw new Error(`registries.yaml: ${problems.join('; ')}`);
  return { mirrors, configs };
}

/** Mirrors first, in their order, then the registry itself. */
export function endpointsOf(settings: RegistrySettings, registry: string, repository: string): Endpoint[] {
  const mirror = settings.mirrors[registry] ?? settings.mirrors['*'];
  const own = registry === 'docker.io' ? 'https://registry-1.docker.io' : `${isLoopback(registry) ? 'http' : 'https'}://${registry}`;
  const mirrored = (mirror?.endpoint ?? []).map((endpoint) => endpointAt(settings, endpoint, { repository: rewritten(repository, mirror?.rewrite ?? {}), namespace: registry, ...(mirror?.overridePath !== undefined && { overridePath: mirror.overridePath }) }));
  const ownBase = new URL(own).host;
  const covered = mirrored.some(({ base, repository: path }) => new URL(base).host === ownBase && path === repository);
  return covered ? mirrored : [...mirrored, endpointAt(settings, own, { repository, registry })];
}

function endpointAt(settings: RegistrySettings, address: string, options: { repository: string; namespace?: string; registry?: string; overridePath?: boolean }): Endpoint {
  const url = new URL(address.includes('://') ? address : `https://${address}`);
  const path = url.pathname.replace(/\/+$/, '');
  const config = settings.configs[url.host] ?? settings.configs[url.hostname] ?? (options.registry === undefined ? undefined : settings.configs[options.registry]) ?? settings.configs['*'];
  return {
    // As with K3s, a path stands for itself and none for /v2, unless it is said otherwise.
    base: `${url.origin}${path}${options.overridePath ?? path !== '' ? '' : '/v2'}`,
    repository: options.repository,
    ...(options.namespace !== undefined && url.host !== options.namespace && { namespace: options.namespace }),
    ...(config?.auth !== undefined && { auth: config.auth }),
    ...(config?.bearer !== undefined && { bearer: config.bearer }),
    ...(config?.refreshToken !== undefined && { refreshToken: config.refreshToken }),
    ...(config?.tls !== undefined && { tls: config.tls }),
  };
}

export function secureContextOf(tls: RegistryTls | undefined): SecureContextOptions & { rejectUnauthorized?: boolean } {
  if (tls === undefined) return {};
  return {
    ...(tls.caFile !== undefined && { ca: readFileSync(tls.caFile) }),
    ...(tls.certFile !== undefined && { cert: readFileSync(tls.certFile) }),
    ...(tls.keyFile !== undefined && { key: readFileSync(tls.keyFile) }),
    ...(tls.insecureSkipVerify && { rejectUnauthorized: false }),
  };
}

function rewritten(repository: string, rewrite: Readonly<Record<string, string>>): string {
  for (const [pattern, replacement] of Object.entries(rewrite)) {
    const expression = new RegExp(pattern);
    // Go writes groups as $1 or ${1}; JavaScript knows the first only.
    if (expression.test(repository)) return repository.replace(expression, replacement.replace(/\$\{(\d+)\}/g, '$$$1'));
  }
  return repository;
}

// As containerd: a registry on this machine is spoken to without TLS unless a mirror says otherwise.
function isLoopback(registry: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(registry);
}

function parseMirror(value: unknown, path: string, problems: string[]): RegistrySettings['mirrors'][string] {
  const mirror = asRecord(value ?? {}, path, problems);
  const endpoint = mirror['endpoint'] ?? mirror['endpoints'] ?? [];
  const list = Array.isArray(endpoint) ? endpoint.map(String) : [];
  if (!Array.isArray(endpoint)) problems.push(`${path}.endpoint must be a list of URLs, not ${JSON.stringify(endpoint)}`);
  for (const url of list) if (!URL.canParse(url.includes('://') ? url : `https://${url}`)) problems.push(`${path}.endpoint: ${JSON.stringify(url)} is no URL`);
  const rewrite: Record<string, string> = {};
  for (const [pattern, replacement] of Object.entries(asRecord(mirror['rewrite'] ?? {}, `${path}.rewrite`, problems))) {
    try {
      rewrite[new RegExp(pattern).source] = String(replacement);
    } catch {
      problems.push(`${path}.rewrite: ${JSON.stringify(pattern)} is no regular expression`);
    }
  }
  const overridePath = mirror['override_path'];
  if (overridePath !== undefined && typeof overridePath !== 'boolean') problems.push(`${path}.override_path must be true or false, not ${JSON.stringify(overridePath)}`);
  return { endpoint: list, rewrite, ...(typeof overridePath === 'boolean' && { overridePath }) };
}

// YAML reads a password of digits as a number.
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parseConfig(value: unknown, path: string, problems: string[]): RegistrySettings['configs'][string] {
  const config = asRecord(value ?? {}, path, problems);
  const auth = asRecord(config['auth'] ?? {}, `${path}.auth`, problems);
  const tls = asRecord(config['tls'] ?? {}, `${path}.tls`, problems);
  const text = (from: Record<string, unknown>, key: string): string | undefined => textOf(from[key]);
  const [bearer, refreshToken] = [text(auth, 'registrytoken'), text(auth, 'identity_token')];
  const credentials = credentialsOf(text(auth, 'username'), text(auth, 'password'), text(auth, 'auth'));
  const [caFile, certFile, keyFile] = [text(tls, 'ca_file'), text(tls, 'cert_file'), text(tls, 'key_file')];
  return {
    ...(credentials !== undefined && { auth: credentials }),
    ...(bearer !== undefined && { bearer }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(config['tls'] !== undefined && {
      tls: { insecureSkipVerify: tls['insecure_skip_verify'] === true, ...(caFile !== undefined && { caFile }), ...(certFile !== undefined && { certFile }), ...(keyFile !== undefined && { keyFile }) },
    }),
  };
}

function credentialsOf(username: string | undefined, password: string | undefined, encoded: string | undefined): RegistryAuth | undefined {
  if (username !== undefined) return { username, password: password ?? '' };
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

function asRecord(value: unknown, path: string, problems: string[]): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  problems.push(`${path} must be a map, not ${JSON.stringify(value)}`);
  return {};
}
