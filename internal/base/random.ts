// Chance, injected: uids, name suffixes, jitter. Tests pass a seeded one.
import { randomBytes, randomUUID } from 'node:crypto';

export interface Random {
  uuid(): string;
  /** A number in [0, 1). */
  fraction(): number;
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  bytes: (count) => randomBytes(count),
};

// Upstream's alphabet for generated names: no vowels (no words), no easily confused signs.
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A suffix for `generateName`, from upstream's alphabet. */
export function nameSuffix(random: Random, length = 5): string {
  return Array.from({ length }, () => NAME_ALPHABET.charAt(Math.floor(random.fraction() * NAME_ALPHABET.length))).join('');
}
