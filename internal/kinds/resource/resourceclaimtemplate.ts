// ResourceClaimTemplate: defaults, validation and row (upstream: pkg/apis/resource).
import { invalid } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { nameAndAge } from '../cells.ts';
import { templateAsGoPrints } from './claim-form.ts';
import { requestDefaults, validateClaimSpec } from './device-requests.ts';
import type { ResourceClaimTemplate } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateTemplateMetadata } from '../template-metadata.ts';

export const resourceClaimTemplate: KindRules<ResourceClaimTemplate> = {
  applyDefaults: ({ spec }) => requestDefaults(spec?.spec),
  validate: ({ spec }) => [...validateTemplateMetadata(spec?.metadata, 'spec.metadata'), ...validateClaimSpec(spec?.spec, 'spec.spec')],
  validateUpdate: ({ spec }, old) => (sameSemantically(spec, old.spec) ? [] : [invalid('spec', templateAsGoPrints(spec), 'field is immutable')]),
  cells: nameAndAge,
};
