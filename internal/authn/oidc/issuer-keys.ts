// The keys of an OIDC issuer: found by its discovery document, fetched when first needed, and again when a token names a key that is not among
// them, yet never more often than every few seconds (OpenID Connect Discovery 1.0).
import { createPublicKey, type KeyObject } from 'node:crypto';
import { request } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { JwtIssuer } from './configuration.ts';

export interface IssuerKeys {
  /** Of this id, or all of them when a token names none. Throws when the issuer cannot be asked and nothing is held. */
  find(keyId: string | undefined): Promise<KeyObject[]>;
}

interface Held {
  keys: { id: string | undefined; key: KeyObject }[];
  fetchedAt: number;
}

const AGAIN_MS = 5000;
const TIMEOUT_MS = 10_000;
const BYTES_MAX = 1024 * 1024;

export function createIssuerKeys({ url, discoveryURL, certificateAuthority }: JwtIssuer['issuer'], clock: Clock): IssuerKeys {
  const ca = certificateAuthority || rootCertificates.join('\n');
  let held: Held | undefined;
  let fetching: Promise<Held> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const fetchKeys = async (): Promise<Held> => {
    const document = (await getJson(discoveryURL ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`, ca)) as { issuer?: string; jwks_uri?: string };
    if (document.issuer !== url) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(document.issuer)}`);
    const { keys = [] } = (await getJson(document.jwks_uri ?? '', ca)) as { keys?: ({ kid?: string; use?: string } & Record<string, unknown>)[] };
    return { keys: keys.filter(({ use }) => use === undefined || use === 'sig').flatMap((jwk) => readKey(jwk)), fetchedAt: clock.monotonicMs() };
  };
  const refresh = (): Promise<Held> => (fetching ??= fetchKeys().finally(() => (fetching = undefined)));
  const match = ({ keys }: Held, keyId: string | undefined): KeyObject[] => keys.filter(({ id }) => keyId === undefined || id === keyId).map(({ key }) => key);

  return {
    async find(keyId) {
      const found = held === undefined ? [] : match(held, keyId);
      const now = clock.monotonicMs();
      if (found.length > 0 || (held !== undefined && now - held.fetchedAt < AGAIN_MS)) return found;
      if (now - failedAt < AGAIN_MS) throw new Error('oidc: the issuer could not be asked a moment ago');
      try {
        held = await refresh();
      } catch (error) {
        failedAt = clock.monotonicMs();
        throw error;
      }
      return match(held, keyId);
    },
  };
}

function readKey(jwk: { kid?: string } & Record<string, unknown>): Held['keys'] {
  try {
    return [{ id: jwk.kid, key: createPublicKey({ format: 'jwk', key: jwk as Record<string, string> }) }];
  } catch {
    return []; // a kind of key that we do not know verifies nothing
  }
}

function getJson(url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (URL.parse(url)?.protocol !== 'https:') return reject(new Error(`oidc: ${JSON.stringify(url)} is no https URL`));
    const asking = request(url, { ca, timeout: TIMEOUT_MS, headers: { accept: 'application/json' } }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if ((size += chunk.length) > BYTES_MAX) asking.destroy(new Error(`oidc: ${url} answers too much`));
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`oidc: ${url} answers ${String(answer.statusCode)}`));
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch (error) {
          reject(new Error(`oidc: ${url} does not answer in JSON`, { cause: error }));
        }
      });
    });
    asking.on('timeout', () => asking.destroy(new Error(`oidc: ${url} does not answer`)));
    asking.on('error', reject);
    asking.end();
  });
}
