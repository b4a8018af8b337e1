// Ingress: rules and row (upstream: pkg/apis/networking).
import { objectAge } from '../../api/age.ts';
import { invalid } from '../../api/field-error.ts';
import { copy } from '../../api/meta.ts';
import type { Ingress } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateIngress, validateIngressStatus } from './ingress-validation.ts';

const CLASS = 'kubernetes.io/ingress.class';

export const ingress: KindRules<Ingress> = {
  prepareForCreate: (draft) => { draft.status = { loadBalancer: {} }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { loadBalancer: {} }); },
  validate: (object) => validateIngress(object),
  validateCreate: ({ metadata: { annotations = {} }, spec }) => {
    const [named, chosen] = [annotations[CLASS], spec?.ingressClassName];
    return named !== undefined && chosen !== undefined && named !== chosen ? [invalid(`annotations.${CLASS}`, named, 'must match `ingressClassName` when both are specified')] : [];
  },
  validateStatusUpdate: (object) => validateIngressStatus(object),
  cells: (object, now) => {
    const { spec, status } = object;
    const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => (ip ? ip : (hostname ?? ''))).filter((address) => address !== '');
    return [object.metadata.name, spec?.ingressClassName ?? '<none>', hosts(spec?.rules), [...new Set(addresses)].sort().join(','), (spec?.tls ?? []).length > 0 ? '80, 443' : '80', objectAge(object, now)];
  },
};

function hosts(rules: NonNullable<Ingress['spec']>['rules'] = []): string {
  const named = rules.map(({ host }) => host ?? '').filter((host) => host !== '');
  if (named.length === 0) return '*';
  const text = named.slice(0, 3).join(',');
  return rules.length > 3 && named.length >= 3 ? `${text} + ${String(rules.length - 3)} more...` : text;
}
