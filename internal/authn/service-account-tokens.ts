// Service account tokens: ES256 JWTs with upstream's claims, bound to an account and, where asked, to a pod, secret or node. Who holds one
// whose account or bound object is gone, or has come anew under the name, is nobody.
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import { serviceAccountUser, type UserInfo } from '../api/user.ts';

export interface BoundTo {
  kind: 'Pod' | 'Secret' | 'Node';
  name: string;
  uid: string;
}
export interface TokenSubject {
  namespace: string;
  name: string;
  uid: string;
  audiences: readonly string[];
  expirationSeconds: number;
  boundTo?: BoundTo;
  /** The node that the bound pod runs on. */
  node?: { name: string; uid: string };
}
export interface IssuedToken {
  token: string;
  expirationMs: number;
}
export interface TokenIssuer {
  readonly issuer: string;
  issue(subject: TokenSubject): IssuedToken;
  /** undefined: not a token of this issuer, expired, for others, or its objects are gone. `audiences` absent: the API server's own. */
  verify(token: string, audiences?: readonly string[]): UserInfo | undefined;
  /** /.well-known/openid-configuration */
  discovery(): object;
  /** /openid/v1/jwks */
  keys(): object;
}

export interface TokenIssuerOptions {
  privateKeyPem: string;
  /** https://kubernetes.default.svc.cluster.local */
  issuer: string;
  clock: Clock;
  random: Random;
  /** Looks up accounts and bound objects. */
  store: { get(resource: GroupResource, key: ObjectKey): KubeObject | undefined };
}

interface Claims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  nbf: number;
  sub: string;
  'kubernetes.io': { namespace: string; serviceaccount: { name: string; uid: string }; pod?: Named; secret?: Named; node?: Named };
}
interface Named {
  name: string;
  uid: string;
}

// A clock that runs ahead by little must not refuse fresh tokens.
const LEEWAY_S = 10;

export function createTokenIssuer({ privateKeyPem, issuer, clock, random, store }: TokenIssuerOptions): TokenIssuer {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const keyId = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');
  const header = encode({ alg: 'ES256', kid: keyId });
  return {
    issuer,
    issue(subject) {
      const now = Math.floor(clock.now() / 1000);
      const claims = claimsOf(subject, { issuer, now, id: random.uuid() });
      const signed = `${header}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return { token: `${signed}.${signature.toString('base64url')}`, expirationMs: claims.exp * 1000 };
    },
    verify(token, audiences = [issuer]) {
      const claims = readClaims(token, publicKey);
      if (claims === undefined || claims.iss !== issuer) return undefined;
      const now = clock.now() / 1000;
      if (claims.exp < now || claims.nbf > now + LEEWAY_S || !claims.aud.some((one) => audiences.includes(one))) return undefined;
      return subjectOf(claims, store);
    },
    discovery: () => ({ issuer, jwks_uri: `${issuer}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'] }),
    keys: () => ({ keys: [{ use: 'sig', ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256' }] }),
  };
}

function claimsOf({ namespace, name, uid, audiences, expirationSeconds, boundTo, node }: TokenSubject, { issuer, now, id }: { issuer: string; now: number; id: string }): Claims {
  const bound = boundTo === undefined ? {} : { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid: boundTo.uid } };
  return {
    aud: [...audiences], exp: now + expirationSeconds, iat: now, iss: issuer, jti: id,
    'kubernetes.io': { namespace, ...(node !== undefined && { node }), ...bound, serviceaccount: { name, uid } },
    nbf: now, sub: `system:serviceaccount:${namespace}:${name}`,
  };
}

function readClaims(token: string, key: KeyObject): Claims | undefined {
  const [header, body, signature, more] = token.split('.');
  if (header === undefined || body === undefined || signature === undefined || more !== undefined) return undefined;
  try {
    if ((JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: string }).alg !== 'ES256') return undefined;
    if (!verify('sha256', Buffer.from(`${header}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
  } catch {
    return undefined; // not a JWT
  }
}

function subjectOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, secret, node } }: Claims, store: TokenIssuerOptions['store']): UserInfo | undefined {
  const alive = (resource: string, named: Named | undefined, within = namespace): boolean => {
    if (named === undefined) return true;
    return store.get({ group: '', resource }, { namespace: within, name: named.name })?.metadata.uid === named.uid;
  };
  const boundNode = pod === undefined && secret === undefined ? node : undefined; // beside a pod it only tells where the pod runs
  if (!alive('serviceaccounts', serviceaccount) || !alive('pods', pod) || !alive('secrets', secret) || !alive('nodes', boundNode, '')) return undefined;
  const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] };
  for (const [kind, named] of [['pod', pod], ['node', node]] as const) {
    if (named === undefined) continue;
    extra[`authentication.kubernetes.io/${kind}-name`] = [named.name];
    extra[`authentication.kubernetes.io/${kind}-uid`] = [named.uid];
  }
  return { ...serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid), extra };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
