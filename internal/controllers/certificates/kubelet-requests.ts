// What a kubelet's certificate requests must look like (upstream: pkg/apis/certificates/helpers.go): undefined when they do, else why not.
import type { CertificateRequest } from '../../api/certificate-request.ts';

const CLIENT = ['client auth', 'digital signature', 'key encipherment'];
const SERVING = ['digital signature', 'key encipherment', 'server auth'];

export function kubeletClientProblem(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { subject: { commonName, organizations }, dnsNames, emailAddresses, ipAddresses, uris } = request;
  if (!areNodes(organizations)) return 'subject organization is not system:nodes';
  if (dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (uris.length > 0) return 'URI subjectAltNames are not allowed';
  return nameProblem(commonName) ?? usageProblem(usages, CLIENT);
}

export function kubeletServingProblem(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { subject: { commonName, organizations }, dnsNames, emailAddresses, ipAddresses, uris } = request;
  if (!areNodes(organizations)) return 'subject organization is not system:nodes';
  if (dnsNames.length === 0 && ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (uris.length > 0) return 'URI subjectAltNames are not allowed';
  return usageProblem(usages, SERVING) ?? nameProblem(commonName);
}

function areNodes(organizations: readonly string[]): boolean {
  return organizations.length === 1 && organizations[0] === 'system:nodes';
}

function nameProblem(commonName: string): string | undefined {
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
}

/** Exactly these; a key that is not RSA needs no key encipherment. */
function usageProblem(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const asked = [...new Set(usages)].sort();
  const matches = [wanted, wanted.filter((usage) => usage !== 'key encipherment')].some((list) => list.join() === asked.join());
  return matches ? undefined : `usages did not match [${wanted.join(' ')}]`;
}
