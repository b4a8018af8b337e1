// What the author of a TLS secret is told of its pair, in the words of Go's tls.X509KeyPair.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';

const BLOCK = /-----BEGIN ([^-]+)-----[\s\S]*?-----END \1-----/g;

export function keyPairWarnings(certificate: string, key: string): string[] {
  const [certificates, keys] = [certificate, key].map((text) => [...Buffer.from(text, 'base64').toString().matchAll(BLOCK)].map(([block, type = '']) => ({ block, type })));
  const problem = certificateProblem(certificates ?? []) ?? keyProblem(keys ?? []) ?? pairProblem((certificates ?? []).find(isCertificate)?.block ?? '', (keys ?? []).find(isKey)?.block ?? '');
  return problem === undefined ? [] : [`tls: ${problem}`];
}

type Block = { block: string; type: string };
const isCertificate = ({ type }: Block): boolean => type === 'CERTIFICATE';
const isKey = ({ type }: Block): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY');
const typesOf = (blocks: readonly Block[]): string => `[${blocks.map(({ type }) => type).join(' ')}]`;

function certificateProblem(blocks: readonly Block[]): string | undefined {
  if (blocks.some(isCertificate)) return undefined;
  if (blocks.length === 0) return 'failed to find any PEM data in certificate input';
  if (blocks.length === 1 && blocks.every(({ type }) => type.endsWith('PRIVATE KEY'))) return 'failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched';
  return `failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function keyProblem(blocks: readonly Block[]): string | undefined {
  if (blocks.some(isKey)) return undefined;
  if (blocks.length === 0) return 'failed to find any PEM data in key input';
  if (blocks.length === 1 && blocks.every(isCertificate)) return 'found a certificate rather than a key in the PEM for the private key';
  return `failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function pairProblem(certificate: string, key: string): string | undefined {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? undefined : 'private key does not match public key';
  } catch (error) {
    return `failed to parse the pair: ${messageOf(error)}`;
  }
}
