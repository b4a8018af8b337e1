// What pods are told whose volume another node has: by whom it is used, without the names of pods in other namespaces.
import type { PersistentVolume, Pod } from '../../kinds/generated/api-types.ts';
import { note, type Action } from '../action.ts';

export function multiAttachEvents({ volume, pods, podsElsewhere }: { volume: PersistentVolume; pods: readonly Pod[]; podsElsewhere: readonly Pod[] }): Action[] {
  return pods.map((pod) => {
    const near = podsElsewhere.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace).map(({ metadata }) => metadata.name);
    const why = whyNot(near, podsElsewhere.length - near.length);
    return { type: 'event', note: note(pod, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} ${why}`) };
  });
}

function whyNot(near: readonly string[], far: number): string {
  if (near.length + far === 0) return "Volume is already exclusively attached to one node and can't be attached to another";
  if (near.length === 0) return `Volume is already used by ${String(far)} pod(s) in different namespaces`;
  return `Volume is already used by pod(s) ${near.join(', ')}${far > 0 ? ` and ${String(far)} pod(s) in different namespaces` : ''}`;
}
