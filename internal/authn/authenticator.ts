// Who asks: a client certificate that the client CA signed (CN is the user, each O a group), then a bearer token (service account, or
// whatever the callback knows: join tokens, static tokens), else anonymous. Wrong credentials are Unauthorized, never anonymous.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { StatusError } from '../base/errors.ts';
import { ANONYMOUS, AUTHENTICATED_GROUP, type UserInfo } from '../api/user.ts';
import { readClientCertificate, type Certified } from './client-certificates.ts';

export interface AuthenticatorOptions {
  clock: Clock;
  /** Verifies a bearer token, in turn; undefined: not mine. */
  tokens: readonly ((token: string) => UserInfo | undefined | Promise<UserInfo | undefined>)[];
}

export interface Authenticator {
  /** StatusError Unauthorized. */
  authenticate(request: { socket: TLSSocket; authorization: string | undefined }): UserInfo | Promise<UserInfo>;
  /** For TokenReviews; undefined: nobody's. */
  identify(token: string): Promise<UserInfo | undefined>;
}

const KEPT_MS = 10_000;
const KEPT_MAX = 512;

export function createAuthenticator({ clock, tokens }: AuthenticatorOptions): Authenticator {
  const certified = new WeakMap<TLSSocket, Certified | 'none' | 'bad'>();
  const kept = new Map<string, { user: UserInfo; untilMs: number }>();

  const byCertificate = (socket: TLSSocket): UserInfo | undefined => {
    let known = certified.get(socket);
    if (known === undefined) certified.set(socket, (known = readCertificate(socket)));
    if (known === 'none') return undefined;
    if (known === 'bad' || known.validToMs < clock.now()) throw unauthorized();
    return known.user;
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
    authenticate({ socket, authorization }) {
      const user = byCertificate(socket);
      if (user !== undefined) return user;
      if (authorization === undefined || authorization === '') return ANONYMOUS;
      const token = /^Bearer (\S+)(?: |$)/i.exec(authorization)?.[1]; // what follows a token is not looked at
      if (token === undefined) return ANONYMOUS; // basic and the like: unknown to upstream too
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

function readCertificate(socket: TLSSocket): Certified | 'none' | 'bad' {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'none';
  const certified = socket.authorized ? readClientCertificate(certificate) : undefined;
  return certified === undefined ? 'bad' : { ...certified, user: withAuthenticated(certified.user) };
}
