// The registry for every kind alike (contract: registry.ts). Reads come from the store as it is; writes are one file a verb.
import { isReason } from '../base/errors.ts';
import type { KubeObject, ObjectKey } from '../api/meta.ts';
import type { DeleteOptions, ObjectList } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store/store.ts';
import { createObject } from './creation.ts';
import { checkDeleteOptions, deleteObject } from './deletion.ts';
import type { Engine, RegistryOptions } from './engine.ts';
import { getObject, listObjects, prepareList } from './reads.ts';
import { placeOf } from './place.ts';
import type { ReadOptions, Registry, WriteContext } from './registry.ts';
import { updateObject } from './updating.ts';
import { watchObjects } from './watches.ts';

/** Deletions of a collection that are under way at once: so many share a flush. */
const DELETIONS_AT_ONCE = 64;

export function createRegistry(options: RegistryOptions): Registry {
  const engine: Engine = { ...options, hookOf: ({ group, resource }) => options.hooks?.[`${group}/${resource}`] };
  return {
    prepare: (kind, read) => prepareRead(engine.store, kind, read),
    get: (kind, key) => getObject(engine.store, kind, key),
    list: (kind, read) => listObjects(engine.store, kind, read),
    create: (kind, draft, context) => createObject(engine, kind, draft, context),
    update: (kind, key, change, context, { mayCreate = false, isPatch = false } = {}) => updateObject(engine, kind, { key, change, context, mayCreate, isPatch }),
    delete: (kind, key, deletion, context) => deleteObject(engine, kind, { key, options: deletion, context }),
    deleteCollection: (kind, read, deletion, context) => deleteCollection(engine, kind, { read, deletion, context }),
    watch: (kind, watch, signal) => watchObjects(engine, kind, watch, signal),
  };
}

function prepareRead(store: Store, kind: Kind, read: ObjectKey | ReadOptions): Promise<void> | undefined {
  if (kind.rules.storage?.ready === undefined) return undefined;
  if (!('name' in read)) return prepareList(store, kind, read);
  const { resource, ready } = placeOf(kind);
  const stored = store.get(resource, read);
  return stored === undefined ? undefined : ready([stored]);
}

/** Not atomic, as upstream: what was deleted stays deleted when another deletion fails. Gives what was selected. */
async function deleteCollection(engine: Engine, kind: Kind, request: { read: ReadOptions; deletion: DeleteOptions; context: WriteContext }): Promise<ObjectList> {
  const { deletion, context } = request;
  checkDeleteOptions(deletion);
  const read = asPaged(request.read);
  await prepareList(engine.store, kind, read);
  const list = listObjects(engine.store, kind, read);
  const left = [...list.items];
  const work = async (): Promise<void> => {
    for (let object = left.shift(); object !== undefined; object = left.shift()) await deleteOne(object);
  };
  const deleteOne = async ({ metadata: { namespace = '', name } }: KubeObject): Promise<void> => {
    try {
      await deleteObject(engine, kind, { key: { namespace, name }, options: deletion, context });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(DELETIONS_AT_ONCE, left.length) }, work));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
  return list;
}

/** Upstream reads what it deletes by the page, and a page at a version has always meant exactly that version: one that is no longer kept is Expired. */
function asPaged(read: ReadOptions): ReadOptions {
  const { resourceVersion = '', resourceVersionMatch: match = '', limit = 0 } = read;
  return resourceVersion === '' || resourceVersion === '0' || (match as string) !== '' || limit > 0 || read.continue ? read : { ...read, resourceVersionMatch: 'Exact' };
}
