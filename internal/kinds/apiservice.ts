// APIService: row (upstream: kube-aggregator/pkg/registry/apiservice).
import { objectAge } from '../api/age.ts';
import type { APIService } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

export const apiService: KindRules<APIService> = {
  cells: (object, now) => {
    const { service } = object.spec ?? {};
    const available = object.status?.conditions?.find(({ type }) => type === 'Available');
    const state = available === undefined ? 'Unknown' : available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
    return [object.metadata.name, service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`, state, objectAge(object, now)];
  },
};
