// Priority and fairness: each request over the network takes a seat of its priority level while it is answered, by the FlowSchemas and
// PriorityLevelConfigurations of the cluster, which may change at any time. Watches and streams hold a seat only until they have begun. Calls within
// the process take none: they are the cluster's own.
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../kinds/generated/api-types.ts';
import type { Store } from '../../store/store.ts';
import type { Attributes } from '../../authz/attributes.ts';
import { classify, inOrder } from './flow-schemas.ts';
import { createLevel, type Level, type LevelSettings } from './priority-level.ts';

export interface Seat {
  /** Tell the client what it was counted to. */
  headers: Readonly<Record<string, string>>;
  /** Once, when the answer is made or the stream has begun. */
  leave(): void;
}

export interface Fairness {
  /** `gone` gives a signal of the client's leaving, asked for when there is to be a wait. StatusError TooManyRequests. */
  enter(asked: Attributes, gone: () => AbortSignal): Seat | Promise<Seat>;
  /** Requests in hand that read, and that write: upstream's gauges. */
  readonly reading: number;
  readonly writing: number;
}

/** Upstream's --max-requests-inflight and --max-mutating-requests-inflight together. */
const SEATS = 600;
const GROUP = 'flowcontrol.apiserver.k8s.io';
const FLOW_SCHEMAS = { group: GROUP, resource: 'flowschemas' };
const LEVELS = { group: GROUP, resource: 'prioritylevelconfigurations' };
const CATCH_ALL = 'catch-all';
const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head']);
const SHARES_DEFAULT = 30;

interface Held {
  uid: string;
  level: Level;
  nominal: number;
  /** Seats that others may use while this level does not, and how many it may take from others. */
  lendable: number;
  borrowable: number;
}

export function createFairness({ store, clock, seats = SEATS }: { store: Store; clock: Clock; seats?: number }): Fairness {
  let schemas: FlowSchema[] | undefined;
  let stale = true;
  const levels = new Map<string, Held>();
  let [reading, writing] = [0, 0];
  store.watch(FLOW_SCHEMAS, store.revision, { onChange: () => void (schemas = undefined) });
  store.watch(LEVELS, store.revision, { onChange: () => void (stale = true) });

  const refresh = (): void => {
    stale = false;
    const configured = listed<PriorityLevelConfiguration>(store, LEVELS);
    const shares = configured.reduce((sum, level) => sum + sharesOf(level), 0);
    for (const config of configured) {
      const { name, uid } = config.metadata;
      const found = settingsOf(config, seats, shares);
      const held = levels.get(name);
      if (held === undefined) levels.set(name, { ...found, uid, level: createLevel(found.settings, () => seatsNow(name), clock) });
      else {
        Object.assign(held, found, { uid });
        held.level.settings = found.settings;
      }
    }
    for (const name of levels.keys()) if (!configured.some(({ metadata }) => metadata.name === name)) levels.delete(name);
  };
  const seatsNow = (name: string): number => {
    const own = levels.get(name);
    if (own === undefined) return 0;
    let lent = 0;
    for (const [other, { level, nominal, lendable }] of levels) if (other !== name) lent += Math.max(0, Math.min(lendable, nominal - level.inHand));
    return own.nominal + Math.min(own.borrowable, lent);
  };
  const seatIn = (held: Held, schema: FlowSchema, writes: boolean): Seat => {
    if (writes) writing++;
    else reading++;
    let left = false;
    return {
      headers: { 'x-kubernetes-pf-flowschema-uid': schema.metadata.uid, 'x-kubernetes-pf-prioritylevel-uid': held.uid },
      leave() {
        if (left) return;
        left = true;
        if (writes) writing--;
        else reading--;
        held.level.leave();
        for (const { level } of levels.values()) if (level.waiting > 0) level.dispatch();
      },
    };
  };

  return {
    enter(asked, gone) {
      schemas ??= inOrder(listed<FlowSchema>(store, FLOW_SCHEMAS));
      if (stale) refresh();
      const found = classify(schemas, asked);
      const held = found === undefined ? undefined : (levels.get(found.schema.spec?.priorityLevelConfiguration.name ?? '') ?? levels.get(CATCH_ALL));
      // A cluster whose configuration was taken away still answers.
      if (found === undefined || held === undefined) return FREE;
      const writes = asked.isResource && !READING.has(asked.verb);
      const waiting = held.level.enter(found.flow, gone);
      return waiting === undefined ? seatIn(held, found.schema, writes) : waiting.then(() => seatIn(held, found.schema, writes));
    },
    get reading() {
      return reading;
    },
    get writing() {
      return writing;
    },
  };
}

const FREE: Seat = { headers: {}, leave: () => {} };

function listed<T extends KubeObject>(store: Store, resource: { group: string; resource: string }): T[] {
  const objects: T[] = [];
  store.list(resource, {
    visit(object) {
      objects.push(object as T);
      return true;
    },
  });
  return objects;
}

function sharesOf({ spec }: PriorityLevelConfiguration): number {
  return spec?.type === 'Exempt' ? (spec.exempt?.nominalConcurrencyShares ?? 0) : (spec?.limited?.nominalConcurrencyShares ?? SHARES_DEFAULT);
}

function settingsOf(config: PriorityLevelConfiguration, seats: number, shares: number): { settings: LevelSettings; nominal: number; lendable: number; borrowable: number } {
  const { spec } = config;
  const nominal = Math.ceil((seats * sharesOf(config)) / Math.max(1, shares));
  const part = (percent: number): number => Math.round((nominal * percent) / 100);
  if (spec?.type === 'Exempt') return { nominal, lendable: part(spec.exempt?.lendablePercent ?? 0), borrowable: 0, settings: { seats: undefined, queues: 0, handSize: 0, queueLengthMax: 0 } };
  const { lendablePercent = 0, borrowingLimitPercent, limitResponse } = spec?.limited ?? {};
  const queuing = limitResponse?.type === 'Queue' ? limitResponse.queuing : undefined;
  return {
    nominal, lendable: part(lendablePercent), borrowable: borrowingLimitPercent === undefined ? Infinity : part(borrowingLimitPercent),
    settings: { seats: nominal, queues: queuing?.queues ?? 0, handSize: queuing?.handSize ?? 0, queueLengthMax: queuing?.queueLengthLimit ?? 0 },
  };
}
