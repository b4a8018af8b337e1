// What an update of the status leaves of the metadata as it was (upstream: metav1.ResetObjectMetaForStatus, which some kinds ask for).
import { copy, type KubeObject, type ObjectMeta } from '../api/meta.ts';

/** All that its owners write. */
export const WRITERS_OWN = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const satisfies readonly (keyof ObjectMeta)[];

export function keepMetadata(fields: readonly (typeof WRITERS_OWN)[number][], { metadata }: KubeObject, { metadata: old }: KubeObject): void {
  for (const field of fields) {
    if (old[field] === undefined) delete metadata[field];
    else (metadata as unknown as Record<string, unknown>)[field] = copy(old[field]);
  }
}
