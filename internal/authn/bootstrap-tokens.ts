// Bootstrap tokens, `abcdef.0123456789abcdef`: Secrets of kube-system that let whoever joins in as a member of system:bootstrappers, until they
// expire (upstream: authenticator/token/bootstrap).
import type { Clock } from '../base/clock.ts';
import { sameText } from '../base/secret-text.ts';
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import type { UserInfo } from '../api/user.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = 'system:bootstrappers';
const GROUPS = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const SECRETS = { group: '', resource: 'secrets' };

interface Store {
  get(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
}
type Secret = KubeObject & { type?: string; data?: Record<string, string> };

/** For `Authenticator.tokens`. */
export function createBootstrapTokens({ store, clock }: { store: Store; clock: Clock }): (token: string) => UserInfo | undefined {
  return (token) => {
    const [, id = '', password = ''] = TOKEN.exec(token) ?? [];
    const secret = id === '' ? undefined : (store.get(SECRETS, { namespace: 'kube-system', name: `bootstrap-token-${id}` }) as Secret | undefined);
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined || secret.type !== 'bootstrap.kubernetes.io/token') return undefined;
    const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
    if (!sameText(value('token-secret'), password) || value('token-id') !== id || value('usage-bootstrap-authentication') !== 'true') return undefined;
    const expiration = value('expiration');
    if (expiration !== '' && !(Date.parse(expiration) > clock.now())) return undefined; // one that cannot be read is over
    const more = value('auth-extra-groups');
    const extra = more === '' ? [] : more.split(',');
    if (!extra.every((group) => GROUPS.test(group))) return undefined;
    return { username: `system:bootstrap:${id}`, groups: [...new Set([GROUP, ...extra])].sort() };
  };
}
