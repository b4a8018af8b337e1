// PodDisruptionBudget: row (upstream: pkg/apis/policy).
import type { PodDisruptionBudget } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { objectAge } from './age.ts';

export const podDisruptionBudget: KindRules<PodDisruptionBudget> = {
  prepareForCreate: (draft) => { draft.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }; },
  cells: (object, now) => [
    object.metadata.name, String(object.spec?.minAvailable ?? 'N/A'), String(object.spec?.maxUnavailable ?? 'N/A'), object.status?.disruptionsAllowed ?? 0, objectAge(object, now),
  ],
};
