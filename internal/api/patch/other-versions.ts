// Owners that wrote in another version know its fields: what a write changed is told to each as its own version shows it (upstream:
// structured-merge-diff's Updater, which converts both states for each version among the owners). Who wrote in a version that is gone owns nothing.
import type { KubeObject } from '../meta.ts';
import type { Definition, Schemas } from '../schema.ts';
import { compareObjects, type Delta } from './compare.ts';
import { ignoredFields, type Owners } from './field-owners.ts';

/** Another version of the kind whose fields differ. */
export interface OtherVersion {
  definition: Definition;
  /** Of an object in the version that is written. */
  convert(object: KubeObject): KubeObject;
}
/** By apiVersion: `same` fields; a version that is `gone`; or one of which upstream cannot even tell that, and so forgets all owners: `unreadable`. */
export type OtherVersions = (apiVersion: string) => OtherVersion | 'same' | 'gone' | 'unreadable';

/** The delta as an owner's version shows it. */
export type DeltaIn = (apiVersion: string) => Delta | undefined;

interface Change {
  live: KubeObject | undefined;
  next: KubeObject;
  /** In the version that was written. */
  delta: Delta | undefined;
  apiVersion: string;
  versions: OtherVersions | undefined;
  schemas: Schemas;
  subresource: string;
}

/** Takes the owners out whose version is no more, and tells the worst that was found of them. */
export function forgetGone(owners: Owners, versions: OtherVersions | undefined): 'same' | 'gone' | 'unreadable' {
  let worst: 'same' | 'gone' | 'unreadable' = 'same';
  for (const [identity, { apiVersion }] of owners) {
    const found = versions?.(apiVersion);
    if (found !== 'gone' && found !== 'unreadable') continue;
    owners.delete(identity);
    if (worst !== 'unreadable') worst = found;
  }
  return worst;
}

export function deltasOf({ live, next, delta, apiVersion, versions, schemas, subresource }: Change): DeltaIn {
  const known = new Map<string, Delta | undefined>([[apiVersion, delta]]);
  const compared = (of: string): Delta | undefined => {
    const other = versions?.(of) ?? 'same';
    if (typeof other === 'string' || delta === undefined) return delta;
    try {
      const before = live === undefined ? {} : other.convert(live);
      return compareObjects(before, other.convert(next), { definition: other.definition, schemas, ignored: ignoredFields(other.definition, subresource) });
    } catch {
      return delta; // not yet validated: what cannot be converted is refused after this
    }
  };
  return (of) => {
    if (!known.has(of)) known.set(of, compared(of));
    return known.get(of);
  };
}
