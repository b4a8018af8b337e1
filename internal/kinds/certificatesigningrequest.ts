// CertificateSigningRequest: row (upstream: pkg/apis/certificates).
import { formatAge, objectAge } from '../api/age.ts';
import type { CertificateSigningRequest } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { orNone } from './cells.ts';

export const certificateSigningRequest: KindRules<CertificateSigningRequest> = {
  cells: (object, now) => {
    const { spec } = object;
    const duration = spec.expirationSeconds === undefined ? '<none>' : formatAge(spec.expirationSeconds * 1000);
    return [object.metadata.name, objectAge(object, now), orNone(spec.signerName), spec.username ?? '', duration, stateOf(object)];
  },
  selectableFields: ({ spec }) => ({ 'spec.signerName': spec.signerName }),
};

function stateOf({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  const state = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${state}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}
