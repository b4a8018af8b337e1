// Signs approved requests of the four `kubernetes.io` signers (upstream: csrsigning-*), or says on them why they cannot be signed. Requests to
// other signers are theirs.
import { messageOf } from '../../base/errors.ts';
import { parseCertificateRequest, type CertificateRequest } from '../../api/certificate-request.ts';
import { copy, formatTime } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { CertificateSigningRequest } from '../../kinds/generated/api-types.ts';
import { CERTIFICATESIGNINGREQUESTS } from '../../kinds/generated/resources.ts';
import { updateStatus, controllerLoop, type Action, type ControllerLoop } from '../action.ts';
import { kubeletClientProblem, kubeletServingProblem } from './kubelet-requests.ts';

/** Makes the certificate, in PEM. */
export type Sign = (request: { signerName: string; request: string; usages: readonly string[]; expirationSeconds?: number | undefined }) => string;

export interface SigningState {
  request: CertificateSigningRequest;
  sign: Sign;
}

type Check = (request: CertificateRequest, usages: readonly string[]) => string | undefined;

/** Why a request is not one for the signer. */
const CHECKS: Readonly<Record<string, Check>> = {
  'kubernetes.io/kube-apiserver-client': clientProblem,
  'kubernetes.io/kube-apiserver-client-kubelet': kubeletClientProblem,
  'kubernetes.io/kubelet-serving': kubeletServingProblem,
  'kubernetes.io/legacy-unknown': () => undefined,
};

export function certificateSigningLoop(sign: Sign): ControllerLoop<SigningState> {
  return controllerLoop<SigningState>({
    name: 'csrsigning',
    user: 'system:serviceaccount:kube-system:certificate-controller',
    wakes: [wake(CERTIFICATESIGNINGREQUESTS, ({ metadata }) => [metadata.name])],
    observe(name, views) {
      const request = views.of(CERTIFICATESIGNINGREQUESTS).get('', name);
      return request === undefined ? undefined : { request, sign };
    },
    plan,
  });
}

export function plan({ request, sign }: SigningState, now: number): Plan<Action> {
  const { spec, status } = request;
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  const check = CHECKS[spec.signerName];
  if (check === undefined || !has('Approved') || has('Denied') || has('Failed') || status?.certificate) return { actions: [] };
  const { signerName, usages = [], expirationSeconds } = spec;
  const text = Buffer.from(spec.request, 'base64').toString('latin1');
  const next = copy(request);
  const problem = check(parseCertificateRequest(text), usages);
  if (problem !== undefined) next.status = { ...next.status, conditions: [...(next.status?.conditions ?? []), failure(problem, now)] };
  else next.status = { ...next.status, certificate: Buffer.from(signed(sign, { signerName, request: text, usages, expirationSeconds })).toString('base64') };
  return { actions: [updateStatus(CERTIFICATESIGNINGREQUESTS, next)] };
}

function signed(sign: Sign, request: Parameters<Sign>[0]): string {
  try {
    return sign(request);
  } catch (error) {
    throw new Error(`error auto signing csr: ${messageOf(error)}`, { cause: error });
  }
}

function failure(message: string, now: number): { type: string; status: string; reason: string; message: string; lastUpdateTime: string } {
  return { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: formatTime(now) };
}

function clientProblem(_request: CertificateRequest, usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}
