// ResourceClaim: defaults, validation and row (upstream: pkg/apis/resource).
import { objectAge } from '../../api/age.ts';
import { invalid } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { claimAsGoPrints } from './claim-form.ts';
import { dropReturnedDevices, validateClaimStatus } from './claim-status.ts';
import { requestDefaults, validateClaimSpec } from './device-requests.ts';
import type { ResourceClaimResourceV1 } from '../generated/api-types.ts';
import { keepMetadata, WRITERS_OWN } from '../kept-metadata.ts';
import type { KindRules } from '../kind.ts';

export const resourceClaim: KindRules<ResourceClaimResourceV1> = {
  applyDefaults: ({ spec }) => requestDefaults(spec),
  prepareForCreate: (draft) => { draft.status = {}; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  prepareForStatusUpdate: (draft, old) => {
    keepMetadata(WRITERS_OWN, draft, old);
    dropReturnedDevices(draft, old);
  },
  validateCreate: ({ spec }) => validateClaimSpec(spec, 'spec'),
  validateUpdate: ({ spec }, old) => (sameSemantically(spec, old.spec) ? [] : [invalid('spec', claimAsGoPrints(spec), 'field is immutable')]),
  validateStatusUpdate: (object, old) => validateClaimStatus(object, old),
  cells: (object, now) => [object.metadata.name, stateOf(object), objectAge(object, now)],
};

function stateOf({ metadata: { deletionTimestamp }, status }: ResourceClaimResourceV1): string {
  const isAllocated = status?.allocation !== undefined;
  const states = [[deletionTimestamp !== undefined, 'deleted'], [!isAllocated && deletionTimestamp === undefined, 'pending'], [isAllocated, 'allocated'], [isAllocated && (status.reservedFor ?? []).length > 0, 'reserved']] as const;
  return states.filter(([holds]) => holds).map(([, name]) => name).join(',');
}
