// X.501 names out of DER: who a certificate or its request is about. Node gives the subject as text in which two organizations of one set look like
// one with a strange name (`O=a + O=b`, and Go writes them so): who is let in by them must be read from the bytes.
import { readDer, readMembers, readObjectIdentifier, readText, TAG, type DerValue } from './der-reader.ts';

export const NAME_OID = {
  commonName: '2.5.4.3', serialNumber: '2.5.4.5', country: '2.5.4.6', locality: '2.5.4.7', province: '2.5.4.8', street: '2.5.4.9',
  organization: '2.5.4.10', organizationalUnit: '2.5.4.11', postalCode: '2.5.4.17',
  /** Kubernetes' own: the uid of the user. */
  uid: '1.3.6.1.4.1.57683.2',
} as const;

export interface NamePart {
  oid: string;
  value: string;
}

export interface DistinguishedName {
  /** '' when there is none; of several the last, as Go reads it. */
  commonName: string;
  organizations: string[];
  parts: NamePart[];
}

export function readName(value: DerValue | undefined): DistinguishedName {
  const parts = readMembers(value).flatMap((set) => readMembers(set, TAG.set)).map((pair): NamePart => {
    const [oid, text] = readMembers(pair);
    if (text === undefined) throw new Error('x509: invalid RDNSequence: invalid attribute value');
    return { oid: readObjectIdentifier(oid), value: readText(text) };
  });
  const of = (oid: string): string[] => parts.filter((part) => part.oid === oid).map((part) => part.value);
  return { commonName: of(NAME_OID.commonName).at(-1) ?? '', organizations: of(NAME_OID.organization), parts };
}

/** The subject of a certificate in DER. */
export function subjectOfCertificate(der: Buffer): DistinguishedName {
  const [body] = readMembers(readDer(der));
  const fields = readMembers(body);
  const versioned = fields[0]?.tag === 0xa0 ? 1 : 0; // [0] version, which version 1 has not
  return readName(fields[versioned + 4]);
}
