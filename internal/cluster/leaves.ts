// The server's own certificates while it runs: held in memory, looked at each minute, and issued anew in time, or when they have ended (a
// clock that was set), or when the server has a name or address that they lack. Who serves with one is told.
import type { Clock, Timer } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isFor, renewAt, type Authority, type AuthorityName, type LeafRequest } from './authority.ts';
import type { KeyPair } from './certificate.ts';

export interface HeldRequest extends Omit<LeafRequest, 'names'> {
  /** Its name on disk. */
  file: string;
  ca: AuthorityName;
  /** As they are now. */
  names?(): readonly string[];
}

export interface Leaf {
  readonly current: KeyPair;
  onRenewed(listener: (pair: KeyPair) => void): void;
}

export interface Leaves extends Component {
  hold(request: HeldRequest): Leaf;
}

const LOOK_MS = 60_000;
const LOOK_MIN_MS = 500;

interface Held {
  look(): void;
  dueAt(): number;
}

export function createLeaves({ authority, clock, log }: { authority: Authority; clock: Clock; log: Log }): Leaves {
  const held: Held[] = [];
  let timer: Timer | undefined;

  // Also without a certificate that is due: clocks are set, and timers do not notice.
  const arm = (): void => {
    const dueInMs = Math.min(...held.map(({ dueAt }) => dueAt())) - clock.now();
    timer = clock.setTimer(Math.max(LOOK_MIN_MS, Math.min(LOOK_MS, dueInMs)), look);
  };
  const look = (): void => {
    for (const { look: lookAt } of held) lookAt();
    arm();
  };

  return {
    name: 'certificates',
    hold(request) {
      const listeners: ((pair: KeyPair) => void)[] = [];
      const issue = (): KeyPair => authority.leaf(request.file, request.ca, leafRequest(request));
      const dueOf = ({ certificate }: KeyPair): number => renewAt(certificate, authority[request.ca].certificate, authority.leafLifetimeMs);
      let pair = issue();
      let dueAt = dueOf(pair);
      let names = namesOf(request);
      const renew = (): void => {
        const next = issue();
        [dueAt, names] = [dueOf(next), namesOf(request)];
        if (next.certificate === pair.certificate) return;
        pair = next;
        log.info('certificate renewed', { certificate: request.file });
        for (const listener of listeners) listener(pair);
      };
      held.push({
        dueAt: () => dueAt,
        look() {
          if (clock.now() < dueAt && (namesOf(request) === names || isFor(pair.certificate, request.names?.() ?? []))) return;
          try {
            renew();
          } catch (error) {
            log.warn('a certificate could not be renewed, trying again', { certificate: request.file, error: messageOf(error) });
          }
        },
      });
      return {
        get current() {
          return pair;
        },
        onRenewed: (listener) => void listeners.push(listener),
      };
    },
    start() {
      arm();
      return Promise.resolve();
    },
    stop() {
      timer?.cancel();
      return Promise.resolve();
    },
  };
}

function leafRequest({ subject, usages, names }: HeldRequest): LeafRequest {
  return { subject, usages, ...(names !== undefined && { names: names() }) };
}

function namesOf({ names }: HeldRequest): string {
  return names?.().join(' ') ?? '';
}
