// Takes certificate requests away that nobody needs any more: an hour after the certificate was issued, the request denied or failed; a day
// after it was made when nobody decides, or approved when nobody signs; at once when its certificate has ended (upstream: csrcleaner).
import { X509Certificate } from 'node:crypto';
import { wake, type Plan } from '../../informer/loop.ts';
import type { CertificateSigningRequest } from '../../kinds/generated/api-types.ts';
import { CERTIFICATESIGNINGREQUESTS } from '../../kinds/generated/resources.ts';
import { controllerLoop, remove, type Action, type ControllerLoop } from '../action.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function certificateCleanupLoop(): ControllerLoop<CertificateSigningRequest> {
  return controllerLoop<CertificateSigningRequest>({
    name: 'csrcleaner',
    user: 'system:serviceaccount:kube-system:certificate-controller',
    wakes: [wake(CERTIFICATESIGNINGREQUESTS, ({ metadata }) => [metadata.name])],
    observe: (name, views) => views.of(CERTIFICATESIGNINGREQUESTS).get('', name),
    plan,
  });
}

export function plan(request: CertificateSigningRequest, now: number): Plan<Action> {
  const dueAt = Math.min(...deadlines(request));
  if (dueAt === Number.POSITIVE_INFINITY) return { actions: [] };
  return dueAt < now ? { actions: [remove(CERTIFICATESIGNINGREQUESTS, request)] } : { actions: [], againInMs: dueAt - now + 1000 };
}

function deadlines({ metadata, status }: CertificateSigningRequest): number[] {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return [Date.parse(metadata.creationTimestamp) + DAY_MS];
  const certificate = status?.certificate;
  return conditions.flatMap(({ type, lastUpdateTime }) => {
    const since = lastUpdateTime ? Date.parse(lastUpdateTime) : Number.POSITIVE_INFINITY;
    if (type === 'Denied' || type === 'Failed') return [since + HOUR_MS];
    if (type !== 'Approved') return [];
    return certificate ? [since + HOUR_MS, endOf(certificate)] : [since + DAY_MS];
  }).concat(Number.POSITIVE_INFINITY);
}

function endOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo);
  } catch {
    return Number.POSITIVE_INFINITY; // other signers may write what they like
  }
}
