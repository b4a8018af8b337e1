// Who may call the kubelet: a client certificate of the cluster's client CA or a reviewed bearer token says who, a SubjectAccessReview says
// whether (upstream: pkg/kubelet/server/auth.go for which path asks for which resource). Answers are kept for a while, bounded.
import type { Clock } from '../../../internal/base/clock.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from '../../../internal/api/user.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { Problem } from './places.ts';
import { SUBJECTACCESSREVIEWS, TOKENREVIEWS } from '../../../internal/kinds/generated/resources.ts';

export interface AccessRequest {
  /** Subject of the verified client certificate. */
  certificate: { name: string; groups: string[] } | undefined;
  token: string | undefined;
  path: string;
  method: string;
}

export interface Access {
  /** undefined: allowed. */
  check(request: AccessRequest): Promise<Problem | undefined>;
}

const KEPT_MS = 60_000;
const KEPT_MAX = 256;
/** Other methods are no verb, and allowed to those who may all. */
const VERBS: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
/** Paths with a subresource of their own, and those for which nodes/proxy does as well; all else is nodes/proxy. */
const SUBRESOURCES: readonly (readonly [prefix: string, ...subresources: string[]])[] = [
  ['/stats', 'stats'], ['/metrics', 'metrics'], ['/logs', 'log'], ['/checkpoint', 'checkpoint'], ['/statusz', 'statusz'], ['/flagz', 'configz'], ['/healthz', 'healthz', 'proxy'], ['/pods', 'pods', 'proxy'], ['/runningpods', 'pods', 'proxy'], ['/configz', 'configz', 'proxy'],
];

export function createAccess({ client, nodeName, clock }: { client: Client; nodeName: string; clock: Clock }): Access {
  const kept = new Map<string, { value: unknown; untilMs: number }>();
  const remembered = async <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const held = kept.get(key);
    if (held !== undefined && held.untilMs > clock.monotonicMs()) return held.value as T;
    const value = await ask();
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, { value, untilMs: clock.monotonicMs() + KEPT_MS });
    return value;
  };
  const userOf = async ({ certificate, token }: AccessRequest): Promise<UserInfo | undefined> => {
    if (certificate !== undefined) return { username: certificate.name, groups: [...certificate.groups, AUTHENTICATED_GROUP] };
    return token === undefined ? undefined : remembered(`token ${token}`, () => reviewToken(client, token));
  };
  return {
    async check(request) {
      const { path, method } = request;
      const user = await userOf(request);
      if (user === undefined) return { code: 401, text: 'Unauthorized' };
      if (user.groups.includes(MASTERS_GROUP)) return undefined;
      const verb = VERBS[method] ?? '';
      const [, ...subresources] = SUBRESOURCES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`)) ?? ['', 'proxy'];
      for (const subresource of subresources) {
        const key = JSON.stringify([user.username, [...user.groups].sort(), verb, subresource]);
        if (await remembered(key, () => mayAccess(client, user, { verb, subresource, nodeName }))) return undefined;
      }
      return { code: 403, text: `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n` };
    },
  };
}

async function reviewToken(client: Client, token: string): Promise<UserInfo | undefined> {
  const { status } = await client.create(TOKENREVIEWS, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } });
  if (status?.authenticated !== true) return undefined;
  return { username: status.user?.username ?? '', groups: status.user?.groups ?? [] };
}

async function mayAccess(client: Client, user: UserInfo, { verb, subresource, nodeName }: { verb: string; subresource: string; nodeName: string }): Promise<boolean> {
  const { status } = await client.create(SUBJECTACCESSREVIEWS, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: { user: user.username, groups: [...user.groups], resourceAttributes: { verb, resource: 'nodes', subresource, name: nodeName, version: 'v1' } },
  });
  return status?.allowed === true;
}
