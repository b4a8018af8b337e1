// PersistentVolumeClaim: rules and row (upstream: pkg/apis/core).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { jsonDiff } from '../../api/line-diff.ts';
import { copy } from '../../api/meta.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { PersistentVolumeClaim } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { accessModes } from './access-modes.ts';
import { claimAsGoPrints } from './claim-form.ts';
import { validateClaimSpec, validateClaimStatus } from './claim-validation.ts';
import { claimWarnings } from './claim-warnings.ts';

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export const persistentVolumeClaim: KindRules<PersistentVolumeClaim> = {
  warnings: claimWarnings,
  applyDefaults: (draft) => {
    if (draft.spec !== undefined) draft.spec.volumeMode ??= 'Filesystem';
    draft.status = { ...draft.status, phase: draft.status?.phase ?? 'Pending' };
  },
  prepareForCreate: (draft) => {
    draft.status = { phase: 'Pending' };
    pairSources(draft.spec);
  },
  prepareForUpdate: (draft, old) => {
    draft.status = copy(old.status ?? { phase: 'Pending' });
    pairSources(draft.spec);
  },
  validate: ({ spec }) => validateClaimSpec(spec, 'spec'),
  validateUpdate,
  validateStatusUpdate: ({ status }) => validateClaimStatus(status ?? {}),
  cells: (object, now) => {
    const { spec, status = {}, metadata } = object;
    const bound = Boolean(spec.volumeName);
    return [
      metadata.name, metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating', spec.volumeName ?? '', bound ? (status.capacity?.storage ?? '0') : '',
      bound ? accessModes(status.accessModes) : '', metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>', objectAge(object, now), spec.volumeMode ?? '<unset>',
    ];
  },
};

/** The old field and the new say the same; one stands for both. */
function pairSources(spec: PersistentVolumeClaim['spec'] | undefined): void {
  if (spec === undefined) return;
  if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef; // CrossNamespaceVolumeDataSource, off in 1.36
  if (spec.dataSource !== undefined) spec.dataSourceRef ??= copy(spec.dataSource);
  else if (spec.dataSourceRef !== undefined) {
    const { namespace: _none, ...source } = copy(spec.dataSourceRef);
    spec.dataSource = source;
  }
}

/** The volume may be named once; a bound claim may grow, or shrink again as far as it has not grown yet, and change its attributes class. */
function validateUpdate({ metadata, spec, status }: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  const classOf = (object: { annotations?: Record<string, string> }): string | undefined => object.annotations?.[BETA_CLASS];
  const [before, next] = [copy(old.spec), copy(spec)];
  if (!before.volumeName && spec.volumeName !== undefined) before.volumeName = spec.volumeName;
  if (classOf(metadata) !== classOf(old.metadata)) errors.push(invalid(`metadata.annotations[${BETA_CLASS}]`, classOf(metadata) ?? '', 'field is immutable'));
  // A claim that was made before there was a default class may get it.
  if (before.storageClassName === undefined && classOf(old.metadata) === undefined) delete next.storageClassName;
  if (status?.phase === 'Bound') {
    const storage = before.resources?.requests?.storage;
    if (next.resources?.requests !== undefined && storage !== undefined) next.resources.requests.storage = storage;
    if (before.volumeAttributesClassName === undefined) delete next.volumeAttributesClassName;
    else next.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (!sameSemantically(next, before)) errors.push(forbidden('spec', `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${jsonDiff(claimAsGoPrints(before), claimAsGoPrints(next))}`));
  const [size = '0', oldSize = '0', capacity = '0'] = [spec.resources?.requests?.storage, old.spec.resources?.requests?.storage, old.status?.capacity?.storage];
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, capacity) <= 0) errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  if (!sameSemantically(spec.volumeMode, old.spec.volumeMode)) errors.push(invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable'));
  if (old.status?.currentVolumeAttributesClassName !== undefined && !spec.volumeAttributesClassName && old.spec.volumeAttributesClassName) {
    errors.push(forbidden('spec.volumeAttributesClassName', `update to ${spec.volumeAttributesClassName === undefined ? 'nil' : 'empty string'} is forbidden when status.currentVolumeAttributesClassName is not nil`));
  }
  return errors;
}
