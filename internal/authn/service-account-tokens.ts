// Service account tokens: ES256 JWTs with upstream's claims, bound to an account and, where asked, to a pod, secret or node. Who holds one
// whose account or bound object is gone, or has come anew under the name, is nobody.
import { hash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import { serviceAccountUser, type UserInfo } from '../api/user.ts';
import { isSignedBy, readWebToken, signWebToken } from './json-web-token.ts';
import { secretTokenClaims, secretTokenUser, SECRET_TOKEN_ISSUER, type LabelSecret, type SecretTokenSubject } from './secret-tokens.ts';

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
  /** The node that the bound pod runs on; without a uid: one that is not there. */
  node?: { name: string; uid?: string };
}
export interface IssuedToken {
  token: string;
  /** As asked: a token that the cluster extends is good for longer. */
  expirationMs: number;
}
export interface TokenIssuer {
  readonly issuer: string;
  issue(subject: TokenSubject): IssuedToken;
  /** For a Secret of type kubernetes.io/service-account-token: does not expire. */
  issueForSecret(subject: SecretTokenSubject): string;
  /** undefined: not a token of this issuer, expired, for others, or its objects are gone. `audiences` absent: the API server's own. */
  verify(token: string, audiences?: readonly string[]): UserInfo | undefined;
  /** Why a token of this issuer is nobody's, in upstream's words; undefined: another's token, or one that is good. */
  problemWith(token: string, audiences: readonly string[]): string | undefined;
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
  /** Absent: the use of Secrets' tokens is not written down. */
  labelSecret?: LabelSecret;
}

interface Claims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  nbf: number;
  sub: string;
  'kubernetes.io': { namespace: string; serviceaccount: Named; pod?: Named; secret?: Named; node?: Named; warnafter?: number };
}
interface Named {
  name: string;
  uid?: string;
}

// A clock that runs ahead by little must not refuse fresh tokens.
const LEEWAY_S = 10;
/** Objects that are being deleted keep their tokens for so long past their time. */
const DELETED_LEEWAY_MS = 60_000;
/** What pods get that ask for nothing. Old programs read their token once: these last on, as upstream has it. */
const EXTENDED = { askedSeconds: 3607, seconds: 365 * 86_400 };

export function createTokenIssuer({ privateKeyPem, issuer, clock, random, store, labelSecret }: TokenIssuerOptions): TokenIssuer {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const keyId = hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64url');
  const signer = { privateKey, keyId };
  return {
    issuer,
    issue(subject) {
      const now = Math.floor(clock.now() / 1000);
      const claims = claimsOf(subject, { issuer, now, id: random.uuid() });
      return { token: signWebToken(claims, signer), expirationMs: (now + subject.expirationSeconds) * 1000 };
    },
    issueForSecret: (subject) => signWebToken(secretTokenClaims(subject), signer),
    verify(token, audiences = [issuer]) {
      const read = readWebToken(token);
      if (read === undefined || read.header.alg !== 'ES256' || !isSignedBy(read, publicKey)) return undefined;
      if (read.claims['iss'] === SECRET_TOKEN_ISSUER) return audiences.includes(issuer) ? secretTokenUser(token, read.claims, { store, clock, labelSecret }) : undefined;
      const claims = read.claims as unknown as Claims;
      if (claims.iss !== issuer) return undefined;
      const now = clock.now() / 1000;
      if (claims.exp < now || claims.nbf > now + LEEWAY_S || !claims.aud.some((one) => audiences.includes(one))) return undefined;
      return subjectOf(claims, store, clock.now());
    },
    problemWith(token, audiences) {
      const read = readWebToken(token);
      const claims = read?.claims as unknown as Claims | undefined;
      if (read === undefined || claims?.iss !== issuer || !isSignedBy(read, publicKey)) return undefined;
      if (claims.exp < clock.now() / 1000) return 'service account token has expired';
      const quoted = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
      if (!claims.aud.some((one) => audiences.includes(one))) return `token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(audiences)}`;
      const { namespace, serviceaccount: { name, uid } } = claims['kubernetes.io'];
      const account = store.get({ group: '', resource: 'serviceaccounts' }, { namespace, name });
      if (account === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`;
      return account.metadata.uid === uid ? undefined : `service account UID (${account.metadata.uid}) does not match claim (${uid ?? ''})`;
    },
    discovery: () => ({ issuer, jwks_uri: `${issuer}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'] }),
    keys: () => ({ keys: [{ use: 'sig', ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256' }] }),
  };
}

function claimsOf({ namespace, name, uid, audiences, expirationSeconds, boundTo, node }: TokenSubject, { issuer, now, id }: { issuer: string; now: number; id: string }): Claims {
  const bound = boundTo === undefined ? {} : { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid: boundTo.uid } };
  const extended = boundTo?.kind === 'Pod' && expirationSeconds === EXTENDED.askedSeconds && audiences.every((one) => one === issuer);
  return {
    aud: [...audiences], exp: now + (extended ? EXTENDED.seconds : expirationSeconds), iat: now, iss: issuer, jti: id,
    'kubernetes.io': { namespace, ...(node !== undefined && { node }), ...bound, serviceaccount: { name, uid }, ...(extended && { warnafter: now + expirationSeconds }) },
    nbf: now, sub: `system:serviceaccount:${namespace}:${name}`,
  };
}

function subjectOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, secret, node } }: Claims, store: TokenIssuerOptions['store'], now: number): UserInfo | undefined {
  const alive = (resource: string, named: Named | undefined, within = namespace): boolean => {
    if (named === undefined) return true;
    const found = store.get({ group: '', resource }, { namespace: within, name: named.name })?.metadata;
    if (found === undefined || found.uid !== named.uid) return false;
    return found.deletionTimestamp === undefined || Date.parse(found.deletionTimestamp) > now - DELETED_LEEWAY_MS;
  };
  const boundNode = pod === undefined && secret === undefined ? node : undefined; // beside a pod it only tells where the pod runs
  if (!alive('serviceaccounts', serviceaccount) || !alive('pods', pod) || !alive('secrets', secret) || !alive('nodes', boundNode, '')) return undefined;
  const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] };
  for (const [kind, named] of [['pod', pod], ['node', node]] as const) {
    if (named === undefined) continue;
    extra[`authentication.kubernetes.io/${kind}-name`] = [named.name];
    if (named.uid !== undefined) extra[`authentication.kubernetes.io/${kind}-uid`] = [named.uid];
  }
  return { ...serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid), extra };
}
