// CronJob: defaults and row (upstream: pkg/apis/batch).
import type { CronJob } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { ageOf, objectAge } from './age.ts';
import { containerCells } from './cells.ts';
import { formatLabelSelector } from './label-selector.ts';
import { podSpecDefaults } from './pod-spec/defaults.ts';

export const cronJob: KindRules<CronJob> = {
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    // The Job inside is defaulted when it is made, but for its pods.
    podSpecDefaults(spec.jobTemplate?.spec?.template?.spec);
  },
  cells: (object, now) => {
    const { spec, status = {} } = object;
    const inner = spec.jobTemplate.spec;
    return [
      object.metadata.name, spec.schedule, spec.timeZone ?? '<none>', spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False', (status.active ?? []).length,
      status.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now), objectAge(object, now), ...containerCells(inner?.template.spec?.containers), formatLabelSelector(inner?.selector),
    ];
  },
};
