// Which claims a pod uses: those it names, and those made for its ephemeral volumes, which carry the pod's name and the volume's.
import type { KubeObject } from '../../api/meta.ts';
import type { Index } from '../../informer/view.ts';
import type { Pod } from '../../kinds/generated/api-types.ts';

export const BY_CLAIM: Index<Pod> = { name: 'claims', values: claimsOf };

/** Keys, `namespace/name`. */
export function claimsOf({ metadata, spec }: Pod): string[] {
  const names = (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? [] : `${metadata.name}-${name}`));
  return names.map((name) => `${metadata.namespace ?? ''}/${name}`);
}

export function claimKey({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
