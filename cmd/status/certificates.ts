// The certificates of this machine and when they end: a server's lie in its tls folder, an agent's in its identity.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../internal/base/files.ts';
import { readIdentityFile } from '../local-access.ts';

export interface CertificateUntil {
  name: string;
  /** RFC 3339. */
  notBefore: string;
  notAfter: string;
}

/** The first to end first. */
export function listCertificates(dataDir: string): CertificateUntil[] {
  const tls = join(dataDir, 'server/tls');
  const files = namesIn(tls).filter((name) => name.endsWith('.crt'));
  const identity = readIdentityFile(dataDir);
  const pems = [
    ...files.map((name): [string, string] => [name.replace(/\.crt$/, ''), readFileSync(join(tls, name), 'utf8')]),
    ...Object.entries(identity?.certificates ?? {}).map(([name, pem]): [string, string] => [`agent ${name}`, pem]),
  ];
  return pems.flatMap(([name, pem]) => until(name, pem)).sort((a, b) => (a.notAfter < b.notAfter ? -1 : 1));
}

/** A file that a power cut left empty is none; it is made anew at the next start. */
function until(name: string, pem: string): CertificateUntil[] {
  if (!pem.includes('BEGIN CERTIFICATE')) return [];
  const certificate = new X509Certificate(pem);
  const time = (text: string): string => new Date(Date.parse(text)).toISOString();
  return [{ name, notBefore: time(certificate.validFrom), notAfter: time(certificate.validTo) }];
}
