// Values that are one thing, where JavaScript has none of its own: numbers and times. An int is a number while that is exact and a bigint beyond, always
// normal (`normalInt`), so that doubles need a class.

export type Int = number | bigint;

export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class Uint {
  readonly value: Int;

  constructor(value: Int) {
    this.value = value;
  }
}

export class Timestamp {
  /** Since 1970, whole. */
  readonly seconds: number;
  readonly nanos: number;
  /** East of UTC, of the text it was read from; for writing it again. */
  readonly offsetSeconds: number;

  constructor(seconds: number, nanos: number, offsetSeconds = 0) {
    this.seconds = seconds;
    this.nanos = nanos;
    this.offsetSeconds = offsetSeconds;
  }
}

export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export const INT_MIN = -(2n ** 63n);
export const INT_MAX = 2n ** 63n - 1n;
export const UINT_MAX = 2n ** 64n - 1n;

/** A number where that is exact. */
export function normalInt(value: bigint): Int {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}
