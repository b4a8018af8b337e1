// --authentication-config: read at the start; the code behind it is loaded only when the flag is given.
import { readFileSync } from 'node:fs';
import type { AuthenticatorOptions } from '../internal/authn/authenticator.ts';
import type { Clock } from '../internal/base/clock.ts';
import type { Log } from '../internal/base/log.ts';
import type { Settings } from './flags.ts';

export async function configuredAuthentication(settings: Settings, { issuer, clock, log }: { issuer: string; clock: Clock; log: Log }): Promise<Required<Pick<AuthenticatorOptions, 'anonymous' | 'tokens'>> | undefined> {
  const file = settings['authentication-config'];
  if (file === undefined) return undefined;
  const { createOidcTokens, parseAuthenticationConfiguration } = await import('../internal/authn/oidc/index.ts');
  const { jwt, anonymous: { enabled, conditions = [] } } = parseAuthenticationConfiguration(readFileSync(file, 'utf8'), `--authentication-config ${file}`, issuer);
  return {
    anonymous: (path) => enabled && (conditions.length === 0 || conditions.some((condition) => condition.path === path)),
    tokens: jwt.length === 0 ? [] : [createOidcTokens(jwt, { clock, log })],
  };
}
