// DeviceClass: validation and row (upstream: pkg/apis/resource).
import { nameAndAge } from '../cells.ts';
import { validateList, validateSelectors } from './device-requests.ts';
import { validateOpaque } from './device-values.ts';
import type { DeviceClass } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

export const deviceClass: KindRules<DeviceClass> = {
  validate: ({ spec }) => [
    ...validateSelectors(spec?.selectors, 'spec.selectors'),
    ...validateList(spec?.config ?? [], 'spec.config', ({ opaque }, path) => validateOpaque(opaque, `${path}.opaque`)),
  ],
  cells: nameAndAge,
};
