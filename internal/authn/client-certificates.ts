// Who a certificate speaks for. The client CA's speak for themselves: CN is the user, each O a group, and Kubernetes' own part the uid (upstream:
// request/x509). The request-header CA's, of an allowed name, are front proxies, and say in headers for whom they speak. TLS has checked the
// chain; which CA it ends at is found here, and its end is looked at at each request, as connections live longer than certificates.
import { hash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { NAME_OID, subjectOfCertificate, type DistinguishedName } from '../api/distinguished-name.ts';
import { pemBlocks } from '../api/pem.ts';
import type { UserInfo } from '../api/user.ts';

export interface CertificateAuthorities {
  /** PEM, one or several. */
  clientCa: string;
  requestHeaderCa: string;
  /** Common names of front proxies; with none, whoever the CA signed. */
  proxyNames: readonly string[];
}

export type Certified = { validToMs: number } & ({ by: 'client'; user: UserInfo } | { by: 'proxy' });

const KEPT_MAX = 64;

/**
 * Reads the certificate of a connection; 'bad': one that nobody is let in by. Clients come with one on many connections: what a good one says
 * is kept by its fingerprint, for TLS has checked each connection's chain, and who signed does not change.
 */
export function createCertificateReader(authorities: CertificateAuthorities | undefined): (socket: TLSSocket) => Certified | 'none' | 'bad' {
  const kept = new Map<string, Certified>();
  return (socket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return 'none';
    if (!socket.authorized) return 'bad';
    const { fingerprint256 } = certificate;
    const read = kept.get(fingerprint256) ?? readCertificate(socket, certificate, authorities);
    if (read === 'bad') return read;
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(fingerprint256, read);
    return read;
  };
}

function readCertificate(socket: TLSSocket, certificate: X509Certificate, authorities: CertificateAuthorities | undefined): Certified | 'bad' {
  const subject = subjectOf(certificate);
  if (subject === undefined || subject.commonName === '') return 'bad';
  const validToMs = Date.parse(certificate.validTo);
  if (authorities === undefined || isUnder(socket, authorities.clientCa)) {
    const user = userOf(certificate, subject);
    return user === undefined ? 'bad' : { by: 'client', user, validToMs };
  }
  const { proxyNames, requestHeaderCa } = authorities;
  const isProxy = isUnder(socket, requestHeaderCa) && (proxyNames.length === 0 || proxyNames.includes(subject.commonName));
  return isProxy ? { by: 'proxy', validToMs } : 'bad';
}

function userOf({ raw }: X509Certificate, { commonName, organizations, parts }: DistinguishedName): UserInfo | undefined {
  const uids = parts.filter(({ oid }) => oid === NAME_OID.uid).map(({ value }) => value);
  if (uids.length > 1 || uids[0] === '') return undefined;
  const [uid] = uids;
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${hash('sha256', raw)}`] };
  return { username: commonName, groups: organizations, ...(uid !== undefined && { uid }), extra };
}

/** One of the CAs signed a certificate of the chain that TLS has checked. */
function isUnder(socket: TLSSocket, pem: string): boolean {
  const authorities = pemBlocks(pem).map(({ bytes }) => new X509Certificate(bytes));
  return chainOf(socket).some((certificate) => authorities.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey)));
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerCertificate(true);
  for (const seen = new Set<string>(); next?.raw !== undefined && !seen.has(next.fingerprint256); next = next.issuerCertificate) {
    seen.add(next.fingerprint256);
    chain.push(new X509Certificate(next.raw));
  }
  return chain;
}

function subjectOf(certificate: X509Certificate): DistinguishedName | undefined {
  try {
    return subjectOfCertificate(certificate.raw);
  } catch {
    return undefined; // OpenSSL has read it: a form of name that we do not know names no user
  }
}
