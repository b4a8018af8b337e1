// What the two loops of bootstrap tokens know of their Secrets.
import type { Secret } from '../../kinds/generated/api-types.ts';

const TYPE = 'bootstrap.kubernetes.io/token';
export const TOKEN_NAMESPACE = 'kube-system';

export function isBootstrapToken({ type, metadata }: Secret): boolean {
  return type === TYPE && metadata.namespace === TOKEN_NAMESPACE;
}

export function textOf({ data }: Secret, key: string): string {
  return Buffer.from(data?.[key] ?? '', 'base64').toString();
}

/** Infinity: never; NaN in the Secret counts as over. */
export function expiresAt(secret: Secret): number {
  const expiration = textOf(secret, 'expiration');
  if (expiration === '') return Number.POSITIVE_INFINITY;
  const at = Date.parse(expiration);
  return Number.isNaN(at) ? 0 : at;
}
