// Where a kind's objects live in the store, and in what shape: most under their own group and resource, some under another version's.
import { freeze, type GroupResource, type KubeObject } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';

export interface Place {
  resource: GroupResource;
  /** The object as this kind's clients see it. Frozen. */
  decode(stored: KubeObject): KubeObject;
  encode(object: KubeObject): KubeObject | Promise<KubeObject>;
  /** undefined: these can be decoded. Else wait first: somebody else must convert them. */
  ready(stored: readonly KubeObject[]): Promise<void> | undefined;
}

const same = (object: KubeObject): KubeObject => object;
const always = (): undefined => undefined;

export function placeOf({ group, resource, rules: { storage } }: Kind): Place {
  if (storage === undefined) return { resource: { group, resource }, decode: same, encode: same, ready: always };
  return { resource: { group: storage.group, resource: storage.resource }, decode: (stored) => freeze(storage.decode(stored)), encode: (object) => storage.encode(object), ready: (stored) => storage.ready?.(stored) };
}
