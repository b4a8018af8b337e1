// JSON merge patch (RFC 7386): members replace, null removes, objects merge, all else is taken whole. Changes and gives the document.
import { define, dropNulls, isMembers, own } from './members.ts';

export function applyMergePatch(document: unknown, patch: unknown): unknown {
  // Nulls below lists go where no object stood before, as github.com/evanphx/json-patch has it.
  if (!isMembers(patch)) return isMembers(document) ? patch : dropNulls(patch);
  const target = isMembers(document) ? document : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else define(target, key, applyMergePatch(own(target, key), value));
  }
  return target;
}
