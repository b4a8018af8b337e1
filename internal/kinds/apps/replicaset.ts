// ReplicaSet (upstream: pkg/apis/apps, registry/apps/replicaset).
import { objectAge } from '../../api/age.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { invalid, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { ReplicaSet } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';
import { containerCells } from '../cells.ts';
import { formatLabelSelector, selectorInGo } from '../label-selector.ts';
import { nonNegative } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { replicaCountProblems, validateSelectorAndTemplate } from '../core/pod-template.ts';
import { isNews, podNameWarnings, templateWarnings } from '../pod-spec/warnings.ts';

export const replicaSet: KindRules<ReplicaSet> = {
  warnings: (object, old) => [...(old === undefined ? podNameWarnings(object.metadata.name) : []), ...(isNews(object, old) ? templateWarnings(object.spec?.template, 'spec.template') : [])],
  validateName: subdomainName,
  applyDefaults,
  prepareForCreate: (draft) => { draft.status = { replicas: 0 }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { replicas: 0 }); },
  validate,
  validateUpdate: (object, old) => (sameSemantically(object.spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', selectorInGo(object.spec.selector), 'field is immutable')]),
  validateStatusUpdate: ({ status = { replicas: 0 } }) => replicaCountProblems(status,
    ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas'], ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']),
  cells,
};

function applyDefaults({ spec }: ReplicaSet): void {
  if (spec === undefined) return;
  spec.replicas ??= 1;
  podSpecDefaults(spec.template?.spec);
}

function validate({ spec }: ReplicaSet): FieldError[] {
  return [...nonNegative(spec.replicas, 'spec.replicas'), ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...validateSelectorAndTemplate(spec, 'spec')];
}

function cells(object: ReplicaSet, now: number): Cell[] {
  const { spec, status } = object;
  return [
    object.metadata.name, spec.replicas ?? 0, status?.replicas ?? 0, status?.readyReplicas ?? 0, objectAge(object, now),
    ...containerCells(spec.template?.spec?.containers), formatLabelSelector(spec.selector),
  ];
}
