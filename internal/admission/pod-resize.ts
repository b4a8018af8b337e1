// PodResizeValidator: a pod that has a node is not resized to more than all that its node has to give, nor on a node that is not Linux.
import { StatusError } from '../base/errors.ts';
import { quantityMilliValue, quantityValue } from '../api/quantity.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import { podRequests } from '../kinds/pod-spec/requirements.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission.ts';

const PODS = { group: '', resource: 'pods' };

export function podResize(store: Store): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    validate({ operation, kind, subresource, object, old }) {
      if (operation !== 'UPDATE' || kind.group !== '' || kind.resource !== 'pods' || subresource !== 'resize') return;
      const pod = object as Pod;
      const { nodeName = '' } = pod.spec;
      if (nodeName === '' || pod.metadata.generation === old?.metadata.generation) return;
      const node = store.get({ group: '', resource: 'nodes' }, { namespace: '', name: nodeName }) as Node | undefined;
      if (node === undefined) throw forbidden(PODS, pod.metadata.name, `node ${JSON.stringify(nodeName)} not found`);
      const system = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux';
      if (system !== 'linux') throw refusal(pod, `pod resize is only supported on linux nodes, node ${JSON.stringify(nodeName)} is ${JSON.stringify(system)}`, 'UnsupportedPlatform');
      const short = shortOf(pod, node);
      if (short.length > 0) throw refusal(pod, `node didn't have enough allocatable resources: ${short.join('; ')}`, 'NodeCapacity');
    },
  };
}

/** What the spec asks for counts, not what an earlier resize has left. */
function shortOf({ metadata, spec }: Pod, { status }: Node): string[] {
  const requests = podRequests({ metadata, spec } as Pod);
  return ([['cpu', quantityMilliValue], ['memory', quantityValue]] as const).flatMap(([name, read]) => {
    const [requested, allocatable] = [read(requests[name] ?? '0'), read(status?.allocatable?.[name] ?? '0')];
    return requested > allocatable ? [`${name}, requested: ${String(requested)}, allocatable: ${String(allocatable)}`] : [];
  });
}

function refusal({ metadata: { name } }: Pod, why: string, cause: string): StatusError {
  const { message, details } = forbidden(PODS, name, why);
  return new StatusError('Forbidden', message, { details: { ...details, causes: [{ reason: cause }] } });
}
