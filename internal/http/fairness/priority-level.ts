// A priority level: so many requests in hand at once; more wait in queues, each flow in few of them (shuffle sharding), and the queues take turns.
// So a flow that floods its own queues leaves others their share (upstream: apiserver/pkg/util/flowcontrol/fairqueuing).
import { hash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { StatusError } from '../../base/errors.ts';

export interface LevelSettings {
  /** undefined: no limit at all (exempt). */
  seats: number | undefined;
  /** Queues of a level that rejects: none. */
  queues: number;
  handSize: number;
  queueLengthMax: number;
}

export interface Level {
  settings: LevelSettings;
  readonly inHand: number;
  readonly waiting: number;
  /** Takes a place at once, or waits for one. StatusError TooManyRequests when it may not wait, or has waited long. */
  enter(flow: string, gone: () => AbortSignal): undefined | Promise<void>;
  leave(): void;
  /** Lets in who waits, as far as `seatsNow` allows. */
  dispatch(): void;
}

interface Waiter {
  let(): void;
}

interface Queue {
  waiters: Waiter[];
  /** Turns it has had, on a clock that all queues of the level share: the least is next. */
  turns: number;
}

/** A quarter of the time a request may take. */
const WAIT_MAX_MS = 15_000;

/** `seatsNow`: its own seats and what others lend it at the moment. */
export function createLevel(initial: LevelSettings, seatsNow: () => number, clock: Clock): Level {
  const queues: Queue[] = [];
  let inHand = 0;
  let waiting = 0;
  const level: Level = {
    settings: initial,
    get inHand() {
      return inHand;
    },
    get waiting() {
      return waiting;
    },
    enter(flow, gone) {
      if (level.settings.seats === undefined || (waiting === 0 && inHand < seatsNow())) return void inHand++;
      const queue = queueFor(flow);
      if (queue === undefined || queue.waiters.length >= level.settings.queueLengthMax) throw tooMany();
      return wait(queue, gone());
    },
    leave() {
      inHand--;
    },
    dispatch() {
      while (waiting > 0 && (level.settings.seats === undefined || inHand < seatsNow())) {
        const next = queues.reduce<Queue | undefined>((least, queue) => (queue.waiters.length > 0 && (least === undefined || queue.turns < least.turns) ? queue : least), undefined);
        if (next === undefined) return;
        next.turns++;
        next.waiters.shift()?.let();
      }
    },
  };

  /** The shortest of the few that the flow may use. */
  const queueFor = (flow: string): Queue | undefined => {
    const { queues: count, handSize } = level.settings;
    while (queues.length < count) queues.push({ waiters: [], turns: 0 });
    return handOf(flow, count, handSize).map((at) => queues[at] as Queue).reduce<Queue | undefined>((least, queue) => (least === undefined || queue.waiters.length < least.waiters.length ? queue : least), undefined);
  };

  const wait = (queue: Queue, signal: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
    // One that was empty has no old turns to its credit.
    const least = Math.min(...queues.filter(({ waiters }) => waiters.length > 0).map(({ turns }) => turns));
    if (queue.waiters.length === 0 && Number.isFinite(least)) queue.turns = Math.max(queue.turns, least);
    const end = (): void => {
      waiting--;
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };
    const giveUp = (error: unknown): void => {
      const at = queue.waiters.indexOf(waiter);
      if (at < 0) return;
      queue.waiters.splice(at, 1);
      end();
      reject(error as Error);
    };
    const onAbort = (): void => giveUp(signal.reason);
    const waiter: Waiter = {
      let() {
        end();
        inHand++;
        resolve();
      },
    };
    const timer = clock.setTimer(WAIT_MAX_MS, () => giveUp(tooMany()));
    signal.addEventListener('abort', onAbort, { once: true });
    queue.waiters.push(waiter);
    waiting++;
  });

  return level;
}

/** `size` different queues, the same for a flow each time: cards dealt by its hash. */
export function handOf(flow: string, queues: number, size: number): number[] {
  let rest = hash('sha256', flow, 'buffer').readBigUInt64LE();
  const hand: number[] = [];
  for (let dealt = 0; dealt < Math.min(size, queues); dealt++) {
    const left = BigInt(queues - dealt);
    let card = Number(rest % left);
    rest /= left;
    for (const earlier of [...hand].sort((a, b) => a - b)) if (card >= earlier) card++;
    hand.push(card);
  }
  return hand;
}

function tooMany(): StatusError {
  return new StatusError('TooManyRequests', 'too many requests, please try again later', { details: { retryAfterSeconds: 1 } });
}
