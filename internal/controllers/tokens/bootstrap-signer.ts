// Signs the kubeconfig of the ConfigMap kube-public/cluster-info with each bootstrap token that may sign, so that who has a token can trust what
// anyone may read (upstream: bootstrapsigner). The ConfigMap itself is made by kubeadm-like tools.
import { createHmac } from 'node:crypto';
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { ConfigMap, Secret } from '../../kinds/generated/api-types.ts';
import { CONFIGMAPS, SECRETS } from '../../kinds/generated/resources.ts';
import { controllerLoop, update, type Action, type ControllerLoop } from '../action.ts';
import { expiresAt, isBootstrapToken, textOf, TOKEN_NAMESPACE } from './bootstrap-token.ts';

const KEY = { namespace: 'kube-public', name: 'cluster-info' };
const SIGNATURE = 'jws-kubeconfig-';

export interface SignerState {
  info: ConfigMap;
  tokens: Secret[];
}

export function bootstrapSignerLoop(): ControllerLoop<SignerState> {
  return controllerLoop<SignerState>({
    name: 'bootstrap-signer',
    wakes: [
      wake(CONFIGMAPS, ({ metadata: { namespace, name } }) => (namespace === KEY.namespace && name === KEY.name ? [name] : [])),
      wake(SECRETS, (secret) => (isBootstrapToken(secret) ? [KEY.name] : [])),
    ],
    observe(_name, views) {
      const info = views.of(CONFIGMAPS).get(KEY.namespace, KEY.name);
      return info === undefined ? undefined : { info, tokens: views.of(SECRETS).list(TOKEN_NAMESPACE).filter(isBootstrapToken) };
    },
    plan,
  });
}

export function plan({ info, tokens }: SignerState, now: number): Plan<Action> {
  const content = info.data?.['kubeconfig'];
  if (content === undefined) return { actions: [] };
  const kept = Object.entries(info.data ?? {}).filter(([key]) => !key.startsWith(SIGNATURE));
  const signing = tokens.filter((secret) => maySign(secret, now));
  const data = Object.fromEntries([...kept, ...signing.map((secret) => [`${SIGNATURE}${textOf(secret, 'token-id')}`, detachedSignature(content, secret)])]) as Record<string, string>;
  return { actions: sameWhenWritten(data, info.data) ? [] : [update(CONFIGMAPS, { ...copy(info), data })] };
}

function maySign(secret: Secret, now: number): boolean {
  const id = textOf(secret, 'token-id');
  return secret.metadata.name === `bootstrap-token-${id}` && textOf(secret, 'token-secret') !== '' && textOf(secret, 'usage-bootstrap-signing') === 'true' && expiresAt(secret) > now;
}

/** A JWS without its content in the middle (RFC 7515, appendix F). */
function detachedSignature(content: string, secret: Secret): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: textOf(secret, 'token-id') })).toString('base64url');
  const signature = createHmac('sha256', textOf(secret, 'token-secret')).update(`${header}.${Buffer.from(content).toString('base64url')}`).digest('base64url');
  return `${header}..${signature}`;
}
