// What aggregated servers publish of themselves, kept a while, so that discovery and OpenAPI of the whole cluster can show their groups too. Asked
// for when somebody asks for it, not by the clock: a cluster that nobody explores makes no requests.
import type { Clock } from '../../base/clock.ts';
import { AGGREGATOR_USER, discoveryPath, type AggregatedServers, type RemoteApi } from '../../api/aggregation.ts';

const FRESH_MS = 30_000;
const TIMEOUT_MS = 5000;

/** A resource of legacy discovery. */
export interface RemoteResource {
  name: string;
  singularName?: string;
  namespaced?: boolean;
  kind: string;
  group?: string;
  version?: string;
  verbs?: string[];
  shortNames?: string[];
  categories?: string[];
}

export interface RemoteVersion {
  api: RemoteApi;
  /** undefined: it could not be asked yet. */
  resources: RemoteResource[] | undefined;
  /** What is shown was asked for at an earlier time: the server does not answer now. */
  stale: boolean;
}

export interface RemoteSpec {
  api: RemoteApi;
  paths: Record<string, object>;
  definitions: Record<string, object>;
  /** Those that operations share. */
  parameters: Record<string, object>;
}

export interface RemoteDocuments {
  /** All, by priority. */
  versions(): Promise<RemoteVersion[]>;
  openApiV2(): Promise<RemoteSpec[]>;
  /** Entries of /openapi/v3: `apis/wardle.example.com/v1alpha1` → relative URL. */
  openApiV3(): Promise<Record<string, { serverRelativeURL: string }>>;
}

interface Kept {
  at: number;
  text: string | undefined;
}

export function createRemoteDocuments(servers: AggregatedServers, clock: Clock): RemoteDocuments {
  const kept = new Map<string, Kept>();
  const fetch = async (api: RemoteApi, path: string, accept: string): Promise<{ text: string | undefined; stale: boolean }> => {
    const key = `${api.name} ${path}`;
    const held = kept.get(key);
    if (held !== undefined && clock.monotonicMs() - held.at < FRESH_MS && api.available) return { text: held.text, stale: false };
    const answer = api.available ? await servers.get(api, AGGREGATOR_USER, path, { accept, timeoutMs: TIMEOUT_MS }).catch(() => undefined) : undefined;
    if (answer?.code !== 200) return { text: held?.text, stale: true };
    kept.set(key, { at: clock.monotonicMs(), text: answer.body });
    return { text: answer.body, stale: false };
  };
  const all = (): RemoteApi[] => {
    const apis = servers.all().sort((a, b) => b.groupPriority - a.groupPriority || (a.group < b.group ? -1 : a.group > b.group ? 1 : b.versionPriority - a.versionPriority));
    for (const key of kept.keys()) if (!apis.some(({ name }) => key.startsWith(`${name} `))) kept.delete(key);
    return apis;
  };
  return {
    versions: () => Promise.all(all().map(async (api) => {
      const { text, stale } = await fetch(api, discoveryPath(api), 'application/json');
      return { api, stale, resources: parsed<{ resources?: RemoteResource[] }>(text)?.resources };
    })),
    openApiV2: async () => (await Promise.all(all().map(async (api): Promise<RemoteSpec[]> => {
      const document = parsed<Partial<Omit<RemoteSpec, 'api'>>>((await fetch(api, '/openapi/v2', 'application/json')).text);
      if (document === undefined) return [];
      // A server may answer for more groups than this APIService gives it.
      const own = Object.entries(document.paths ?? {}).filter(([path]) => path === discoveryPath(api) || path.startsWith(`${discoveryPath(api)}/`));
      return [{ api, paths: Object.fromEntries(own), definitions: document.definitions ?? {}, parameters: document.parameters ?? {} }];
    }))).flat(),
    openApiV3: async () => Object.assign({}, ...(await Promise.all(all().map(async (api) => {
      const name = discoveryPath(api).slice(1);
      const entry = parsed<{ paths?: Record<string, { serverRelativeURL: string }> }>((await fetch(api, '/openapi/v3', 'application/json')).text)?.paths?.[name];
      return entry === undefined ? {} : { [name]: entry };
    })))) as Record<string, { serverRelativeURL: string }>,
  };
}

function parsed<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
