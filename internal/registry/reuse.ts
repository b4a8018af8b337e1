// Deep equality that pays for itself: the part of a new object that did not change becomes the old object's part, so a status update shares
// its spec with the state before, in the store and in the history.
import { sameJson } from '../api/json-equality.ts';

/** `old` itself when both are equal as JSON; otherwise `next`, whose unchanged parts are now those of `old`. Changes `next` in place. */
export function reuse<T>(old: T, next: T): T {
  return share(old, next) as T;
}

function share(old: unknown, next: unknown): unknown {
  if (old === next) return old;
  if (typeof old !== 'object' || typeof next !== 'object' || old === null || next === null) return next;
  if (Array.isArray(old) !== Array.isArray(next)) return next;
  if (Object.isFrozen(next)) return sameJson(old, next) ? old : next;
  return Array.isArray(next) ? shareArray(old as unknown[], next) : shareObject(old as Record<string, unknown>, next as Record<string, unknown>);
}

function shareArray(old: unknown[], next: unknown[]): unknown[] {
  let same = old.length === next.length;
  for (let at = 0; at < next.length; at++) {
    const shared = share(old[at], next[at]);
    next[at] = shared;
    if (shared !== old[at]) same = false;
  }
  return same ? old : next;
}

function shareObject(old: Record<string, unknown>, next: Record<string, unknown>): Record<string, unknown> {
  let same = true;
  for (const key in next) {
    const shared = share(old[key], next[key]);
    next[key] = shared;
    if (shared !== old[key]) same = false;
  }
  if (same) for (const key in old) if (old[key] !== undefined && next[key] === undefined) same = false;
  return same ? old : next;
}
