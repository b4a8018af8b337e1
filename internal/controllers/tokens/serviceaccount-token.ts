// Secrets of type kubernetes.io/service-account-token get the token of their account, the cluster's CA and their namespace, and go with the account
// (upstream: TokensController). They are how programs outside the cluster get a token that does not expire.
import { copy, parseKey } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Secret, ServiceAccount } from '../../kinds/generated/api-types.ts';
import { SECRETS, SERVICEACCOUNTS } from '../../kinds/generated/resources.ts';
import { controllerLoop, remove, update, type Action, type ControllerLoop } from '../action.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';

export type IssueSecretToken = (subject: { namespace: string; name: string; uid: string; secretName: string }) => string;

export interface SecretTokenOptions {
  issue: IssueSecretToken;
  /** PEM. */
  rootCertificates(): string;
}

export interface SecretTokenState extends SecretTokenOptions {
  secret: Secret;
  account: ServiceAccount | undefined;
}

export function serviceAccountTokenLoop(options: SecretTokenOptions): ControllerLoop<SecretTokenState> {
  return controllerLoop<SecretTokenState>({
    name: 'tokens-controller',
    user: 'system:kube-controller-manager',
    wakes: [
      wake(SECRETS, (secret) => (secret.type === TYPE ? [keyOf(secret)] : [])),
      wake(SERVICEACCOUNTS, ({ metadata: { namespace = '', name } }, views) => views.of(SECRETS).list(namespace).filter((secret) => secret.type === TYPE && secret.metadata.annotations?.[NAME] === name).map(keyOf)),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const secret = views.of(SECRETS).get(namespace, name);
      if (secret?.type !== TYPE || secret.metadata.deletionTimestamp !== undefined) return undefined;
      return { ...options, secret, account: views.of(SERVICEACCOUNTS).get(namespace, secret.metadata.annotations?.[NAME] ?? '') };
    },
    plan,
  });
}

export function plan({ secret, account, issue, rootCertificates }: SecretTokenState): Plan<Action> {
  const { namespace = '', name, annotations = {} } = secret.metadata;
  if (account === undefined || (annotations[UID] && annotations[UID] !== account.metadata.uid)) return { actions: [remove(SECRETS, secret)] };
  const { data = {} } = secret;
  const ca = base64(rootCertificates());
  if (data['ca.crt'] === ca && data['namespace'] && data['token']) return { actions: [] };
  const next = copy(secret);
  next.data = { ...next.data, 'ca.crt': ca, namespace: data['namespace'] || base64(namespace), token: data['token'] || base64(issue({ namespace, name: account.metadata.name, uid: account.metadata.uid, secretName: name })) };
  next.metadata.annotations = { ...annotations, [NAME]: account.metadata.name, [UID]: account.metadata.uid };
  return { actions: [update(SECRETS, next)] };
}

function keyOf({ metadata: { namespace = '', name } }: Secret): string {
  return `${namespace}/${name}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
