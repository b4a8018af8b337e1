// Owners that an object names twice are named once, and the client is told (upstream: dedupOwnerReferencesAndAddWarning).
import { sameSemantically } from '../api/json-equality.ts';
import type { KubeObject, OwnerReference } from '../api/meta.ts';

export function dropDoubleOwners({ metadata }: KubeObject, { warn, changed }: { warn: ((message: string) => void) | undefined; /** By admission. */ changed: boolean }): void {
  const owners = metadata.ownerReferences;
  if (owners === undefined || owners.length < 2) return;
  const kept: OwnerReference[] = [];
  const doubles = owners.filter((owner) => {
    if (kept.some((other) => sameSemantically(other, owner))) return true;
    kept.push(owner);
    return false;
  });
  if (doubles.length === 0) return;
  metadata.ownerReferences = kept;
  warn?.(`.metadata.ownerReferences contains duplicate entries${changed ? ' after mutating admission happens' : ''}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${doubles.map(({ uid }) => uid).join(', ')}`);
}
