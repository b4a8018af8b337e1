// TaintNodesByCondition: a new node takes no pods before the node lifecycle has seen it ready.
import type { KubeObject } from '../api/meta.ts';
import { writes, type AdmissionPlugin } from './admission.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    mutate(request) {
      if (!writes(request, '', 'nodes') || request.operation !== 'CREATE') return;
      const node = request.object as KubeObject & { spec?: { taints?: { key: string; effect: string }[] } };
      const taints = node.spec?.taints ?? [];
      if (!taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
    },
  };
}
