// Things done in order although some have to wait: at once while nothing waits, else after what came before.

export interface Turns {
  /** Does it when `wait` has resolved and everything before is done; in the same breath when there is nothing to wait for. */
  take(wait: Promise<void> | undefined, act: () => void): void;
}

/** `onFailure`: a wait has failed; nothing is done after it. */
export function createTurns(onFailure: (error: unknown) => void): Turns {
  let last: Promise<void> | undefined;
  let failed = false;
  return {
    take(wait, act) {
      if (failed) return;
      if (wait === undefined && last === undefined) return act();
      const turn: Promise<void> = Promise.all([last, wait]).then(() => {
        if (!failed) act();
      }).catch((error: unknown) => {
        if (!failed) onFailure(error);
        failed = true;
      }).finally(() => {
        if (last === turn) last = undefined;
      });
      last = turn;
    },
  };
}
