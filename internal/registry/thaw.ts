// Drafts are changed in place on their way to the store, yet callers build them out of what a view or the store gave them, which is frozen:
// a Deployment's template in a new ReplicaSet, a Pod with another status around its old spec.

/** The same value with every frozen part replaced by a mutable copy; mutable parts are kept as they are. */
export function thaw<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const frozen = Object.isFrozen(value);
  if (Array.isArray(value)) return (frozen ? value.map(thaw) : thawInPlace(value)) as T;
  if (!frozen) return thawInPlace(value);
  const mutable: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) if (child !== undefined) mutable[key] = thaw(child);
  return mutable as T;
}

function thawInPlace<T extends object>(value: T): T {
  const members = value as Record<string, unknown>;
  for (const key in members) {
    const child = members[key];
    if (typeof child !== 'object' || child === null) continue;
    const thawed = thaw(child);
    if (thawed !== child) members[key] = thawed;
  }
  return value;
}
