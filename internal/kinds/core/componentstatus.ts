// ComponentStatus: what `kubectl get componentstatuses` shows. The parts that upstream asks over the network are in this process, so that while we
// answer, they are there; that they do their work is /readyz's to say.
import type { ComponentStatus } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

const NAMES = ['controller-manager', 'scheduler', 'etcd-0'] as const;

export const componentStatus: KindRules<ComponentStatus> = {
  cells({ metadata: { name }, conditions = [] }) {
    const healthy = conditions.find(({ type }) => type === 'Healthy');
    return [name, healthy?.status === 'True' ? 'Healthy' : 'Unhealthy', healthy?.message ?? '', healthy?.error ?? ''];
  },
};

export function componentStatuses(): Promise<readonly ComponentStatus[]> {
  return Promise.resolve(NAMES.map((name) => ({ apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name } as ComponentStatus['metadata'], conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] })));
}
