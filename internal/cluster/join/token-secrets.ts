// Bootstrap tokens as `skiff token` makes and lists them: Secrets of kube-system in Kubernetes' own form, which authentication by bootstrap token
// and joining read (bootstrap-token.ts).
import type { Random } from '../../base/random.ts';
import type { Draft } from '../../api/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Secret } from '../../kinds/generated/api-types.ts';
import { SECRETS } from '../../kinds/generated/resources.ts';

export interface TokenListed {
  id: string;
  /** RFC 3339; absent: it does not end. */
  expiration?: string;
  usages: string[];
  groups: string[];
  description: string;
}

export interface NewToken {
  /** `<id>.<secret>` */
  token: string;
  /** Epoch ms; absent: it does not end. */
  endsAt?: number;
  description?: string;
}

const TYPE = 'bootstrap.kubernetes.io/token';
const NAMESPACE = 'kube-system';
const PREFIX = 'bootstrap-token-';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
export const TOKEN_SHAPE = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

export function makeToken(random: Random): string {
  return `${letters(6, random)}.${letters(16, random)}`;
}

/** Each with the same chance: bytes above the last multiple of 36 are thrown away. */
function letters(count: number, random: Random): string {
  let text = '';
  while (text.length < count) for (const byte of random.bytes(count)) if (byte < 252 && text.length < count) text += LETTERS[byte % LETTERS.length] ?? '';
  return text;
}

export async function createToken(client: Client, { token, endsAt, description = '' }: NewToken): Promise<void> {
  const [, id = '', secret = ''] = TOKEN_SHAPE.exec(token) ?? [];
  const values: Record<string, string> = {
    'token-id': id, 'token-secret': secret, 'usage-bootstrap-authentication': 'true', 'usage-bootstrap-signing': 'true', 'auth-extra-groups': 'system:bootstrappers:skiff:default-node-token',
    ...(description !== '' && { description }), ...(endsAt !== undefined && { expiration: new Date(endsAt).toISOString().replace(/\.\d+Z$/, 'Z') }),
  };
  const draft: Draft<Secret> = {
    apiVersion: 'v1', kind: 'Secret', type: TYPE, metadata: { namespace: NAMESPACE, name: `${PREFIX}${id}` },
    data: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  };
  await client.create(SECRETS, draft);
}

/** The first to end first; those without an end are last. */
export async function listTokens(client: Client): Promise<TokenListed[]> {
  const { items } = await client.list(SECRETS, { namespace: NAMESPACE, fieldSelector: `type=${TYPE}` });
  return items.filter(({ type, metadata }) => type === TYPE && metadata.name.startsWith(PREFIX)).map(listed).sort((a, b) => ((a.expiration ?? '9') < (b.expiration ?? '9') ? -1 : 1));
}

/** By its id, or the whole token. StatusError NotFound. */
export async function deleteToken(client: Client, token: string): Promise<void> {
  await client.delete(SECRETS, { namespace: NAMESPACE, name: `${PREFIX}${token.split('.')[0] ?? ''}` });
}

function listed({ metadata, data = {} }: Secret): TokenListed {
  const said = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString();
  return {
    id: metadata.name.slice(PREFIX.length), ...(said('expiration') !== '' && { expiration: said('expiration') }), description: said('description'),
    usages: ['authentication', 'signing'].filter((usage) => said(`usage-bootstrap-${usage}`) === 'true'),
    groups: said('auth-extra-groups').split(',').filter((group) => group !== ''),
  };
}
