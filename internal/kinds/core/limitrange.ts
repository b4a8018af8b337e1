// LimitRange: a container's missing defaults follow from its bounds (upstream: pkg/apis/core/v1/defaults.go).
import type { LimitRange } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { nameAndCreation } from '../cells.ts';
import { validateLimitRange } from './limitrange-validation.ts';

export const limitRange: KindRules<LimitRange> = {
  allowCreateOnUpdate: true,
  applyDefaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      item.default = { ...item.max, ...item.default };
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
    }
  },
  validate: validateLimitRange,
  cells: nameAndCreation,
};
