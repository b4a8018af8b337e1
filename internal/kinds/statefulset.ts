// StatefulSet: defaults and row (upstream: pkg/apis/apps).
import { copy } from '../api/meta.ts';
import { invalid } from '../api/field-error.ts';
import type { StatefulSet } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { objectAge } from './age.ts';
import { containerCells } from './cells.ts';
import { sameSemantically } from './json-value.ts';
import { dnsLabelName } from './names.ts';
import { nonNegative } from './numbers.ts';
import { podSpecDefaults } from './pod-spec/defaults.ts';
import { validateSelectorAndTemplate } from './pod-template.ts';

export const statefulSet: KindRules<StatefulSet> = {
  validateName: dnsLabelName,
  applyDefaults,
  prepareForCreate: (draft) => { draft.status = { replicas: 0 }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { replicas: 0 }); },
  validate: ({ spec }) => [...nonNegative(spec.replicas, 'spec.replicas'), ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...validateSelectorAndTemplate(spec, 'spec')],
  validateUpdate: (object, old) => (sameSemantically(object.spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', object.spec.selector, 'field is immutable')]),
  cells: (object, now) => [
    object.metadata.name, `${String(object.status?.readyReplicas ?? 0)}/${String(object.spec.replicas ?? 0)}`, objectAge(object, now),
    ...containerCells(object.spec.template.spec?.containers),
  ],
};

function applyDefaults({ spec }: StatefulSet): void {
  if (spec === undefined) return;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate';
    spec.updateStrategy.rollingUpdate ??= {};
  }
  if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate !== undefined) spec.updateStrategy.rollingUpdate.partition ??= 0;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  podSpecDefaults(spec.template?.spec);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    if (claim.spec !== undefined) claim.spec.volumeMode ??= 'Filesystem';
    claim.status = { ...claim.status, phase: claim.status?.phase ?? 'Pending' };
  }
}
