// A store that keeps nothing: for tests, and for a server that is to forget.
import type { Clock } from '../base/clock.ts';
import { createStore } from './engine.ts';
import type { Store } from './store.ts';

export function createMemoryStore(options: { clock: Clock; historyMs?: number; historyBytes?: number }): Store {
  return createStore(options);
}
