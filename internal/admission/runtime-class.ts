// RuntimeClass: the class a pod names must exist; its overhead and scheduling become the pod's.
import { sameSemantically } from '../api/json-equality.ts';
import { copy, type KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Store } from '../store/store.ts';
import { shownName, writes, type AdmissionPlugin } from './admission.ts';

const PODS = { group: '', resource: 'pods' };
const UNASKED = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const CLASSES = { group: 'node.k8s.io', resource: 'runtimeclasses' };

type RuntimeClass = KubeObject & { overhead?: { podFixed?: Record<string, string> }; scheduling?: { nodeSelector?: Record<string, string>; tolerations?: object[] } };
interface Spec {
  runtimeClassName?: string;
  overhead?: Record<string, string>;
  nodeSelector?: Record<string, string>;
  tolerations?: object[];
}
type Pod = KubeObject & { spec: Spec };

export function runtimeClass(store: Store): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    mutate(request) {
      if (!writes(request, '', 'pods') || request.operation !== 'CREATE') return;
      const { metadata, spec } = request.object as Pod;
      const found = classOf(store, request.object as Pod);
      if (found !== undefined) applyClass(spec, found, shownName(metadata));
    },
    validate(request) {
      if (!writes(request, '', 'pods') || request.operation !== 'CREATE') return;
      const { metadata, spec } = request.object as Pod;
      const wanted = classOf(store, request.object as Pod)?.overhead;
      if (wanted === undefined && spec.overhead !== undefined) throw forbidden(PODS, shownName(metadata), UNASKED);
      if (wanted !== undefined && !sameSemantically(spec.overhead ?? {}, wanted.podFixed ?? {})) throw forbidden(PODS, shownName(metadata), MISMATCH);
    },
  };
}

function classOf(store: Store, { metadata, spec: { runtimeClassName } }: Pod): RuntimeClass | undefined {
  if (runtimeClassName === undefined) return undefined;
  const found = store.newest(CLASSES, { namespace: '', name: runtimeClassName }) as RuntimeClass | undefined;
  if (found === undefined) throw forbidden(PODS, shownName(metadata), `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
  return found;
}

function applyClass(spec: Spec, { overhead, scheduling }: RuntimeClass, name: string): void {
  if (overhead !== undefined) {
    if (Object.keys(spec.overhead ?? {}).length > 0 && !sameSemantically(spec.overhead, overhead.podFixed)) throw forbidden(PODS, name, MISMATCH);
    if (overhead.podFixed !== undefined && Object.keys(overhead.podFixed).length > 0) spec.overhead = copy(overhead.podFixed);
    else delete spec.overhead;
  }
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) throw forbidden(PODS, name, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  if (scheduling?.tolerations !== undefined) spec.tolerations = [...(spec.tolerations ?? []), ...copy(scheduling.tolerations)];
}
