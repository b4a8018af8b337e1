// How changes are heard of. CRI's own events where the runtime has them (containerd 1.7, CRI-O); else containerd's events, from the same
// socket; else by asking each second. A slow round over everything goes on beside them: an event can be lost while a connection breaks.
import { delay, type Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { CriClient } from './client.ts';
import { CODE, GrpcError } from '../../grpc/client.ts';
import { decode } from './messages.ts';
import type { Mirror } from './mirror.ts';

const ROUND_MS = 10_000;
const ROUND_WITHOUT_EVENTS_MS = 1000;
const AGAIN_MS = 1000;
/** After events were asked for: nothing says from when on they are told. */
const UNSURE_MS = 3000;
/** Containerd tells that a task ended before its CRI part has taken note of it. */
const SETTLING_MS = [0, 5, 20, 80, 320, 1000];
const FILTERS = ['namespace==k8s.io,topic=="/tasks/exit"', 'namespace==k8s.io,topic=="/tasks/oom"'];

export interface Watch {
  start(): void;
  stop(): void;
  /** Why the runtime cannot be used; '' when it can. */
  problem(): string;
}

export interface WatchOptions {
  client: CriClient;
  mirror: Mirror;
  clock: Clock;
  log: Log;
}

export function createWatch({ client, mirror, clock, log }: WatchOptions): Watch {
  const over = new AbortController();
  let heardFrom = Infinity;
  let problem = '';

  async function settle(id: string): Promise<void> {
    if (mirror.sandboxes.has(id)) return void (await mirror.lookAtSandbox(id));
    for (const waitMs of SETTLING_MS) {
      if (waitMs > 0) await delay(clock, waitMs, over.signal);
      const known = mirror.containers.get(id); // it may be starting still
      if (known === undefined || known.state === 'exited' || (await mirror.look(id))?.state === 'exited') return;
    }
  }
  const changed = (id: string): void => void settle(id).catch((error: unknown) => {
    if (!over.signal.aborted) log.debug('a container could not be looked at', { id, error: messageOf(error) });
  });

  const ways: (() => Promise<void>)[] = [
    () => client.stream('containerEvents', {}, ({ id }) => changed(id), over.signal),
    () => client.stream('containerdEvents', { filters: FILTERS }, ({ event }) => {
      const { containerId, id } = decode('TaskEvent', event?.value ?? new Uint8Array());
      if (id === '' || id === containerId) changed(containerId); // else the end of an exec
    }, over.signal),
  ];

  async function listen(): Promise<void> {
    while (!over.signal.aborted && ways.length > 0) {
      heardFrom = clock.monotonicMs();
      const failure = await ways[0]?.().catch((error: unknown) => error);
      if (failure instanceof GrpcError && failure.code === CODE.unimplemented) {
        ways.shift();
        continue;
      }
      await delay(clock, AGAIN_MS, over.signal);
    }
    heardFrom = Infinity;
  }

  async function rounds(): Promise<void> {
    while (!over.signal.aborted) {
      problem = await look();
      await delay(clock, problem === '' && clock.monotonicMs() - heardFrom > UNSURE_MS ? ROUND_MS : ROUND_WITHOUT_EVENTS_MS, over.signal);
    }
  }

  async function look(): Promise<string> {
    try {
      const { status } = await client.call('status', {}, { signal: over.signal });
      await mirror.refresh();
      return (status?.conditions ?? []).filter((condition) => !condition.status).map(({ type, reason, message }) => `container runtime ${type === 'NetworkReady' ? 'network ' : ''}not ready: ${type}=false reason:${reason} message:${message}`).join(', ');
    } catch (error) {
      return `container runtime is down: ${messageOf(error)}`;
    }
  }

  return {
    start() {
      for (const loop of [listen, rounds]) {
        loop().catch((error: unknown) => {
          if (!over.signal.aborted) log.error('the container runtime is watched no more', { error: messageOf(error) });
        });
      }
    },
    stop: () => over.abort(new Error('stopped')),
    problem: () => problem,
  };
}
