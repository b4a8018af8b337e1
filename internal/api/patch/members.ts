// Members of JSON objects as patches read and write them: own members only, and `__proto__` is a member like any other.

export type Members = Record<string, unknown>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function own(target: Members, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

export function define(target: Members, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

/** A deep, mutable copy that keeps every member. */
export function copyTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyTree);
  if (!isMembers(value)) return value;
  const result: Members = {};
  for (const [key, child] of Object.entries(value)) if (child !== undefined) define(result, key, copyTree(child));
  return result;
}

/** Removes null members at every depth, in place. */
export function dropNulls<T>(value: T): T {
  if (Array.isArray(value)) for (const item of value) dropNulls(item);
  else if (isMembers(value)) {
    for (const [key, child] of Object.entries(value)) {
      if (child === null) delete (value as Members)[key];
      else dropNulls(child);
    }
  }
  return value;
}
