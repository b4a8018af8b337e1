// DaemonSet: defaults and row (upstream: pkg/apis/apps).
import { copy } from '../api/meta.ts';
import { invalid } from '../api/field-error.ts';
import type { DaemonSet } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { objectAge } from './age.ts';
import { containerCells, formatLabels } from './cells.ts';
import { sameSemantically } from './json-value.ts';
import { formatLabelSelector } from './label-selector.ts';
import { nonNegative } from './numbers.ts';
import { podSpecDefaults } from './pod-spec/defaults.ts';
import { validateSelectorAndTemplate } from './pod-template.ts';

const NONE = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

export const daemonSet: KindRules<DaemonSet> = {
  applyDefaults,
  prepareForCreate: (draft) => { draft.status = { ...NONE }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { ...NONE }); },
  validate: ({ spec }) => [...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'), ...validateSelectorAndTemplate(spec, 'spec')],
  validateUpdate: (object, old) => (sameSemantically(object.spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', object.spec.selector, 'field is immutable')]),
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
