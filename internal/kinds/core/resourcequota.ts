// ResourceQuota: row (upstream: pkg/apis/core).
import { objectAge } from '../../api/age.ts';
import type { ResourceQuota } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from './resourcequota-validation.ts';

export const resourceQuota: KindRules<ResourceQuota> = {
  validate: validateQuota,
  validateUpdate: validateQuotaUpdate,
  validateStatusUpdate: validateQuotaStatus,
  cells: (object, now) => {
    const { hard = {}, used = {} } = object.status ?? {};
    const text = (isLimit: boolean): string => Object.keys(hard).sort().filter((name) => name.startsWith('limits.') === isLimit).map((name) => `${name}: ${used[name] ?? '0'}/${hard[name] ?? '0'}`).join(', ');
    return [object.metadata.name, text(false), text(true), objectAge(object, now)];
  },
};
