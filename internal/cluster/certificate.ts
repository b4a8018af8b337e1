// X.509 v3 certificates over node:crypto, ECDSA P-256 with SHA-256 (RFC 5280). Own code because the libraries cost 16 MB of idle memory
// (DECISIONS.md); test/unit/cluster checks it with `openssl verify -x509_strict`.
import { hash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { Random } from '../base/random.ts';
import { formatPem } from '../api/pem.ts';
import { bitString, boolean, context, integer, objectIdentifier, octetString, sequence, setOf, time, utf8String } from './der.ts';

export interface Subject {
  commonName: string;
  /** Kubernetes reads groups from O. */
  organizations?: readonly string[];
}

export interface KeyPair {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  subject: Subject;
  /** DNS names and addresses of a serving certificate. */
  names?: readonly string[];
  usages: readonly ('server' | 'client')[];
  notBefore: number;
  notAfter: number;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;
const KEY_USAGE_CA = bitString(Buffer.of(0b0000_0110), 1); // keyCertSign, cRLSign
const KEY_USAGE_LEAF = bitString(Buffer.of(0b1000_0000), 7); // digitalSignature

/** A PEM private key (PKCS #8) on P-256. */
export function generateKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** A self-signed CA. Times in epoch ms. */
export function createAuthority(commonName: string, { notBefore, notAfter }: { notBefore: number; notAfter: number }, random: Random): KeyPair {
  const key = generateKey();
  const publicKey = createPublicKey(key);
  const id = keyId(publicKey);
  const extensions = [
    extension(OID.keyUsage, KEY_USAGE_CA, true),
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    extension(OID.subjectKeyId, octetString(id)),
  ];
  const name = distinguishedName({ commonName });
  return { key, certificate: signed({ name, issuer: name, publicKey, notBefore, notAfter, extensions, signer: createPrivateKey(key), serial: random.bytes(16) }) };
}

/** A leaf for a key that the caller holds; its public half is enough (certificate signing requests). */
export function issueCertificate(authority: KeyPair, request: CertificateRequest, publicKey: KeyObject, random: Random): string {
  const { subject, names = [], usages, notBefore, notAfter } = request;
  return issueFromTemplate(authority, {
    name: distinguishedName(subject), publicKey, notBefore, notAfter,
    keyUsage: KEY_USAGE_LEAF,
    extendedUsages: usages.map((usage) => (usage === 'server' ? OID.serverAuth : OID.clientAuth)),
    alternativeNames: names.map(alternativeName),
  }, random);
}

/** A leaf in X.509's own terms. */
export interface CertificateTemplate {
  /** DER. */
  name: Buffer;
  publicKey: KeyObject;
  notBefore: number;
  notAfter: number;
  /** A bit string in DER; absent: the certificate says nothing of it. */
  keyUsage?: Buffer;
  /** Object identifiers. */
  extendedUsages: readonly string[];
  /** GeneralNames in DER. */
  alternativeNames: readonly Buffer[];
}

export function issueFromTemplate(authority: KeyPair, template: CertificateTemplate, random: Random): string {
  const ca = new X509Certificate(authority.certificate);
  const { name, publicKey, keyUsage, extendedUsages, alternativeNames } = template;
  const extensions = [
    ...(keyUsage === undefined ? [] : [extension(OID.keyUsage, keyUsage, true)]),
    ...(extendedUsages.length === 0 ? [] : [extension(OID.extKeyUsage, sequence(...extendedUsages.map(objectIdentifier)))]),
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.authorityKeyId, sequence(context(0, keyId(ca.publicKey), false))),
    ...(alternativeNames.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...alternativeNames))]),
  ];
  return signed({
    name, publicKey, extensions,
    issuer: subjectOf(ca),
    // A leaf must not outlive its CA.
    notBefore: Math.max(template.notBefore, Date.parse(ca.validFrom)),
    notAfter: Math.min(template.notAfter, Date.parse(ca.validTo)),
    signer: createPrivateKey(authority.key),
    serial: random.bytes(16),
  });
}

/** A fresh key with its certificate. */
export function issueKeyPair(authority: KeyPair, request: CertificateRequest, random: Random): KeyPair {
  const key = generateKey();
  return { key, certificate: issueCertificate(authority, request, createPublicKey(key), random) };
}

interface Signed {
  name: Buffer;
  issuer: Buffer;
  publicKey: KeyObject;
  notBefore: number;
  notAfter: number;
  extensions: Buffer[];
  signer: KeyObject;
  serial: Buffer;
}

function signed(parts: Signed): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  parts.serial[0] = (parts.serial[0] ?? 0) & 0x7f | 0x40; // positive, and of full length
  const body = sequence(
    context(0, integer(Buffer.of(2)), true),
    integer(parts.serial),
    algorithm,
    parts.issuer,
    sequence(time(parts.notBefore), time(parts.notAfter)),
    parts.name,
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    context(3, sequence(...parts.extensions), true),
  );
  const der = sequence(body, algorithm, bitString(sign('sha256', body, parts.signer)));
  return formatPem('CERTIFICATE', der);
}

function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const part = (oid: string, text: string): Buffer => setOf(sequence(objectIdentifier(oid), utf8String(text)));
  return sequence(...organizations.map((text) => part(OID.organization, text)), part(OID.commonName, commonName));
}

// The issuer must equal the CA's subject to the byte. Ours hold a common name only; a user's own CA may hold more.
function subjectOf(ca: X509Certificate): Buffer {
  const names: Record<string, string> = { CN: OID.commonName, O: OID.organization, OU: '2.5.4.11', C: '2.5.4.6', L: '2.5.4.7', ST: '2.5.4.8' };
  const parts = ca.subject.split('\n').map((line) => {
    const [key = '', text = ''] = line.split(/=(.*)/s);
    return setOf(sequence(objectIdentifier(names[key] ?? OID.commonName), utf8String(text)));
  });
  return sequence(...parts);
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return context(7, Buffer.from(name.split('.').map(Number)), false);
  if (isIPv6(name)) return context(7, ipv6Bytes(name), false);
  return context(2, Buffer.from(name), false);
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

// RFC 7093 method 1: the leftmost 160 bits of the SHA-256 of the key.
function keyId(publicKey: KeyObject): Buffer {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer').subarray(0, 20);
}
