// Events live for an hour after they last happened, then go: from memory, without a write for each.
import type { Clock, Timer } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import { isReason } from '../base/errors.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Store } from '../store/store.ts';

const EVENT_TTL_MS = 60 * 60_000;
const SWEEP_MS = 60_000;
const EVENTS = { group: '', resource: 'events' };

export function createEventExpiry({ store, clock }: { store: Store; clock: Clock }): Component {
  let timer: Timer | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  const arm = (): void => {
    timer = clock.setTimer(SWEEP_MS, () => {
      sweeping = sweep(store, clock.now() - EVENT_TTL_MS).finally(arm);
    });
  };
  return {
    name: 'event-expiry',
    start() {
      arm();
      return Promise.resolve();
    },
    async stop() {
      timer?.cancel();
      await sweeping;
      timer?.cancel();
    },
  };
}

async function sweep(store: Store, before: number): Promise<void> {
  const old: KubeObject[] = [];
  store.list(EVENTS, {
    visit(object) {
      if (lastHappened(object) < before) old.push(object);
      return true;
    },
  });
  await Promise.all(old.map(({ metadata: { namespace = '', name, resourceVersion } }) => store.delete(EVENTS, { namespace, name }, resourceVersion, 'relaxed').catch(ignoreRaces)));
}

function ignoreRaces(error: unknown): void {
  if (!isReason(error, 'Conflict', 'NotFound', 'ServiceUnavailable')) throw error;
}

interface Times {
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { lastObservedTime?: string };
}

function lastHappened(object: KubeObject): number {
  const { lastTimestamp, eventTime, series } = object as KubeObject & Times;
  const times = [object.metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0));
}
