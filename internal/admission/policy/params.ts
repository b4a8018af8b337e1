// The params that a binding gives its policy: one object by name, or all that a selector chooses. Any kind that is served will do.
import type { KubeObject } from '../../api/meta.ts';
import type { ParamRef } from '../../kinds/generated/api-types.ts';
import type { Kind } from '../../kinds/kind.ts';
import { selectorMatches } from '../../kinds/label-selector.ts';
import { placeOf } from '../../registry/place.ts';
import type { Store } from '../../store/store.ts';

/** [undefined]: evaluate once, without. Empty: nothing to evaluate. Throws in upstream's words. */
export async function paramsOf(store: Store, { kind, ref, namespace }: { kind: Kind | undefined; ref: ParamRef | undefined; namespace: string }): Promise<(KubeObject | undefined)[]> {
  if (kind === undefined || ref === undefined) return [undefined];
  const found = await objectsOf(store, kind, { ref, namespace: placeFor(kind, ref, namespace) });
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  return found;
}

function placeFor({ namespaced }: Kind, { namespace: asked = '' }: ParamRef, namespace: string): string {
  if (!namespaced) {
    if (asked !== '') throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  if (asked === '' && namespace === '') throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  return asked === '' ? namespace : asked;
}

async function objectsOf(store: Store, kind: Kind, { ref: { name = '', selector }, namespace }: { ref: ParamRef; namespace: string }): Promise<KubeObject[]> {
  const { resource, decode, ready } = placeOf(kind);
  const stored: KubeObject[] = [];
  if (name !== '') {
    const one = store.get(resource, { namespace, name });
    if (one !== undefined) stored.push(one);
  } else if (selector !== undefined) {
    store.list(resource, {
      namespace,
      visit(object) {
        if (selectorMatches(selector, object.metadata.labels)) stored.push(object);
        return true;
      },
    });
  } else throw new Error('one of name or selector must be provided');
  await ready(stored);
  return stored.map(decode);
}
