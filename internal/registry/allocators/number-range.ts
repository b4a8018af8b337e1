// Numbers of a range given out one at a time: addresses and ports. What is asked for by number is taken from anywhere; what is not comes
// from the upper part, by chance, so that the lower band stays free for those who choose (KEP-3070, KEP-3668).
import type { Random } from '../../base/random.ts';

export interface NumberRange {
  isFree(number: number): boolean;
  contains(number: number): boolean;
  take(number: number): void;
  /** undefined: the range is full. */
  takeAny(): number | undefined;
  /** From elsewhere. */
  takeAnyOf(first: number, size: number): number | undefined;
  release(number: number): void;
}

/** `isHeld`: numbers that others have, whatever was given out here. */
export function createNumberRange({ first, size, band }: { first: number; size: number; band: number }, random: Random, isHeld: (number: number) => boolean = () => false): NumberRange {
  const taken = new Set<number>();
  const isFree = (number: number): boolean => !taken.has(number) && !isHeld(number);
  const search = (from: number, length: number): number | undefined => {
    const start = Math.floor(random.fraction() * length);
    for (let step = 0; step < length; step++) {
      const number = from + ((start + step) % length);
      if (isFree(number)) return number;
    }
    return undefined;
  };
  const take = (number: number | undefined): number | undefined => {
    if (number !== undefined) taken.add(number);
    return number;
  };
  return {
    isFree,
    contains: (number) => number >= first && number < first + size,
    take: (number) => void taken.add(number),
    takeAny: () => take(search(first + band, size - band) ?? search(first, band)),
    takeAnyOf: (from, length) => take(search(from, length)),
    release: (number) => void taken.delete(number),
  };
}
