// What the verbs of the registry share: where objects lie, their schemas, time, chance, and hooks of kinds.
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Schemas } from '../api/schema.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store/store.ts';
import type { WriteHook } from './hooks.ts';

export interface RegistryOptions {
  store: Store;
  schemas: Schemas;
  clock: Clock;
  random: Random;
  /** By `group/resource`: '/services' → addresses and ports (allocators/). */
  hooks?: Readonly<Record<string, WriteHook>>;
}

export interface Engine extends RegistryOptions {
  hookOf(kind: Kind): WriteHook | undefined;
}
