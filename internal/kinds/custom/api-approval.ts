// Groups of the Kubernetes community (`*.k8s.io`, `*.kubernetes.io`) may only be extended with an approval on record, or saying that there is
// none. Upstream: apiextensions-apiserver, pkg/apihelpers.

const ANNOTATION = 'api-approved.kubernetes.io';
export const APPROVAL_FIELD = `metadata.annotations[${ANNOTATION}]`;
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

export interface Approval {
  type: 'KubernetesAPIApprovalPolicyConformant';
  status: 'True' | 'False';
  reason: 'MissingAnnotation' | 'UnapprovedAnnotation' | 'ApprovedAnnotation' | 'InvalidAnnotation';
  message: string;
}

export function isProtected(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

export function approvalText(annotations: Readonly<Record<string, string>> | undefined): string {
  return annotations?.[ANNOTATION] ?? '';
}

export function approvalOf(annotations: Readonly<Record<string, string>> | undefined): Approval {
  const given = approvalText(annotations);
  const type = 'KubernetesAPIApprovalPolicyConformant';
  if (given === '') return { type, status: 'False', reason: 'MissingAnnotation', message: `protected groups must have approval annotation "${ANNOTATION}", ${SEE}` };
  if (given.startsWith('unapproved')) return { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(given)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]+/i.test(given) && URL.canParse(given)) return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${given}` };
  return { type, status: 'False', reason: 'InvalidAnnotation', message: `protected groups must have approval annotation "${ANNOTATION}" with either a URL or a reason starting with "unapproved", ${SEE}` };
}
