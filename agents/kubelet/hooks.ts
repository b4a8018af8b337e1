// postStart and preStop: exec in the container, an HTTP GET, or a sleep. postStart that fails kills the container; preStop is waited for no
// longer than the grace period.
import { delay } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import type { Container, LifecycleHandler, Pod } from '../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from './node-context.ts';
import { gracePeriodMs, podInMessages } from './pod-spec.ts';
import { getOverHttp, httpTarget } from './probes/http-get.ts';
import { runInContainer } from './probes/exec.ts';
import { StartError } from './start-error.ts';

/** What a hook needs of the node. */
export type HookGround = Pick<NodeContext, 'runtime' | 'clock' | 'log' | 'event'>;

export interface HookTarget {
  pod: Pod;
  container: Container;
  id: string;
  podIps: readonly string[];
}

export async function runPostStart(target: HookTarget, node: NodeContext): Promise<void> {
  const hook = target.container.lifecycle?.postStart;
  if (hook === undefined) return;
  try {
    await runHook(hook, target, node);
  } catch (error) {
    const { pod, container } = target;
    node.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name);
    node.event(pod, 'Normal', 'Killing', 'FailedPostStartHook', container.name);
    await runPreStop(target, gracePeriodMs(pod), node);
    await node.runtime.stopContainer(target.id, gracePeriodMs(pod));
    throw new StartError('PostStartHookError', messageOf(error), { cause: error });
  }
}

/** Gives the milliseconds it took of the grace period. */
export async function runPreStop(target: HookTarget, graceMs: number, node: HookGround): Promise<number> {
  const hook = target.container.lifecycle?.preStop;
  if (hook === undefined || graceMs <= 0) return 0;
  const begun = node.clock.monotonicMs();
  const ended = new AbortController();
  const run = runHook(hook, target, node, ended.signal).catch((error: unknown) => {
    if (ended.signal.aborted && hook.sleep !== undefined) return; // it was to last longer than there is time
    node.event(target.pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', target.container.name);
    node.log.debug('preStop hook failed', { error: messageOf(error) });
  });
  const timer = new AbortController();
  await Promise.race([run, delay(node.clock, graceMs, timer.signal).catch(() => {})]);
  timer.abort();
  ended.abort();
  return node.clock.monotonicMs() - begun;
}

async function runHook(hook: LifecycleHandler, { pod, container, id, podIps }: HookTarget, node: HookGround, signal?: AbortSignal): Promise<void> {
  const where = `for Container "${container.name}" in Pod "${podInMessages(pod)}" failed - error: `;
  if (hook.exec !== undefined) {
    const command = hook.exec.command ?? [];
    const { exitCode, output, errors } = await runInContainer(node.runtime, id, { command, ...(signal !== undefined && { signal }) });
    if (exitCode !== 0) throw new Error(`Exec lifecycle hook ([${command.join(' ')}]) ${where}command '${command.join(' ')}' exited with ${String(exitCode)}: ${errors}, message: ${JSON.stringify(output)}`);
  } else if (hook.httpGet !== undefined) {
    const { status } = await getOverHttp(httpTarget(hook.httpGet, container, podIps[0] ?? ''), { timeoutMs: 30_000, clock: node.clock, fallBackToHttp: true }).catch((error: unknown) => {
      throw new Error(`HTTP lifecycle hook (${hook.httpGet?.path ?? ''}) ${where}${messageOf(error)}`, { cause: error });
    });
    node.log.debug('lifecycle hook answered', { status });
  } else if (hook.sleep !== undefined) {
    await delay(node.clock, hook.sleep.seconds * 1000, signal);
  }
}
