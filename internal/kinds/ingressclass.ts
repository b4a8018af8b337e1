// IngressClass: defaults and row (upstream: pkg/apis/networking).
import { objectAge } from '../api/age.ts';
import type { IngressClass } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

export const ingressClass: KindRules<IngressClass> = {
  applyDefaults: ({ spec }) => { if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster'; },
  cells: (object, now) => {
    const { metadata, spec } = object;
    const { parameters } = spec;
    const isDefault = metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
    const text = parameters === undefined ? '<none>' : `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`;
    return [isDefault ? `${metadata.name} (default)` : metadata.name, spec?.controller ?? '', text, objectAge(object, now)];
  },
};
