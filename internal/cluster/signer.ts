// Signing what certificates.k8s.io's requests ask: subject, names and usages as asked, for as long as asked and no longer than a year, by the CA
// that the signer's name stands for (upstream: pkg/controller/certificates/authority, PermissiveSigningPolicy). Who may ask what is not looked at here.
import { parseCertificateRequest, type CertificateRequest } from '../api/certificate-request.ts';
import { NAME_OID, type DistinguishedName } from '../api/distinguished-name.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Authority } from './authority.ts';
import { issueFromTemplate } from './certificate.ts';
import { bitString, context, objectIdentifier, sequence, setOf, utf8String } from './der.ts';

export interface SigningRequest {
  signerName: string;
  /** PEM. */
  request: string;
  usages: readonly string[];
  expirationSeconds?: number | undefined;
}

/** A certificate in PEM. */
export type CertificateSigner = (request: SigningRequest) => string;

const CAS: Readonly<Record<string, 'clientCa' | 'serverCa'>> = {
  'kubernetes.io/kube-apiserver-client': 'clientCa',
  'kubernetes.io/kube-apiserver-client-kubelet': 'clientCa',
  'kubernetes.io/kubelet-serving': 'serverCa',
  'kubernetes.io/legacy-unknown': 'clientCa',
};
const MINUTE_MS = 60_000;
const LIFETIME_MAX_MS = 365 * 86_400_000;
const LIFETIME_MIN_MS = 10 * MINUTE_MS;
const BACKDATE_MS = 5 * MINUTE_MS;
/** What lasts less is not shortened by what it is backdated. */
const SHORT_MS = 8 * 60 * MINUTE_MS;

export function createCertificateSigner({ authority, clock, random }: { authority: Authority; clock: Clock; random: Random }): CertificateSigner {
  return ({ signerName, request, usages, expirationSeconds }) => {
    const ca = CAS[signerName];
    if (ca === undefined) throw new Error(`unrecognized signerName: ${JSON.stringify(signerName)}`);
    const parsed = parseCertificateRequest(request);
    parsed.checkSignature();
    const lifetimeMs = expirationSeconds === undefined ? LIFETIME_MAX_MS : Math.max(LIFETIME_MIN_MS, Math.min(LIFETIME_MAX_MS, expirationSeconds * 1000));
    const times = { notBefore: clock.now() - BACKDATE_MS, notAfter: clock.now() + lifetimeMs - (lifetimeMs < SHORT_MS ? 0 : BACKDATE_MS) };
    const template = { name: encodeName(parsed.subject), publicKey: parsed.publicKey, alternativeNames: encodeNames(parsed), ...times, ...encodeUsages(usages) };
    return issueFromTemplate(authority[ca], template, random);
  };
}

// As Go writes a name: by these types in this order, those of one type in one set.
const NAME_ORDER = [NAME_OID.country, NAME_OID.organization, NAME_OID.organizationalUnit, NAME_OID.locality, NAME_OID.province, NAME_OID.street, NAME_OID.postalCode, NAME_OID.commonName, NAME_OID.serialNumber];

function encodeName({ parts }: DistinguishedName): Buffer {
  const sets = NAME_ORDER.flatMap((oid) => {
    const values = parts.filter((part) => part.oid === oid).map(({ value }) => value);
    const single = oid === NAME_OID.commonName || oid === NAME_OID.serialNumber ? values.slice(-1) : values;
    const members = single.filter((value) => value !== '').map((value) => sequence(objectIdentifier(oid), utf8String(value)));
    return members.length === 0 ? [] : [setOf(...members.sort(Buffer.compare))]; // a set is sorted in DER
  });
  return sequence(...sets);
}

function encodeNames({ dnsNames, emailAddresses, ipAddresses, uris }: CertificateRequest): Buffer[] {
  const text = (tag: number, names: string[]): Buffer[] => names.map((name) => context(tag, Buffer.from(name, 'latin1'), false));
  return [...text(2, dnsNames), ...text(1, emailAddresses), ...ipAddresses.map((address) => context(7, address, false)), ...text(6, uris)];
}

/** Places in X.509's KeyUsage. */
const KEY_USAGE_BITS: Readonly<Record<string, number>> = {
  signing: 0, 'digital signature': 0, 'content commitment': 1, 'key encipherment': 2, 'data encipherment': 3, 'key agreement': 4, 'cert sign': 5, 'crl sign': 6, 'encipher only': 7, 'decipher only': 8,
};
/** In the order in which Go lists them. */
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0', 'server auth': '1.3.6.1.5.5.7.3.1', 'client auth': '1.3.6.1.5.5.7.3.2', 'code signing': '1.3.6.1.5.5.7.3.3', 'email protection': '1.3.6.1.5.5.7.3.4', 's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5', 'ipsec tunnel': '1.3.6.1.5.5.7.3.6', 'ipsec user': '1.3.6.1.5.5.7.3.7', timestamping: '1.3.6.1.5.5.7.3.8', 'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3', 'netscape sgc': '2.16.840.1.113730.4.1',
};

function encodeUsages(usages: readonly string[]): { keyUsage?: Buffer; extendedUsages: string[] } {
  const unknown = usages.filter((usage) => KEY_USAGE_BITS[usage] === undefined && EXTENDED_USAGES[usage] === undefined);
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  const bits = usages.flatMap((usage) => KEY_USAGE_BITS[usage] ?? []);
  const extendedUsages = Object.entries(EXTENDED_USAGES).filter(([usage]) => usages.includes(usage)).map(([, oid]) => oid);
  return { ...(bits.length > 0 && { keyUsage: encodeBits(bits) }), extendedUsages: [...new Set(extendedUsages)] };
}

/** A named bit list: without zeros at its end. */
function encodeBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(bytes, 7 - (last & 7));
}
