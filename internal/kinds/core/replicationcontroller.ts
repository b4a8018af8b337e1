// ReplicationController: defaults and row (upstream: pkg/apis/core).
import { objectAge } from '../../api/age.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { copy } from '../../api/meta.ts';
import type { ReplicationController } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { containerCells, formatLabels } from '../cells.ts';
import { nonNegative } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { selectorMatches } from '../label-selector.ts';
import { replicaCountProblems, validateLongRunningTemplate } from './pod-template.ts';
import { isNews, podNameWarnings, templateWarnings } from '../pod-spec/warnings.ts';

export const replicationController: KindRules<ReplicationController> = {
  // After a change upstream tells of the template as it was.
  warnings: (object, old) => [...(old === undefined ? podNameWarnings(object.metadata.name) : []), ...(isNews(object, old) ? templateWarnings((old ?? object).spec?.template, 'spec.template') : [])],
  applyDefaults: ({ metadata, spec }) => {
    if (spec === undefined) return;
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    podSpecDefaults(spec.template?.spec);
  },
  prepareForCreate: (draft) => { draft.status = { replicas: 0 }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { replicas: 0 }); },
  validate,
  validateStatusUpdate: ({ status = { replicas: 0 } }) => replicaCountProblems(status, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'], ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']),
  cells: (object, now) => [
    object.metadata.name, object.spec.replicas ?? 0, object.status?.replicas ?? 0, object.status?.readyReplicas ?? 0, objectAge(object, now),
    ...containerCells(object.spec.template?.spec?.containers), formatLabels(object.spec.selector),
  ],
  selectableFields: ({ status }) => ({ 'status.replicas': String(status?.replicas ?? 0) }),
  defaultPropagation: 'Orphan',
};

function validate({ spec }: ReplicationController): FieldError[] {
  const { selector = {}, template } = spec;
  const isEmpty = Object.keys(selector).length === 0;
  const errors = [...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...(isEmpty ? [required('spec.selector')] : []), ...nonNegative(spec.replicas, 'spec.replicas')];
  if (template === undefined) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels;
  if (!isEmpty && !selectorMatches({ matchLabels: selector }, labels)) errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'));
  return [...errors, ...validateLongRunningTemplate(template, 'spec.template', 'ReplicationController')];
}
