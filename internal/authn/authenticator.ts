// Who asks: a proxy whose certificate the request-header CA signed says it in headers; a client certificate that the client CA signed (CN is the
// user, each O a group); a bearer token (service account, bootstrap, OIDC); else anonymous. The first that knows somebody counts, and wrong
// credentials beside none that is right are Unauthorized, never anonymous (upstream: kubeapiserver/authenticator).
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { StatusError } from '../base/errors.ts';
import { ANONYMOUS, AUTHENTICATED_GROUP, type UserInfo } from '../api/user.ts';
import { createCertificateReader, type CertificateAuthorities, type Certified } from './client-certificates.ts';
import { proxiedUser } from './proxied-user.ts';
import type { RawHeaders } from './request-headers.ts';

export interface AuthenticatorOptions {
  clock: Clock;
  /** Absent: every certificate that TLS let in is a client's. */
  authorities?: CertificateAuthorities;
  /** Whether anonymous requests may ask for this path; absent: for all. */
  anonymous?: (path: string) => boolean;
  /** Verifies a bearer token, in turn; undefined: not mine. */
  tokens: readonly ((token: string) => UserInfo | undefined | Promise<UserInfo | undefined>)[];
}

export interface Authenticator {
  /** StatusError Unauthorized. */
  authenticate(request: { socket: TLSSocket; authorization: string | undefined; rawHeaders: RawHeaders; path: string }): UserInfo | Promise<UserInfo>;
  /** For TokenReviews; undefined: nobody's. */
  identify(token: string): Promise<UserInfo | undefined>;
}

const KEPT_MS = 10_000;
const KEPT_MAX = 512;

export function createAuthenticator({ clock, tokens, authorities, anonymous = () => true }: AuthenticatorOptions): Authenticator {
  const certified = new WeakMap<TLSSocket, Certified | 'none' | 'bad'>();
  const readCertificate = createCertificateReader(authorities);
  const kept = new Map<string, { user: UserInfo; untilMs: number }>();

  const certificateOf = (socket: TLSSocket): Certified | 'none' | 'bad' => {
    let known = certified.get(socket);
    if (known === undefined) certified.set(socket, (known = readCertificate(socket)));
    return known !== 'none' && known !== 'bad' && known.validToMs < clock.now() ? 'bad' : known;
  };
  const identify = async (token: string): Promise<UserInfo | undefined> => {
    const held = kept.get(token);
    if (held !== undefined && held.untilMs > clock.monotonicMs()) return held.user;
    kept.delete(token);
    for (const verify of tokens) {
      const user = await verify(token);
      if (user === undefined) continue;
      if (kept.size >= KEPT_MAX) kept.clear();
      kept.set(token, { user: withAuthenticated(user), untilMs: clock.monotonicMs() + KEPT_MS });
      return withAuthenticated(user);
    }
    return undefined;
  };
  return {
    identify,
    authenticate({ socket, authorization, rawHeaders, path }) {
      const certificate = certificateOf(socket);
      if (typeof certificate !== 'string') {
        const user = certificate.by === 'client' ? certificate.user : proxiedUser(rawHeaders);
        if (user !== undefined) return withAuthenticated(user);
      }
      const token = /^Bearer (\S+)(?: |$)/i.exec(authorization ?? '')?.[1]; // what follows a token is not looked at
      if (token === undefined) {
        if (certificate !== 'none' || !anonymous(path)) throw unauthorized();
        return ANONYMOUS; // basic and the like: unknown to upstream too
      }
      return identify(token).then((found) => {
        if (found === undefined) throw unauthorized();
        return found;
      });
    },
  };
}

function unauthorized(): StatusError {
  return new StatusError('Unauthorized', 'Unauthorized');
}

function withAuthenticated(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED_GROUP) ? user : { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
}
