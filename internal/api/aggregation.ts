// Aggregated APIs: groups that another server answers, by an APIService that names its Service. This is the contract; client/aggregated-servers.ts
// is the road there. Nothing of such a group is stored here; requests are passed on as their user, who is named by the front proxy's headers.
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import type { UserInfo } from './user.ts';

/** An APIService with a service behind it. */
export interface RemoteApi {
  /** `v1alpha1.wardle.example.com` */
  name: string;
  group: string;
  version: string;
  groupPriority: number;
  versionPriority: number;
  /** Its Available condition holds. */
  available: boolean;
}

export interface RemoteAnswer {
  code: number;
  body: string;
}

export interface AggregatedServers {
  /** undefined: the group and version are ours, or nobody's. */
  find(group: string, version: string): RemoteApi | undefined;
  all(): RemoteApi[];
  /** Opens a request, to be ended by the caller. Throws an Error when the APIService leads nowhere. */
  open(api: RemoteApi, user: UserInfo, request: { method: string; path: string; headers: OutgoingHttpHeaders }): ClientRequest;
  /** A whole GET, for discovery and OpenAPI. Rejects when there is no answer in `timeoutMs`. */
  get(api: RemoteApi, user: UserInfo, path: string, options: { accept: string; timeoutMs: number }): Promise<RemoteAnswer>;
}

/** As whom the server itself asks: such a server must let it see everything. */
export const AGGREGATOR_USER: UserInfo = { username: 'system:kube-aggregator', groups: ['system:masters'] };

/** Where its discovery document is. */
export function discoveryPath({ group, version }: Pick<RemoteApi, 'group' | 'version'>): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}
