// PKCS#10 certificate requests (RFC 2986): who asks for which names with which key, and whether they hold that key. node:crypto reads
// certificates but not these. Errors are worded as Go's, since clients of the certificates API see them.
import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readBitString, readDer, readMembers, readObjectIdentifier, TAG, type DerValue } from './der-reader.ts';
import { readName, type DistinguishedName } from './distinguished-name.ts';
import { pemBlocks } from './pem.ts';

export interface CertificateRequest {
  subject: DistinguishedName;
  publicKey: KeyObject;
  dnsNames: string[];
  /** 4 or 16 bytes each. */
  ipAddresses: Buffer[];
  emailAddresses: string[];
  uris: string[];
  /** Throws unless the request was signed with the key that it is for. */
  checkSignature(): void;
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';

/** Of PEM text. */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const [block] = pemBlocks(pem);
  if (block === undefined || block.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [info, algorithm, signature] = readMembers(readDer(block.bytes));
  if (info === undefined) throw new Error('asn1: structure error: sequence truncated');
  const [, name, key, attributes] = readMembers(info);
  if (key === undefined) throw new Error('asn1: structure error: sequence truncated');
  const publicKey = publicKeyOf(key);
  return {
    subject: readName(name),
    publicKey,
    ...alternativeNames(attributes),
    checkSignature: () => checkSignature({ signed: info.raw, algorithm, signature: readBitString(signature), publicKey }),
  };
}

function publicKeyOf(spki: DerValue): KeyObject {
  try {
    return createPublicKey({ key: spki.raw, format: 'der', type: 'spki' });
  } catch (error) {
    throw new Error('x509: failed to parse public key', { cause: error });
  }
}

function alternativeNames(attributes: DerValue | undefined): Pick<CertificateRequest, 'dnsNames' | 'ipAddresses' | 'emailAddresses' | 'uris'> {
  const names = generalNames(attributes);
  const textsOf = (tag: number): string[] => names.filter((name) => name.tag === tag).map((name) => name.body.toString('latin1'));
  const ipAddresses = names.filter(({ tag }) => tag === 0x87).map(({ body }) => body);
  const odd = ipAddresses.find(({ length }) => length !== 4 && length !== 16);
  if (odd !== undefined) throw new Error(`x509: cannot parse IP address of length ${String(odd.length)}`);
  return { emailAddresses: textsOf(0x81), dnsNames: textsOf(0x82), uris: textsOf(0x86), ipAddresses };
}

function generalNames(attributes: DerValue | undefined): DerValue[] {
  if (attributes === undefined || attributes.tag !== 0xa0) return [];
  for (const attribute of readMembers(attributes, 0xa0)) {
    const [oid, values] = readMembers(attribute);
    if (readObjectIdentifier(oid) !== EXTENSION_REQUEST) continue;
    for (const extension of readMembers(values, TAG.set).flatMap((list) => readMembers(list))) {
      const members = readMembers(extension);
      const value = members.at(-1); // before it a flag may say that it is critical
      if (readObjectIdentifier(members[0]) === SUBJECT_ALT_NAME && value !== undefined) return readMembers(readDer(value.body));
    }
  }
  return [];
}

type Scheme = { key: 'rsa' | 'ec' | 'ed25519'; hash?: string; pss?: boolean };

const SCHEMES: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.5': { key: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.113549.1.1.10': { key: 'rsa', pss: true },
  '1.2.840.10045.4.1': { key: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519' },
};
const PSS_HASHES: Readonly<Record<string, string>> = { '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512' };
const FAILURES = { rsa: 'crypto/rsa: verification error', ec: 'x509: ECDSA verification failure', ed25519: 'x509: Ed25519 verification failure' } as const;

interface Signed {
  signed: Buffer;
  algorithm: DerValue | undefined;
  signature: Buffer;
  publicKey: KeyObject;
}

function checkSignature({ signed, algorithm, signature, publicKey }: Signed): void {
  const [oid, parameters] = readMembers(algorithm);
  const scheme = SCHEMES[readObjectIdentifier(oid)];
  const hash = scheme?.pss === true ? pssHash(parameters) : scheme?.hash;
  if (scheme === undefined || (hash === undefined && scheme.key !== 'ed25519')) throw new Error('x509: cannot verify signature: algorithm unimplemented');
  if (publicKey.asymmetricKeyType !== scheme.key) throw new Error(`x509: signature algorithm specifies an ${scheme.key === 'ec' ? 'ECDSA' : scheme.key.toUpperCase()} public key, but have public key of another type`);
  const padding = scheme.pss === true ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  if (!verify(hash ?? null, signed, { key: publicKey, ...padding }, signature)) throw new Error(FAILURES[scheme.key]);
}

/** The hash of RSASSA-PSS parameters (RFC 4055): [0] AlgorithmIdentifier. */
function pssHash(parameters: DerValue | undefined): string | undefined {
  const hash = parameters === undefined ? undefined : readMembers(parameters).find(({ tag }) => tag === 0xa0);
  return hash === undefined ? undefined : PSS_HASHES[readObjectIdentifier(readMembers(readDer(hash.body))[0])];
}
