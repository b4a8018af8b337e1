// Tokens of OIDC issuers (upstream: authenticator/token/oidc): a JWT whose issuer is configured, for one of its audiences, in its time, and signed with
// one of the issuer's keys. Loaded only where issuers are configured.
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { UserInfo } from '../../api/user.ts';
import { isSignedBy, readWebToken, type WebToken } from '../json-web-token.ts';
import { claimReader, type ReadUser } from './claim-reading.ts';
import type { JwtIssuer } from './configuration.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';

export { parseAuthenticationConfiguration } from './configuration.ts';

interface Issuer {
  audiences: readonly string[];
  keys: IssuerKeys;
  readUser: ReadUser;
}

/** Before its time by so much a token is let in: clocks differ. */
const LEEWAY_S = 300;

/** For `Authenticator.tokens`. Throws when an expression of the configuration is wrong. */
export function createOidcTokens(configured: readonly JwtIssuer[], { clock, log }: { clock: Clock; log: Log }): (token: string) => Promise<UserInfo | undefined> {
  const issuers = new Map(configured.map((jwt, index): [string, Issuer] => [jwt.issuer.url, { audiences: jwt.issuer.audiences, keys: createIssuerKeys(jwt.issuer, clock), readUser: claimReader(jwt, `jwt[${String(index)}]`) }]));
  return async (token) => {
    const read = readWebToken(token);
    const issuer = issuers.get(typeof read?.claims['iss'] === 'string' ? read.claims['iss'] : '');
    if (read === undefined || issuer === undefined) return undefined;
    try {
      return await userOf(read, issuer, clock.now() / 1000);
    } catch (error) {
      log.warn('a token of an OIDC issuer was refused', { issuer: read.claims['iss'], error: messageOf(error) });
      return undefined;
    }
  };
}

async function userOf(token: WebToken, { audiences, keys, readUser }: Issuer, now: number): Promise<UserInfo> {
  const { header, claims } = token;
  const { aud, exp, nbf } = claims;
  const held = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (!held.some((one) => typeof one === 'string' && audiences.includes(one))) throw new Error(`oidc: verify token: oidc: expected audience in ${JSON.stringify(audiences)} got ${JSON.stringify(held)}`);
  if (typeof exp !== 'number' || exp < now) throw new Error('oidc: verify token: oidc: token is expired');
  if (typeof nbf === 'number' && nbf > now + LEEWAY_S) throw new Error('oidc: verify token: oidc: current time is before the nbf (not before) time');
  const candidates = await keys.find(header.kid);
  if (!candidates.some((key) => isSignedBy(token, key))) throw new Error('oidc: verify token: failed to verify signature: failed to verify id token signature');
  return readUser(claims);
}
