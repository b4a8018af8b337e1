// The recent past: what changed, newest last, for watches that start behind and for lists at a revision. Kept for five minutes and
// bounded in bytes; what is older is gone, and `floor` says up to where. Objects that are still current cost nothing here: they are shared.
import type { KubeObject } from '../api/meta.ts';
import type { Change } from './store.ts';

export const HISTORY_MS = 5 * 60_000;
const HISTORY_BYTES = 8 * 1024 * 1024;

export interface Remembered {
  readonly resource: string;
  readonly change: Change;
  readonly atMs: number;
  readonly sizeBytes: number;
}

export interface History {
  /** Everything after this revision is remembered. */
  readonly floor: number;
  push(resource: string, change: Change, atMs: number): void;
  /** Forgets what is past its time. */
  prune(nowMs: number): void;
  /** Changes of the resource after the revision, oldest first. */
  after(resource: string, revision: number): Change[];
}

export function createHistory(floor: number, limits: { keepMs?: number; bytesMax?: number } = {}): History {
  const keepMs = limits.keepMs ?? HISTORY_MS;
  const bytesMax = limits.bytesMax ?? HISTORY_BYTES;
  let ring: Remembered[] = [];
  let head = 0;
  let sizeBytes = 0;

  const forgetOldest = (): void => {
    const oldest = ring[head] as Remembered;
    head++;
    sizeBytes -= oldest.sizeBytes;
    floor = oldest.change.revision;
    if (head < 256 || head * 2 < ring.length) return;
    ring = ring.slice(head);
    head = 0;
  };
  const prune = (nowMs: number): void => {
    while (head < ring.length && (sizeBytes > bytesMax || (ring[head] as Remembered).atMs + keepMs < nowMs)) forgetOldest();
  };

  return {
    get floor() {
      return floor;
    },
    push(resource, change, atMs) {
      const entry = { resource, change, atMs, sizeBytes: 200 + (change.previous === undefined ? 0 : roughSize(change.previous)) };
      ring.push(entry);
      sizeBytes += entry.sizeBytes;
      prune(atMs);
    },
    prune,
    after(resource, revision) {
      const found: Change[] = [];
      for (let at = firstAfter(ring, head, revision); at < ring.length; at++) {
        const entry = ring[at] as Remembered;
        if (entry.resource === resource) found.push(entry.change);
      }
      return found;
    },
  };
}

function firstAfter(ring: readonly Remembered[], from: number, revision: number): number {
  let low = from;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring[middle] as Remembered).change.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** About what the object costs in memory: enough for a bound. */
function roughSize(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 32;
  for (const key in value) size += 8 + roughSize((value as Record<string, unknown>)[key]);
  return size;
}

/** The state of one resource at a past revision, as what differs from now: key text → the object then, or undefined when it was not there. */
export function undo(changes: readonly Change[]): Map<string, KubeObject | undefined> {
  const then = new Map<string, KubeObject | undefined>();
  for (const { object, previous } of changes) {
    const { namespace = '', name } = object.metadata;
    const key = `${namespace}/${name}`;
    if (!then.has(key)) then.set(key, previous);
  }
  return then;
}
