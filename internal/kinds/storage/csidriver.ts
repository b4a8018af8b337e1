// CSIDriver: defaults, validation and row (upstream: pkg/apis/storage).
import { objectAge } from '../../api/age.ts';
import { duplicate, invalid, notSupported, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import type { CSIDriver } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

const GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const LIFECYCLES = ['Persistent', 'Ephemeral'];
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const UPDATE_SECONDS_MIN = 10;

export const csiDriver: KindRules<CSIDriver> = {
  tracksGeneration: 'by updates',
  applyDefaults: (draft) => {
    const spec = (draft.spec ??= {});
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepareForCreate: ({ spec }) => { delete spec.preventPodSchedulingIfMissing; }, // not on by default
  warnings: ({ spec }, old) => ((spec.tokenRequests ?? []).length > 0 && spec.serviceAccountTokenInSecrets === undefined && !(old !== undefined && sameSemantically(spec.tokenRequests, old.spec.tokenRequests)) ? ['spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'] : []),
  validate: ({ spec }) => validate(spec),
  validateUpdate: ({ spec }, { spec: old }) => [
    ...(spec.attachRequired === old.attachRequired ? [] : [invalid('spec.attachedRequired', spec.attachRequired, 'field is immutable')]),
    ...(sameSemantically(spec.volumeLifecycleModes, old.volumeLifecycleModes) ? [] : [invalid('spec.volumeLifecycleModes', spec.volumeLifecycleModes, 'field is immutable')]),
  ],
  cells: (object, now) => {
    const { attachRequired = true, podInfoOnMount = false, storageCapacity = false, requiresRepublish = false, tokenRequests, volumeLifecycleModes = [] } = object.spec;
    const audiences = tokenRequests === undefined ? '<unset>' : tokenRequests.map(({ audience }) => audience).join(',');
    return [object.metadata.name, attachRequired, podInfoOnMount, storageCapacity, audiences, requiresRepublish, volumeLifecycleModes.join(',') || '<none>', objectAge(object, now)];
  },
  allowUnconditionalUpdate: false,
};

function validate(spec: CSIDriver['spec']): FieldError[] {
  const { fsGroupPolicy, volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: inSecrets, tokenRequests = [] } = spec;
  const errors: FieldError[] = [];
  if (fsGroupPolicy !== undefined && !GROUP_POLICIES.includes(fsGroupPolicy)) errors.push(notSupported('spec.fsGroupPolicy', fsGroupPolicy, [...GROUP_POLICIES]));
  errors.push(...validateTokens(tokenRequests));
  for (const mode of volumeLifecycleModes) if (!LIFECYCLES.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, LIFECYCLES));
  if (period !== undefined && period < UPDATE_SECONDS_MIN) errors.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds'));
  if (inSecrets !== undefined && tokenRequests.length === 0) errors.push(invalid('spec.serviceAccountTokenInSecrets', inSecrets, 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'));
  return errors;
}

function validateTokens(requests: NonNullable<CSIDriver['spec']['tokenRequests']>): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds: seconds }: { audience?: string; expirationSeconds?: number }, index) => {
    const path = `spec.tokenRequests[${String(index)}]`;
    const who = audience ?? '';
    if (audiences.has(who)) return [duplicate(`${path}.audience`, who)];
    audiences.add(who);
    if (seconds !== undefined && seconds < TOKEN_SECONDS_MIN) return [invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')];
    return seconds !== undefined && seconds > TOKEN_SECONDS_MAX ? [invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
  });
}
