// The older tokens of service accounts, which lie in Secrets and do not expire (upstream: pkg/serviceaccount/legacy.go): good as long as their
// Secret holds exactly them and their account is there. The day of their last use stands on the Secret, so that what nobody uses can be found.
import type { Clock } from '../base/clock.ts';
import { sameText } from '../base/secret-text.ts';
import { formatTime, type GroupResource, type KubeObject, type ObjectKey } from '../api/meta.ts';
import { serviceAccountUser, type UserInfo } from '../api/user.ts';

export const SECRET_TOKEN_ISSUER = 'kubernetes/serviceaccount';
const PREFIX = 'kubernetes.io/serviceaccount';
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';

export interface SecretTokenSubject {
  namespace: string;
  name: string;
  uid: string;
  secretName: string;
}

/** Writes the labels of a Secret whose token was used; nobody waits for it. */
export type LabelSecret = (secret: { namespace: string; name: string; uid: string }, labels: Record<string, string>) => void;

const DAY_MS = 86_400_000;

interface Store {
  get(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
}

export function secretTokenClaims({ namespace, name, uid, secretName }: SecretTokenSubject): object {
  return {
    iss: SECRET_TOKEN_ISSUER,
    [`${PREFIX}/namespace`]: namespace, [`${PREFIX}/secret.name`]: secretName, [`${PREFIX}/service-account.name`]: name, [`${PREFIX}/service-account.uid`]: uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
}

/** Whose token it is, its signature having been found good. */
export function secretTokenUser(token: string, claims: Readonly<Record<string, unknown>>, { store, clock, labelSecret }: { store: Store; clock: Clock; labelSecret?: LabelSecret | undefined }): UserInfo | undefined {
  const claim = (name: string): string => (typeof claims[name] === 'string' ? claims[name] : '');
  const [namespace, secretName, name, uid] = ['namespace', 'secret.name', 'service-account.name', 'service-account.uid'].map((part) => claim(`${PREFIX}/${part}`)) as [string, string, string, string];
  if (!namespace || !secretName || !name || !uid || claim('sub') !== `system:serviceaccount:${namespace}:${name}`) return undefined;
  const secret = store.get({ group: '', resource: 'secrets' }, { namespace, name: secretName }) as (KubeObject & { data?: Record<string, string> }) | undefined;
  const account = store.get({ group: '', resource: 'serviceaccounts' }, { namespace, name });
  if (secret === undefined || secret.metadata.deletionTimestamp !== undefined || !sameText(Buffer.from(secret.data?.['token'] ?? '', 'base64').toString(), token)) return undefined;
  if (account === undefined || account.metadata.deletionTimestamp !== undefined || account.metadata.uid !== uid) return undefined;
  const today = dayOf(clock.now());
  const { uid: secretUid, labels = {} } = secret.metadata;
  // Of tomorrow: by a server whose clock is ahead.
  if (labels[LAST_USED] !== today && labels[LAST_USED] !== dayOf(clock.now() + DAY_MS)) labelSecret?.({ namespace, name: secretName, uid: secretUid }, { [LAST_USED]: today });
  return labels[INVALID_SINCE] ? undefined : serviceAccountUser(namespace, name, uid);
}

function dayOf(ms: number): string {
  return formatTime(ms).slice(0, 10);
}
