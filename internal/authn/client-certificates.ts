// Who a client certificate speaks for: CN is the user, each O a group, and Kubernetes' own part the uid (upstream: request/x509). TLS has checked
// the chain; here its end is looked at again, as connections live longer than certificates.
import { createHash, type X509Certificate } from 'node:crypto';
import { NAME_OID, subjectOfCertificate, type DistinguishedName } from '../api/distinguished-name.ts';
import type { UserInfo } from '../api/user.ts';

export interface Certified {
  subject: DistinguishedName;
  user: UserInfo;
  validToMs: number;
}

/** undefined: it names no user. */
export function readClientCertificate(certificate: X509Certificate): Certified | undefined {
  const subject = readSubject(certificate);
  if (subject === undefined || subject.commonName === '') return undefined;
  const uids = subject.parts.filter(({ oid }) => oid === NAME_OID.uid).map(({ value }) => value);
  if (uids.length > 1 || uids[0] === '') return undefined;
  const [uid] = uids;
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${createHash('sha256').update(certificate.raw).digest('hex')}`] };
  return { subject, user: { username: subject.commonName, groups: subject.organizations, ...(uid !== undefined && { uid }), extra }, validToMs: Date.parse(certificate.validTo) };
}

function readSubject(certificate: X509Certificate): DistinguishedName | undefined {
  try {
    return subjectOfCertificate(certificate.raw);
  } catch {
    return undefined; // OpenSSL has read it: a form of name that we do not know names no user
  }
}
