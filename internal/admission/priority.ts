// Priority: a pod's class gives its number and whether it preempts; only one class may be the default of the cluster.
import type { KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Store } from '../store/store.ts';
import { shownName, writes, type AdmissionPlugin } from './admission.ts';

const PODS = { group: '', resource: 'pods' };
const CLASSES = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };

const SYSTEM_CLASSES: readonly string[] = ['system-node-critical', 'system-cluster-critical'];

type PriorityClass = KubeObject & { value: number; globalDefault?: boolean; preemptionPolicy?: string };
type Draft = KubeObject & { spec: { priorityClassName?: string; priority?: number; preemptionPolicy?: string } };

export function priority(store: Store): AdmissionPlugin {
  return {
    name: 'Priority',
    mutate(request) {
      if (writes(request, '', 'pods') && request.operation === 'CREATE') resolve(request.object as Draft, store);
    },
    validate(request) {
      if (request.operation === 'DELETE' && writes(request, CLASSES.group, CLASSES.resource) && SYSTEM_CLASSES.includes(request.name)) throw forbidden(CLASSES, request.name, 'this is a system priority class and cannot be deleted');
      if (!writes(request, CLASSES.group, CLASSES.resource) || request.object === undefined) return;
      const { globalDefault, metadata } = request.object as PriorityClass;
      const other = globalDefault === true ? defaultClass(store) : undefined;
      if (other !== undefined && other.metadata.name !== metadata.name) throw forbidden(CLASSES, metadata.name, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
    },
  };
}

function resolve({ metadata, spec }: Draft, store: Store): void {
  const named = spec.priorityClassName === undefined || spec.priorityClassName === '' ? undefined : store.newest(CLASSES, { namespace: '', name: spec.priorityClassName });
  if (spec.priorityClassName && named === undefined) throw forbidden(PODS, shownName(metadata), `no PriorityClass with name ${spec.priorityClassName} was found`);
  const chosen = (named as PriorityClass | undefined) ?? defaultClass(store);
  const { value = 0, preemptionPolicy = 'PreemptLowerPriority' } = chosen ?? {};
  if (chosen !== undefined) spec.priorityClassName = chosen.metadata.name;
  if (spec.priority !== undefined && spec.priority !== value) {
    throw forbidden(PODS, shownName(metadata), `the integer value of priority (${String(spec.priority)}) must not be provided in pod spec; priority admission controller computed ${String(value)} from the given PriorityClass name`);
  }
  spec.priority = value;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    throw forbidden(PODS, shownName(metadata), `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`);
  }
  spec.preemptionPolicy = preemptionPolicy;
}

/** Of several (an update may race), the lowest counts. */
function defaultClass(store: Store): PriorityClass | undefined {
  let found: PriorityClass | undefined;
  store.list(CLASSES, {
    visit(object) {
      const candidate = object as PriorityClass;
      if (candidate.globalDefault === true && (found === undefined || candidate.value < found.value)) found = candidate;
      return true;
    },
  });
  return found;
}
