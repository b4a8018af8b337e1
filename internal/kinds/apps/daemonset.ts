// DaemonSet: defaults and row (upstream: pkg/apis/apps).
import { objectAge } from '../../api/age.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { DaemonSet, DaemonSetStatus } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { containerCells, formatLabels } from '../cells.ts';
import { formatLabelSelector, selectorInGo } from '../label-selector.ts';
import { intOrPercentProblems, isZero, nonNegative, notOver100Percent } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { notDecremented, validateSelectorAndTemplate } from '../core/pod-template.ts';
import { isNews, templateWarnings } from '../pod-spec/warnings.ts';

const COUNTS = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable', 'collisionCount'] as const;
const NONE: DaemonSetStatus = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

const GENERATION = 'deprecated.daemonset.template.generation';

export const daemonSet: KindRules<DaemonSet> = {
  warnings: (object, old) => (isNews(object, old) ? templateWarnings(object.spec?.template, 'spec.template') : []),
  validateName: subdomainName,
  applyDefaults,
  prepareForCreate: (draft) => {
    draft.status = { ...NONE };
    setGeneration(draft, Math.max(1, generationOf(draft)));
  },
  prepareForUpdate: (draft, old) => {
    draft.status = copy(old.status ?? { ...NONE });
    setGeneration(draft, generationOf(old) + (sameSemantically(draft.spec.template, old.spec.template) ? 0 : 1));
  },
  validate: ({ spec }) => [
    ...validateSelectorAndTemplate(spec, 'spec', { selecting: 'daemonset', timed: 'DaemonSet' }), ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...validateStrategy(spec), ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ],
  prepareForStatusUpdate: (draft, old) => { setGeneration(draft, generationOf(old)); },
  changesFirst: true,
  validateUpdate: (object, old) => (sameSemantically(object.spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', selectorInGo(object.spec.selector), 'field is immutable')]),
  validateStatusUpdate: ({ status = NONE }, old) => [
    ...COUNTS.flatMap((field) => nonNegative(status[field], `status.${field}`)),
    ...notDecremented(status, old.status),
  ],
  cells: (object, now) => {
    const { template, selector } = object.spec;
    const status = object.status ?? NONE;
    return [
      object.metadata.name, status.desiredNumberScheduled, status.currentNumberScheduled, status.numberReady, object.status?.updatedNumberScheduled ?? 0,
      object.status?.numberAvailable ?? 0, formatLabels(template.spec?.nodeSelector), objectAge(object, now), ...containerCells(template.spec?.containers), formatLabelSelector(selector),
    ];
  },
};

function applyDefaults({ spec }: DaemonSet): void {
  if (spec === undefined) return;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  podSpecDefaults(spec.template?.spec);
}

function validateStrategy({ updateStrategy: { type, rollingUpdate } = {} }: DaemonSet['spec']): FieldError[] {
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported(path, { Type: type, RollingUpdate: rollingUpdate ?? null }, ['RollingUpdate', 'OnDelete'])];
  if (rollingUpdate === undefined) return [required(`${path}.rollingUpdate`)];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const fields = [[maxUnavailable, `${path}.rollingUpdate.maxUnavailable`], [maxSurge, `${path}.rollingUpdate.maxSurge`]] as const;
  const errors = [...fields.flatMap(([value, at]) => intOrPercentProblems(value, at)), ...fields.flatMap(([value, at]) => notOver100Percent(value, at))];
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) errors.push(invalid(`${path}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (isZero(maxUnavailable) && isZero(maxSurge)) errors.push(required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

// How often the template has changed: what older clients know generations of pods by.
function generationOf({ metadata }: DaemonSet): number {
  return Number(metadata.annotations?.[GENERATION] ?? '0') || 0;
}

function setGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [GENERATION]: String(generation) };
}
