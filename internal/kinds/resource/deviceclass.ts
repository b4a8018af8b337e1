// DeviceClass: validation and row (upstream: pkg/apis/resource).
import { invalid } from '../../api/field-error.ts';
import { nameAndAge } from '../cells.ts';
import { validateList, validateSelectors } from './device-requests.ts';
import { validateOpaque } from './device-values.ts';
import type { DeviceClass } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { isExtendedResource } from '../resource-names.ts';

export const deviceClass: KindRules<DeviceClass> = {
  validate: ({ spec }) => [
    ...validateSelectors(spec?.selectors, 'spec.selectors'),
    ...validateList(spec?.config ?? [], 'spec.config', ({ opaque }, path) => validateOpaque(opaque, `${path}.opaque`)),
    ...(spec?.extendedResourceName === undefined || isExtendedResource(spec.extendedResourceName) ? [] : [invalid('spec.extendedResourceName', spec.extendedResourceName, 'must be a valid extended resource name')]),
  ],
  cells: nameAndAge,
};
