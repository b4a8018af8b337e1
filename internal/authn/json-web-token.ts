// JSON Web Tokens (RFC 7515, 7519), as far as tokens of users need them: RS256/384/512 and ES256/384/512, compact form.
import { sign, verify, type KeyObject } from 'node:crypto';

export interface WebToken {
  header: { alg?: string; kid?: string };
  claims: Record<string, unknown>;
  /** The bytes that are signed. */
  signed: Buffer;
  signature: Buffer;
}

const HASHES: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' };
const BYTES_MAX = 64 * 1024;

/** undefined: not such a token. Nothing is verified yet. */
export function readWebToken(token: string): WebToken | undefined {
  if (token.length > BYTES_MAX) return undefined;
  const [header, claims, signature, more] = token.split('.');
  if (header === undefined || claims === undefined || signature === undefined || more !== undefined) return undefined;
  try {
    const [head, body] = [header, claims].map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()));
    if (!isObject(head) || !isObject(body)) return undefined;
    return { header: head, claims: body, signed: Buffer.from(`${header}.${claims}`), signature: Buffer.from(signature, 'base64url') };
  } catch {
    return undefined;
  }
}

/** The key must be of the kind that the algorithm names: what a token says of itself is never trusted alone. */
export function isSignedBy({ header: { alg = '' }, signed, signature }: WebToken, key: KeyObject): boolean {
  const [, family, bits = ''] = /^(RS|ES)(256|384|512)$/.exec(alg) ?? [];
  const hash = HASHES[bits];
  if (hash === undefined || key.asymmetricKeyType !== (family === 'RS' ? 'rsa' : 'ec')) return false;
  return verify(hash, signed, family === 'RS' ? key : { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** ES256. */
export function signWebToken(claims: object, { privateKey, keyId }: { privateKey: KeyObject; keyId: string }): string {
  const text = `${encode({ alg: 'ES256', kid: keyId })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
