// JSON merge patch (RFC 7386): members replace, null removes, objects merge, all else is taken whole. Changes and gives the document.

export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const target = isObject(document) ? document : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else define(target, key, applyMergePatch(own(target, key), value));
  }
  return target;
}

// `__proto__` in a patch is a member like any other.
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
function own(target: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
