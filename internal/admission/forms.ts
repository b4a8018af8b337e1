// The forms an object takes on its way through webhooks and policies: converted to the version they ask for and back, and read anew after a
// change as if a client had sent it: unknown fields go, defaults come.
import { StatusError } from '../base/errors.ts';
import { applyDefaults } from '../api/defaults.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject, type Unstructured } from '../api/meta.ts';
import type { Definition, Schemas } from '../api/schema.ts';
import { checkShape } from '../api/shape.ts';
import type { Kind } from '../kinds/kind.ts';
import { objectKindOf } from './matching.ts';

/** The object as `to` serves it. The same object where both have one form (a Scale is a Scale). */
export async function converted(object: KubeObject, { from, to, subresource }: { from: Kind; to: Kind; subresource: string }): Promise<KubeObject> {
  if (from === to || sameKind(objectKindOf(from, subresource), objectKindOf(to, subresource))) return object;
  const [encode, storage] = [from.rules.storage?.encode, to.rules.storage];
  const stored = encode === undefined ? object : await encode(object);
  if (storage === undefined) return stored;
  await storage.ready?.([stored]);
  return storage.decode(stored);
}

/** With its type, which drafts made in the process may lack. */
export function typed(object: KubeObject, { group, version, kind }: GroupVersionKind): KubeObject {
  return { ...object, kind, apiVersion: apiVersionOf(group, version) };
}

/** Takes away what its schema does not know. Throws InternalError when it is no such object any more: its changer is to blame, not the client. */
export function prune(object: KubeObject, definition: Definition | undefined, schemas: Schemas): void {
  if (definition === undefined) return;
  const { errors, strays } = checkShape(definition, object, schemas);
  const [first] = errors;
  if (first !== undefined) throw internal(first.message);
  for (const { owner, name } of strays) delete owner[name];
}

export function fillIn(object: KubeObject, definition: Definition | undefined, schemas: Schemas): void {
  if (definition !== undefined) applyDefaults(definition, object, schemas);
}

export function definitionOf({ group, version, kind }: GroupVersionKind, schemas: Schemas): Definition | undefined {
  return schemas.byKind(group, version, kind);
}

/** The draft takes on everything of `next`; it stays the same object, as its holder changes it in place. */
export function become(draft: KubeObject, next: KubeObject): void {
  const target = draft as Unstructured;
  for (const key of Object.keys(target)) if (!(key in next)) delete target[key];
  Object.assign(target, next);
}

/** `Internal error occurred: …`, as upstream's NewInternalError. */
export function internal(why: string, cause?: unknown): StatusError {
  return new StatusError('InternalError', `Internal error occurred: ${why}`, { details: { causes: [{ message: why }] }, ...(cause !== undefined && { cause }) });
}

function sameKind(a: GroupVersionKind, b: GroupVersionKind): boolean {
  return a.group === b.group && a.version === b.version && a.kind === b.kind;
}
