// Ingress: row (upstream: pkg/apis/networking).
import { objectAge } from '../api/age.ts';
import type { Ingress } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

export const ingress: KindRules<Ingress> = {
  prepareForCreate: (draft) => { draft.status = { loadBalancer: {} }; },
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
