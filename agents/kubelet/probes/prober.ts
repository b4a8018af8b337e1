// Probes of one running container, on timers: startup first, then liveness and readiness. Nothing runs between two probes.
//
//   startup ──success──► liveness, readiness, each every periodSeconds        (none: at once)
//      └─ failure after failureThreshold ──► the plan kills the container, and the prober with it
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import type { Container, Probe } from '../../../internal/kinds/generated/api-types.ts';
import type { ProbeOutcome, ProbeState } from '../pod-state.ts';
import type { ProbeResult } from './probe-run.ts';

type ProbeType = 'startup' | 'liveness' | 'readiness';
const NAMES: Record<ProbeType, string> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

export interface ProberOptions {
  container: Container;
  startedAt: number;
  clock: Clock;
  /** Epoch ms before which no probe starts: spreads the probes of adopted containers. */
  notBefore?: number;
  run(probe: Probe): Promise<ProbeResult>;
  onChange(): void;
  event(reason: 'Unhealthy' | 'ProbeWarning', message: string): void;
  /** Adopted with these outcomes, so that a restart of Skiff does not make a ready pod unready. */
  initial?: ProbeState;
}

export interface Prober {
  readonly state: ProbeState;
  /** Name of the container. */
  readonly container: string;
  /** How often, by `Liveness successful`. */
  readonly counts: ReadonlyMap<string, number>;
  /** A pod that ends is still probed for readiness, and no longer killed for its health. */
  readinessOnly(): void;
  stop(): void;
}

export function createProber(options: ProberOptions): Prober {
  const { container, clock } = options;
  const state: ProbeState = {
    ...(container.startupProbe !== undefined && { startup: 'unknown' as const }), ...(container.livenessProbe !== undefined && { liveness: 'success' as const }),
    ...(container.readinessProbe !== undefined && { readiness: 'failure' as const }), ...options.initial,
  };
  const running = new Map<ProbeType, { stop(): void }>();
  const counts = new Map<string, number>();
  let stopped = false;

  function begin(type: ProbeType, probe: Probe | undefined): void {
    if (probe === undefined || stopped || running.has(type)) return;
    running.set(type, repeat({ probe, clock, firstAt: Math.max(options.startedAt + (probe.initialDelaySeconds ?? 0) * 1000, options.notBefore ?? 0), run: async () => {
      const result = await options.run(probe);
      if (!stopped) tell(type, result);
      return result.outcome === 'warning' ? 'success' : result.outcome;
    }, settled: (outcome) => settle(type, outcome) }));
  }

  function tell(type: ProbeType, { outcome, output }: ProbeResult): void {
    const key = `${NAMES[type]} ${outcome === 'failure' ? 'failed' : outcome === 'unknown' ? 'unknown' : 'successful'}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (outcome === 'failure') options.event('Unhealthy', `${NAMES[type]} probe failed: ${output}`);
    if (outcome === 'unknown') options.event('Unhealthy', `${NAMES[type]} probe errored and resulted in unknown state: ${output}`);
    if (outcome === 'warning') options.event('ProbeWarning', `${NAMES[type]} probe warning: ${output}`);
  }

  /** False: no more of this probe. */
  function settle(type: ProbeType, outcome: ProbeOutcome): boolean {
    if (stopped) return false;
    const changed = state[type] !== outcome;
    state[type] = outcome;
    if (type === 'startup' && outcome === 'success') {
      begin('readiness', container.readinessProbe);
      begin('liveness', container.livenessProbe);
    }
    if (changed) options.onChange();
    return type === 'readiness' || (type === 'liveness' && outcome === 'success');
  }

  if (container.startupProbe !== undefined && state.startup !== 'success') begin('startup', container.startupProbe);
  else {
    begin('readiness', container.readinessProbe);
    begin('liveness', container.livenessProbe);
  }
  return {
    state, counts, container: container.name,
    readinessOnly() {
      for (const type of ['startup', 'liveness'] as const) running.get(type)?.stop();
    },
    stop() {
      stopped = true;
      for (const probe of running.values()) probe.stop();
    },
  };
}

interface Repetition {
  probe: Probe;
  clock: Clock;
  firstAt: number;
  run(): Promise<'success' | 'failure' | 'unknown'>;
  settled(outcome: 'success' | 'failure'): boolean;
}

/** Runs once a period, one at a time, and reports an outcome when it has come often enough in a row. */
function repeat({ probe, clock, firstAt, run, settled }: Repetition): { stop(): void } {
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  let timer: Timer | undefined;
  let stopped = false;
  let last: string | undefined;
  let row = 0;
  async function tick(): Promise<void> {
    const begun = clock.monotonicMs();
    const outcome = await run().catch(() => 'failure' as const);
    if (stopped) return;
    if (outcome !== 'unknown') {
      row = outcome === last ? row + 1 : 1;
      last = outcome;
      const needed = outcome === 'success' ? probe.successThreshold ?? 1 : probe.failureThreshold ?? 3;
      if (row >= needed && !settled(outcome)) return;
    }
    if (!stopped) timer = clock.setTimer(Math.max(0, periodMs - (clock.monotonicMs() - begun)), () => void tick());
  }
  timer = clock.setTimer(Math.max(0, firstAt - clock.now()), () => void tick());
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
