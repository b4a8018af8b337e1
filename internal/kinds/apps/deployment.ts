// Deployment (upstream: pkg/apis/apps/{v1/defaults,validation}, registry/apps/deployment).
import { objectAge } from '../../api/age.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { forbidden, invalid, notSupported, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { Deployment } from '../generated/api-types.ts';
import { keepMetadata } from '../kept-metadata.ts';
import type { Cell, KindRules } from '../kind.ts';
import { containerCells } from '../cells.ts';
import { selectorInGo, selectorText } from '../label-selector.ts';
import { intOrPercentProblems, isZero, nonNegative, notOver100Percent } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { notDecremented, replicaCountProblems, validateSelectorAndTemplate } from '../core/pod-template.ts';
import { isNews, podNameWarnings, templateWarnings } from '../pod-spec/warnings.ts';

export const deployment: KindRules<Deployment> = {
  validateName: subdomainName,
  tracksGeneration: 'annotations too',
  applyDefaults,
  prepareForCreate: (draft) => { draft.status = {}; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  prepareForStatusUpdate: (draft, old) => keepMetadata(['labels'], draft, old),
  validate,
  validateUpdate: (object, old) => (sameSemantically(object.spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', selectorInGo(object.spec.selector), 'field is immutable')]),
  validateStatusUpdate,
  warnings: (object, old) => [...(old === undefined ? podNameWarnings(object.metadata.name) : []), ...(isNews(object, old) ? templateWarnings(object.spec?.template, 'spec.template') : [])],
  cells,
};

function applyDefaults({ spec }: Deployment): void {
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  podSpecDefaults(spec.template?.spec);
}

function validate({ spec }: Deployment): FieldError[] {
  const errors = [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate(spec, 'spec'),
    ...validateStrategy(spec),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...nonNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ];
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy({ strategy = {} }: Deployment['spec']): FieldError[] {
  const path = 'spec.strategy.rollingUpdate';
  const rolling = strategy.rollingUpdate;
  if (strategy.type === 'Recreate') return rolling === undefined ? [] : [forbidden(path, 'may not be specified when strategy `type` is \'Recreate\'')];
  if (strategy.type !== 'RollingUpdate') return [notSupported('spec.strategy', { Type: strategy.type, RollingUpdate: rolling ?? null }, ['Recreate', 'RollingUpdate'])];
  const { maxUnavailable = 0, maxSurge = 0 } = rolling ?? {};
  const errors = [...intOrPercentProblems(maxUnavailable, `${path}.maxUnavailable`), ...intOrPercentProblems(maxSurge, `${path}.maxSurge`)];
  if (isZero(maxUnavailable) && isZero(maxSurge)) errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  return [...errors, ...notOver100Percent(maxUnavailable, `${path}.maxUnavailable`)];
}

function validateStatusUpdate({ status = {} }: Deployment, old: Deployment): FieldError[] {
  const errors = replicaCountProblems(status, ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'terminatingReplicas', 'collisionCount'], ['updatedReplicas', 'readyReplicas', 'availableReplicas']);
  return [...errors, ...notDecremented(status, old.status)];
}

function cells(object: Deployment, now: number): Cell[] {
  const { spec, status = {} } = object;
  return [
    object.metadata.name, `${String(status.readyReplicas ?? 0)}/${String(spec.replicas ?? 0)}`, status.updatedReplicas ?? 0, status.availableReplicas ?? 0,
    objectAge(object, now), ...containerCells(spec.template.spec?.containers), selectorText(spec.selector),
  ];
}
