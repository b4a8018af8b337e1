// ServiceCIDR: validation and row (upstream: pkg/apis/networking).
import { objectAge } from '../../api/age.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { copy } from '../../api/meta.ts';
import type { ServiceCIDR } from '../generated/api-types.ts';
import { isIpv4, strictCidrProblems } from './ip-address.ts';
import { keepMetadata, WRITERS_OWN } from '../kept-metadata.ts';
import type { KindRules } from '../kind.ts';

const PATH = 'spec.cidrs';

export const serviceCidr: KindRules<ServiceCIDR> = {
  prepareForCreate: (draft) => { draft.status = {}; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  prepareForStatusUpdate: (draft, old) => keepMetadata(WRITERS_OWN, draft, old),
  validateCreate: ({ spec }) => validate(spec?.cidrs ?? []),
  validateUpdate: ({ spec }, { spec: old }) => {
    const [next, was] = [spec?.cidrs ?? [], old.cidrs ?? []];
    const grown = was.length === 1 && next.length === 2;
    if (next.length !== was.length && !grown) return [invalid(PATH, next, 'field is immutable')];
    const errors = was.flatMap((cidr, index) => (cidr === next[index] ? [] : [invalid(`${PATH}[${String(index)}]`, next[index], 'field is immutable')]));
    return grown ? [...errors, ...validate(next)] : errors;
  },
  cells: (object, now) => [object.metadata.name, (object.spec?.cidrs ?? []).join(','), objectAge(object, now)],
};

function validate(cidrs: readonly string[]): FieldError[] {
  if (cidrs.length === 0) return [required(PATH, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(PATH, { CIDRs: cidrs }, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, index) => strictCidrProblems(cidr).map((problem) => invalid(`${PATH}[${String(index)}]`, cidr, problem)));
  const sameFamily = cidrs.length === 2 && errors.length === 0 && new Set(cidrs.map((cidr) => isIpv4(cidr.split('/')[0] ?? ''))).size === 1;
  return sameFamily ? [...errors, invalid(PATH, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')] : errors;
}
