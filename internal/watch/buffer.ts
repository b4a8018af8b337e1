// A consumer that reads at its own pace from a producer that never waits: ordered, bounded. One that falls too far behind is cut off
// (the iteration ends after what it had not read is thrown away) and lists again, as the API allows at any time.

/** What the consumer sees of it: it either iterates, or listens and polls. */
export interface WatchSource<T> extends AsyncIterable<T> {
  /** Has `tell` called at each item that comes and at the end; at once when there is something already. */
  listen(tell: () => void): void;
  /** The next item, when it is there already. */
  poll(): T | undefined;
  /** Ends it, and throws away what is not read. */
  drop(): void;
  /** Nothing more will come; there may be some to read yet. */
  readonly ended: boolean;
}

export interface WatchBuffer<T> extends WatchSource<T> {
  /** Appends, or cuts the consumer off when it is full. Never blocks; no effect once ended. */
  push(item: T): void;
  /** Ends after what is already there has been read. */
  end(): void;
  /** Whether it ended because the consumer could not keep up. */
  readonly overflowed: boolean;
}

export interface WatchBufferOptions {
  /** Items that may wait. Default 4096: a burst of a whole list's changes. */
  itemsMax?: number;
  /** Called once when it has ended, from whichever side. */
  onEnd?(): void;
}

export function createWatchBuffer<T>({ itemsMax = 4096, onEnd }: WatchBufferOptions = {}): WatchBuffer<T> {
  let items: T[] = [];
  let head = 0;
  let ended = false;
  let overflowed = false;
  let waiting: ((result: IteratorResult<T>) => void) | undefined;
  let tell: (() => void) | undefined;

  const end = (): void => {
    if (ended) return;
    ended = true;
    onEnd?.();
    waiting?.({ value: undefined, done: true });
    waiting = undefined;
    tell?.();
  };
  const drop = (): void => {
    items = [];
    head = 0;
    end();
  };
  const take = (): T => {
    const item = items[head++] as T;
    if (head === items.length) {
      items = [];
      head = 0;
    }
    return item;
  };

  return {
    get ended() {
      return ended;
    },
    get overflowed() {
      return overflowed;
    },
    end,
    drop,
    listen(listener) {
      tell = listener;
      if (ended || head < items.length) listener();
    },
    poll: () => (head < items.length ? take() : undefined),
    push(item) {
      if (ended) return;
      if (waiting !== undefined) {
        const resolve = waiting;
        waiting = undefined;
        return resolve({ value: item, done: false });
      }
      if (items.length - head >= itemsMax) {
        overflowed = true;
        return drop();
      }
      items.push(item);
      tell?.();
    },
    [Symbol.asyncIterator]() {
      return {
        next() {
          if (head < items.length) return Promise.resolve({ value: take(), done: false });
          if (ended) return Promise.resolve({ value: undefined, done: true });
          return new Promise<IteratorResult<T>>((resolve) => (waiting = resolve));
        },
        return() {
          drop();
          return Promise.resolve({ value: undefined, done: true });
        },
      };
    },
  };
}
