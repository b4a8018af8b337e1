// Approves the client certificates that kubelets ask for, where whoever asks may create `nodeclient` or `selfnodeclient` requests (upstream:
// csrapproving). Everything else waits for a person.
import { messageOf } from '../../base/errors.ts';
import { parseCertificateRequest, type CertificateRequest } from '../../api/certificate-request.ts';
import { copy } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { CertificateSigningRequest, SubjectAccessReview } from '../../kinds/generated/api-types.ts';
import { CERTIFICATESIGNINGREQUESTS, SUBJECTACCESSREVIEWS } from '../../kinds/generated/resources.ts';
import type { ControllerLoop } from '../action.ts';
import { kubeletClientProblem } from './kubelet-requests.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';

interface Recognized {
  subresource: 'selfnodeclient' | 'nodeclient';
  message: string;
}
/** Asks for each in turn, and approves at the first yes. */
interface Approval {
  request: CertificateSigningRequest;
  recognized: Recognized[];
}

export function certificateApprovalLoop(): ControllerLoop<CertificateSigningRequest, Approval> {
  return {
    name: 'csrapproving',
    user: 'system:serviceaccount:kube-system:certificate-controller',
    wakes: [wake(CERTIFICATESIGNINGREQUESTS, ({ metadata }) => [metadata.name])],
    observe: (name, views) => views.of(CERTIFICATESIGNINGREQUESTS).get('', name),
    plan,
    async act({ request, recognized }, { client }) {
      for (const { subresource, message } of recognized) {
        const review = await client.create(SUBJECTACCESSREVIEWS, reviewOf(request, subresource));
        if (review.status?.allowed !== true) continue;
        const next = copy(request);
        const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
        next.status = { ...next.status, conditions: [...(next.status?.conditions ?? []), condition] };
        await client.update(CERTIFICATESIGNINGREQUESTS, next, { subresource: 'approval' });
        return;
      }
    },
  };
}

export function plan(request: CertificateSigningRequest): Plan<Approval> {
  const { status, spec } = request;
  const decided = (status?.conditions ?? []).some(({ type }) => type === 'Approved' || type === 'Denied');
  if (decided || status?.certificate || spec.signerName !== SIGNER) return { actions: [] };
  const recognized = recognize(request);
  return { actions: recognized.length === 0 ? [] : [{ request, recognized }] };
}

function recognize({ spec }: CertificateSigningRequest): Recognized[] {
  let parsed: CertificateRequest;
  try {
    parsed = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
  } catch (error) {
    throw new Error(`unable to parse csr: ${messageOf(error)}`, { cause: error }); // the API lets none in
  }
  if (kubeletClientProblem(parsed, spec.usages ?? []) !== undefined) return [];
  const own: Recognized[] = spec.username === parsed.subject.commonName ? [{ subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' }] : [];
  return [...own, { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' }];
}

function reviewOf({ spec: { username = '', uid, groups = [], extra } }: CertificateSigningRequest, subresource: string): Omit<SubjectAccessReview, 'metadata'> & { metadata: { name?: string } } {
  const resourceAttributes = { group: 'certificates.k8s.io', version: '*', resource: 'certificatesigningrequests', subresource, verb: 'create' };
  return { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec: { user: username, groups, resourceAttributes, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) } };
}
