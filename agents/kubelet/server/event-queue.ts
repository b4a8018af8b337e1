// Values that come when they come, read with `for await`: terminal sizes.

export interface EventQueue<T> extends AsyncIterable<T> {
  push(value: T): void;
  end(): void;
}

export function createEventQueue<T>(): EventQueue<T> {
  const values: T[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  return {
    push(value) {
      values.push(value);
      wake?.();
    },
    end() {
      ended = true;
      wake?.();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (values.length > 0) yield values.shift() as T;
        if (ended) return;
        await new Promise<void>((resolve) => { wake = resolve; });
      }
    },
  };
}
