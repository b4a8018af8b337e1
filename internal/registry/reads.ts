// Get and list: selectors, paging at a revision, and what a resourceVersion asks for.
import { isReason, notFound, StatusError } from '../base/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectKey } from '../api/meta.ts';
import type { ObjectList } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store/store.ts';
import { formatContinue, parseContinue, type ContinueToken } from './continue-token.ts';
import { placeOf } from './place.ts';
import { checkListOptions, parseRevision, tooLargeRevision } from './read-options.ts';
import type { ReadOptions } from './registry.ts';
import { selectionOf } from './selection.ts';

export function getObject(store: Store, kind: Kind, key: ObjectKey): KubeObject {
  const { resource, decode } = placeOf(kind);
  const found = store.get(resource, key);
  if (found === undefined) throw notFound(kind, key.name);
  return decode(found);
}

export function listObjects(store: Store, kind: Kind, options: ReadOptions): ObjectList {
  checkListOptions(options);
  const { resource, decode } = placeOf(kind);
  const selection = selectionOf(kind, options);
  const start = startOf(options, store.revision);
  const limit = options.limit ?? 0;
  const items: KubeObject[] = [];
  let remaining = 0;
  const visit = (stored: KubeObject): boolean => {
    const isFull = limit > 0 && items.length === limit;
    if (isFull && selection.everything) return ++remaining > 0; // counting on is only worth it when the count is told
    const object = decode(stored);
    if (!selection.matches(object)) return true;
    if (isFull) return ++remaining < 1;
    items.push(object);
    return true;
  };
  const revision = selection.name === undefined ? walk() : one(selection.name);
  const next = remaining === 0 ? undefined : formatContinue({ after: keyOf(items.at(-1) as KubeObject), revision });
  return {
    apiVersion: apiVersionOf(kind.group, kind.version),
    kind: kind.listKind ?? `${kind.kind}List`,
    metadata: { resourceVersion: String(revision), ...(kind.custom !== undefined && { continue: '' }), ...(next !== undefined && { continue: next }), ...(next !== undefined && selection.everything && { remainingItemCount: remaining }) },
    items,
  };

  function walk(): number {
    try {
      return store.list(resource, { namespace: selection.namespace, ...start, visit });
    } catch (error) {
      if (start.after === undefined || !isReason(error, 'Expired')) throw error;
      throw new StatusError('Expired', CONTINUE_EXPIRED, { continue: formatContinue({ after: start.after, revision: undefined }), cause: error });
    }
  }

  /** A field selector that names one object needs no walk; only at a past revision, or in all namespaces, there is no other way. */
  function one(name: string): number {
    if (start.revision !== undefined || (kind.namespaced && selection.namespace === '')) return walk();
    const found = store.get(resource, { namespace: kind.namespaced ? selection.namespace : '', name });
    if (found !== undefined) visit(found);
    return store.revision;
  }
}

/** Resolves when the list can be made at once; undefined when it can already. Of kinds that somebody else converts. */
export function prepareList(store: Store, kind: Kind, options: ReadOptions): Promise<void> | undefined {
  if (kind.rules.storage?.ready === undefined) return undefined;
  const { resource, ready } = placeOf(kind);
  const { limit = 0, labelSelector = '', fieldSelector = '' } = options;
  const [found, max] = [[] as KubeObject[], labelSelector === '' && fieldSelector === '' && limit > 0 ? limit : Infinity];
  store.list(resource, { namespace: options.namespace, ...startOf(options, store.revision), visit: (stored) => found.push(stored) < max });
  return ready(found);
}

const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
  'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an ' +
  'inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** Where the list starts and of which revision it is: `revision` undefined is newest. */
function startOf(options: ReadOptions, current: number): { revision?: number; after?: ObjectKey } {
  if (options.continue !== undefined && options.continue !== '') {
    const token: ContinueToken = parseContinue(options.continue);
    if (options.resourceVersion !== undefined && options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw new StatusError('BadRequest', 'specifying resource version is not allowed when using continue');
    }
    if (token.revision !== undefined && token.revision > current) throw tooLargeRevision(token.revision, current);
    return { after: token.after, ...(token.revision !== undefined && { revision: token.revision }) };
  }
  const wanted = parseRevision(options.resourceVersion);
  if (wanted > current) throw tooLargeRevision(wanted, current);
  // Without a match rule, a page at a revision has always meant exactly that revision; a whole list, not older.
  const exact = wanted > 0 && (options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === undefined && (options.limit ?? 0) > 0));
  return exact ? { revision: wanted } : {};
}

function keyOf({ metadata: { namespace = '', name } }: KubeObject): ObjectKey {
  return { namespace, name };
}
