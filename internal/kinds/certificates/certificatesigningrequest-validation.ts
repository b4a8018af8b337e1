// The form of a CertificateSigningRequest (upstream: ValidateCertificateSigningRequestCreate): the PKCS#10 request and its signature, usages, signer,
// lifetime, conditions, and the certificate that was issued.
import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { parseCertificateRequest } from '../../api/certificate-request.ts';
import { duplicate, invalid, notSupported, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import { pemBlocks } from '../../api/pem.ts';
import type { CertificateSigningRequest } from '../generated/api-types.ts';

const USAGES: readonly string[] = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only', 'ipsec end system',
  'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const EXPIRATION_MIN_SECONDS = 600;
const ONLY_TRUE: ReadonlySet<string> = new Set(['Approved', 'Denied', 'Failed']);
const SUBDOMAIN_MAX = 253;
const PATH_MAX = SUBDOMAIN_MAX + 63 + 1;

export function validateRequest({ spec, status }: CertificateSigningRequest): FieldError[] {
  const { request, usages = [], signerName = '', expirationSeconds } = (spec ?? {}) as Partial<CertificateSigningRequest['spec']>;
  const errors: FieldError[] = [];
  const problem = requestProblem(request ?? '');
  if (problem !== undefined) errors.push(invalid('spec.request', request, problem));
  if (usages.length === 0) errors.push(required('spec.usages'));
  usages.forEach((usage, index) => !USAGES.includes(usage) && errors.push(notSupported(`spec.usages[${String(index)}]`, usage, USAGES)));
  usages.forEach((usage, index) => usages.indexOf(usage) < index && errors.push(duplicate(`spec.usages[${String(index)}]`, usage)));
  errors.push(...validateSigner(signerName));
  if (typeof expirationSeconds === 'number' && expirationSeconds < EXPIRATION_MIN_SECONDS) errors.push(invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  errors.push(...validateConditions(status?.conditions ?? []));
  const wrong = status?.certificate ? certificateProblem(Buffer.from(status.certificate, 'base64').toString('latin1')) : undefined;
  if (wrong !== undefined) errors.push(invalid('status.certificate', '<certificate data>', wrong));
  return errors;
}

function requestProblem(base64: string): string | undefined {
  try {
    parseCertificateRequest(Buffer.from(base64, 'base64').toString('latin1')).checkSignature();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function certificateProblem(pem: string): string | undefined {
  const blocks = pemBlocks(pem);
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (other !== undefined) return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other.type)}`;
  if (blocks.some(({ headers }) => headers)) return 'no PEM block headers are permitted';
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  if (blocks.some(({ bytes }) => bytes.length === 0)) return 'found CERTIFICATE PEM block containing 0 certificates';
  return blocks.every(({ bytes }) => isCertificate(bytes)) ? undefined : 'x509: malformed certificate';
}

function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.length === der.length;
  } catch {
    return false;
  }
}

/** `domain/path`, the domain of two labels at least. */
function validateSigner(name: string): FieldError[] {
  const field = 'spec.signerName';
  if (name === '') return [required(field)];
  if (name === LEGACY_SIGNER) return [invalid(field, name, 'the legacy signerName is not allowed via this API version')];
  const [domain = '', path = '', ...more] = name.split('/');
  if (more.length > 0 || !name.includes('/')) return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const errors: FieldError[] = [];
  if (domain.length > SUBDOMAIN_MAX) errors.push(tooLong(field, SUBDOMAIN_MAX));
  const labels = domain.split('.');
  errors.push(...firstProblems(labels, dnsLabelProblems).map((problem) => invalid(field, domain, problem)));
  if (labels.length < 2) errors.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'));
  errors.push(...firstProblems(path.split('.'), subdomainProblems).map((problem) => invalid(field, path, problem)));
  if (path.length > PATH_MAX) errors.push(tooLong(field, PATH_MAX));
  return errors;
}

function firstProblems(labels: readonly string[], check: (label: string) => string[]): string[] {
  for (const label of labels) {
    const problems = check(label);
    if (problems.length > 0) return problems.map((problem) => `validating label ${JSON.stringify(label)}: ${problem}`);
  }
  return [];
}

function validateConditions(conditions: readonly { type: string; status: string }[]): FieldError[] {
  const path = 'status.conditions';
  const errors: FieldError[] = [];
  conditions.forEach(({ type, status }, index) => {
    const at = `${path}[${String(index)}]`;
    const allowed = ONLY_TRUE.has(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!type) errors.push(required(`${at}.type`));
    if (!status) errors.push(required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed));
    const earlier = conditions.slice(0, index).map((condition) => condition.type);
    if ((type === 'Approved' && earlier.includes('Denied')) || (type === 'Denied' && earlier.includes('Approved'))) errors.push(invalid(path, type, 'Approved and Denied conditions are mutually exclusive'));
    if (earlier.includes(type)) errors.push(duplicate(`${at}.type`, type));
  });
  return errors;
}
