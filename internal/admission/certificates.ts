// CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who may decide on and sign certificate requests is said per signer, by
// the verbs `approve` and `sign` on `signers`; and nobody is certified into system:masters.
import { sameWhenWritten } from '../api/json-equality.ts';
import { parseCertificateRequest } from '../api/certificate-request.ts';
import { MASTERS_GROUP, type UserInfo } from '../api/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { messageOf } from '../base/errors.ts';
import type { CertificateSigningRequest } from '../kinds/generated/api-types.ts';
import { writes, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';

const GROUP = 'certificates.k8s.io';
const RESOURCE = 'certificatesigningrequests';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    validate(request) {
      if (!isUpdateOf(request, 'approval')) return;
      const { signerName } = (request.old as CertificateSigningRequest).spec;
      if (!mayForSigner(authorizer, { user: request.user, verb: 'approve', signerName })) throw forbidden(request.kind, request.name, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    validate(request) {
      if (!isUpdateOf(request, 'status')) return;
      const [old, next] = [request.old, request.object] as CertificateSigningRequest[];
      if ((old?.status?.certificate ?? '') === (next?.status?.certificate ?? '') && sameWhenWritten(old?.status?.conditions ?? [], next?.status?.conditions ?? [])) return;
      const signerName = old?.spec.signerName ?? '';
      if (!mayForSigner(authorizer, { user: request.user, verb: 'sign', signerName })) throw forbidden(request.kind, request.name, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    validate(request) {
      if (request.operation !== 'CREATE' || !writes(request, GROUP, RESOURCE)) return;
      const { metadata: { name }, spec } = request.object as CertificateSigningRequest;
      if (spec.signerName !== CLIENT_SIGNER) return;
      if (organizationsOf(spec.request, request).includes(MASTERS_GROUP)) throw forbidden(request.kind, name, `use of ${CLIENT_SIGNER} signer with ${MASTERS_GROUP} group is not allowed`);
    },
  };
}

function organizationsOf(base64: string, { kind, object }: AdmissionRequest): string[] {
  try {
    return parseCertificateRequest(Buffer.from(base64, 'base64').toString('latin1')).subject.organizations;
  } catch (error) {
    throw forbidden(kind, object?.metadata.name ?? '', `failed to parse CSR: ${messageOf(error)}`);
  }
}

function isUpdateOf({ operation, kind, subresource, old }: AdmissionRequest, part: string): boolean {
  return operation === 'UPDATE' && old !== undefined && kind.group === GROUP && kind.resource === RESOURCE && subresource === part;
}

/** For this signer by name, or for all of its domain: `kubernetes.io/*`. */
function mayForSigner(authorizer: Authorizer, { user, verb, signerName }: { user: UserInfo; verb: string; signerName: string }): boolean {
  const domain = signerName.split('/')[0] ?? '';
  const base = { user, verb, isResource: true, path: '', group: GROUP, version: '*', resource: 'signers', subresource: '', namespace: '', fieldSelector: '' };
  return [signerName, `${domain}/*`].some((name) => authorizer.authorize({ ...base, name }).allowed);
}
