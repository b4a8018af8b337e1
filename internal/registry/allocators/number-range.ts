// Numbers of a range given out one at a time: addresses and ports. What is asked for by number is taken from anywhere; what is not comes
// from the upper part, by chance, so that the lower band stays free for those who choose (KEP-3070, KEP-3668).
import type { Random } from '../../base/random.ts';

export interface NumberRange {
  isFree(number: number): boolean;
  contains(number: number): boolean;
  take(number: number): void;
  /** undefined: the range is full. */
  takeAny(): number | undefined;
  release(number: number): void;
}

export function createNumberRange({ first, size, band }: { first: number; size: number; band: number }, random: Random): NumberRange {
  const taken = new Set<number>();
  const search = (from: number, length: number): number | undefined => {
    const start = Math.floor(random.fraction() * length);
    for (let step = 0; step < length; step++) {
      const number = from + ((start + step) % length);
      if (!taken.has(number)) return number;
    }
    return undefined;
  };
  return {
    isFree: (number) => !taken.has(number),
    contains: (number) => number >= first && number < first + size,
    take: (number) => void taken.add(number),
    takeAny() {
      const number = search(first + band, size - band) ?? search(first, band);
      if (number !== undefined) taken.add(number);
      return number;
    },
    release: (number) => void taken.delete(number),
  };
}
