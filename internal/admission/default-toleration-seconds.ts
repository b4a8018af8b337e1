// DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or not reachable, unless it says otherwise.
import type { KubeObject } from '../api/meta.ts';
import { writes, type AdmissionPlugin } from './admission.ts';

interface Toleration {
  key?: string;
  operator?: string;
  effect?: string;
  tolerationSeconds?: number;
}

const SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export function defaultTolerationSeconds(): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    mutate(request) {
      if (!writes(request, '', 'pods') || request.object === undefined) return;
      const { spec } = request.object as KubeObject & { spec: { tolerations?: Toleration[] } };
      const given = spec.tolerations ?? [];
      const missing = TAINTS.filter((taint) => !given.some(({ key = '', effect = '' }) => (key === taint || key === '') && (effect === 'NoExecute' || effect === '')));
      if (missing.length > 0) spec.tolerations = [...given, ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS }))];
    },
  };
}
