// How a custom object passes between the version it is stored in and the version it is asked for: what the schemas of both do to it on the
// way, and how the versions differ (strategy None: in name only). A stored object is read once for each version; most are as they should be.
// Upstream: apiextensions-apiserver, pkg/apiserver/conversion and the codec of customresource_handler.go.
import { copy, freeze, parseApiVersion, type KubeObject } from '../../api/meta.ts';
import type { Schemas } from '../../api/schema.ts';
import type { KindStorage } from '../kind.ts';
import { fillIn, needsDefaults } from './defaulting.ts';
import { strayFields } from './pruning.ts';
import type { CustomSchema, Members } from './custom-schema.ts';

/** Gives the objects in the wanted version, in order. */
export type Converter = (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>;

export interface Versions {
  group: string;
  resource: string;
  /** By name, served or not. */
  schemas: ReadonlyMap<string, CustomSchema | undefined>;
  storageVersion: string;
  /** Absent: versions differ in name only. */
  convert?: Converter;
  table: Schemas;
}

export function storageAt(version: string, versions: Versions): KindStorage {
  const { group, resource, storageVersion } = versions;
  const apiVersion = `${group}/${version}`;
  const known = new WeakMap<KubeObject, KubeObject>();
  const remember = (stored: KubeObject, converted: KubeObject): KubeObject => {
    known.set(stored, freeze(converted));
    return converted;
  };
  const asks = (stored: KubeObject): boolean => versions.convert !== undefined && stored.apiVersion !== apiVersion;
  return {
    group,
    resource,
    decode(stored) {
      const found = known.get(stored);
      if (found !== undefined) return found;
      if (asks(stored)) throw new Error(`${stored.metadata.name} is read in ${apiVersion} before it was converted`);
      return remember(stored, renamed(asStored(stored, versions), apiVersion, versions));
    },
    encode(object) {
      const target = `${group}/${storageVersion}`;
      if (object.apiVersion === target) return object;
      if (versions.convert === undefined) return renamed(object, target, versions);
      return versions.convert([object], target).then(([converted]) => pruned(converted ?? object, versions));
    },
    ...(versions.convert !== undefined && {
      ready(stored) {
        const missing = [...new Set(stored)].filter((object) => asks(object) && !known.has(object));
        if (missing.length === 0) return undefined;
        return versions.convert?.(missing.map((object) => asStored(object, versions)), apiVersion).then((converted) => {
          missing.forEach((object, index) => remember(object, pruned(converted[index] ?? object, versions)));
        });
      },
    }),
  };
}

/** As it is read from the store: without what its schema does not know (any more), with defaults (that came later). */
function asStored(stored: KubeObject, versions: Versions): KubeObject {
  const schema = versions.schemas.get(parseApiVersion(stored.apiVersion).version);
  const object = pruned(stored, versions);
  const old = (object.metadata.generation ?? 0) === 0;
  if (!old && !needsDefaults(schema, object)) return object;
  const filled = copy(object);
  fillIn(schema, filled as unknown as Members, versions.table);
  filled.metadata.generation ||= 1;
  return filled;
}

function renamed(object: KubeObject, apiVersion: string, versions: Versions): KubeObject {
  return object.apiVersion === apiVersion ? object : pruned({ ...object, apiVersion }, versions);
}

function pruned(object: KubeObject, versions: Versions): KubeObject {
  const schema = versions.schemas.get(parseApiVersion(object.apiVersion).version);
  if (strayFields(schema, object as unknown as Members, versions.table).strays.length === 0) return object;
  const clean = copy(object);
  for (const { owner, name } of strayFields(schema, clean as unknown as Members, versions.table).strays) delete owner[name];
  return clean;
}
