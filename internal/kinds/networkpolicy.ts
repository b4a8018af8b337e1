// NetworkPolicy: defaults and row (upstream: pkg/apis/networking).
import { objectAge } from '../api/age.ts';
import type { NetworkPolicy } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { formatLabelSelector } from './label-selector.ts';

export const networkPolicy: KindRules<NetworkPolicy> = {
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports) port.protocol ??= 'TCP';
  },
  cells: (object, now) => [object.metadata.name, formatLabelSelector(object.spec?.podSelector), objectAge(object, now)],
};
