// Bootstrap tokens: `<id>.<secret>`, each a Secret of kube-system that may end (Kubernetes' own kind of join token:
// kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens). Whoever shows one may join.
import { isReason } from '../../base/errors.ts';
import { sameText } from '../../base/secret-text.ts';
import type { Client } from '../../client/client.ts';
import type { Secret } from '../../kinds/generated/api-types.ts';
import { SECRETS } from '../../kinds/generated/resources.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = 'bootstrap.kubernetes.io/token';

/** It is one of the cluster's and has not ended; `now` in epoch ms. */
export async function isBootstrapToken(client: Client, text: string, now: number): Promise<boolean> {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  if (id === undefined || secret === undefined) return false;
  const found = await client.get(SECRETS, { namespace: 'kube-system', name: `bootstrap-token-${id}` }).catch((error: unknown) => {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  });
  return found !== undefined && isGood(found, { id, secret }, now);
}

function isGood({ type, data = {}, metadata }: Secret, { id, secret }: { id: string; secret: string }, now: number): boolean {
  const said = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  // A date that cannot be read is one that has passed, as upstream has it.
  const ended = said('expiration') !== '' && !(Date.parse(said('expiration')) > now);
  return type === TYPE && metadata.deletionTimestamp === undefined && !ended && said('usage-bootstrap-authentication') === 'true' && said('token-id') === id && sameText(said('token-secret'), secret);
}
