// What the subresources that write a part of a pod's spec, which the pod's own update may not, hold that part to (upstream:
// ValidatePodEphemeralContainersUpdate, ValidatePodResize).
import { forbidden, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import type { Pod } from '../generated/api-types.ts';
import { qosClassOf } from '../pod-spec/qos.ts';

export function validatePodPart(subresource: string, pod: Pod, old: Pod): FieldError[] {
  if (subresource === 'ephemeralcontainers') return onlyMoreContainers(pod, old);
  return subresource === 'resize' ? sameQosClass(pod, old) : [];
}

/** More may come, none may change or go. */
function onlyMoreContainers({ spec: { ephemeralContainers = [] } }: Pod, { spec: { ephemeralContainers: olds = [] } }: Pod): FieldError[] {
  return olds.flatMap((old) => {
    const after = ephemeralContainers.find(({ name }) => name === old.name);
    if (after === undefined) return [forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(old.name)} may not be removed\n`)];
    return sameSemantically(after, old) ? [] : [forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(old.name)} may not be changed\n`)];
  });
}

function sameQosClass({ spec }: Pod, { spec: oldSpec, status }: Pod): FieldError[] {
  const old = status?.qosClass ?? qosClassOf(oldSpec);
  return qosClassOf(spec) === old ? [] : [{ type: 'Invalid', field: 'spec', value: old, detail: 'Pod QOS Class may not change as a result of resizing' }];
}
