// All pods of the node ended by what stands written on them, without the API and without a kubelet that runs: with their preStop hooks, the
// signal and the grace period each was started with; in each pod sidecars after the others; critical pods after all others, as at a shutdown of the
// node (KEP-2000). Sandboxes and records stay, as after a reboot: when Skiff starts again the pods go on by their restart policy.
import type { Clock } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import type { Log } from '../../internal/base/log.ts';
import type { Container, LifecycleHandler, Pod } from '../../internal/kinds/generated/api-types.ts';
import type { ContainerStatus, Runtime, SandboxStatus } from '../runtime/runtime.ts';
import { runPreStop } from './hooks.ts';
import { ANNOTATION } from './labels.ts';

export interface EndPodsOptions {
  runtime: Runtime;
  clock: Clock;
  log: Log;
  /** No container gets more than this; default: what its pod says. */
  graceMaxMs?: number;
  /** Of critical pods; default: the same. */
  criticalMaxMs?: number;
  /** Told of each pod when it has ended. */
  ended?(sandbox: SandboxStatus): void;
}

const CRITICAL_PRIORITY = 2_000_000_000;
const DEFAULT_GRACE_SECONDS = 30;
/** What a container gets at least after its preStop hook has used up the time (upstream's). */
const AFTER_HOOK_MS = 2000;

export async function endPods(options: EndPodsOptions): Promise<void> {
  const sandboxes = options.runtime.listSandboxes();
  const critical = (sandbox: SandboxStatus): boolean => containersOf(options, sandbox).some(({ config }) => Number(config.annotations[ANNOTATION.priority] ?? '0') >= CRITICAL_PRIORITY);
  await Promise.all(sandboxes.filter((sandbox) => !critical(sandbox)).map((sandbox) => endPod(options, sandbox)));
  const { criticalMaxMs = options.graceMaxMs } = options;
  const last = { ...options, ...(criticalMaxMs !== undefined && { graceMaxMs: criticalMaxMs }) };
  await Promise.all(sandboxes.filter(critical).map((sandbox) => endPod(last, sandbox)));
}

async function endPod(options: EndPodsOptions, sandbox: SandboxStatus): Promise<void> {
  const running = containersOf(options, sandbox).filter(({ state }) => state === 'running' || state === 'created');
  const isSidecar = ({ config }: ContainerStatus): boolean => config.annotations[ANNOTATION.sidecar] === 'true';
  const deadline = options.clock.monotonicMs() + Math.max(0, ...running.map((container) => graceMs(container, options)));
  await Promise.all(running.filter((container) => !isSidecar(container)).map((container) => endContainer(options, sandbox, { container, deadline })));
  // The last started is the first to go: it may need those before it.
  for (const container of running.filter(isSidecar).sort((a, b) => b.createdAt - a.createdAt)) await endContainer(options, sandbox, { container, deadline });
  await options.runtime.stopSandbox(sandbox.id).catch((error: unknown) => options.log.warn('sandbox could not be stopped', { pod: sandbox.config.name, error: messageOf(error) }));
  options.ended?.(sandbox);
}

async function endContainer(options: EndPodsOptions, sandbox: SandboxStatus, { container, deadline }: { container: ContainerStatus; deadline: number }): Promise<void> {
  const { runtime, clock, log } = options;
  const grace = Math.min(graceMs(container, options), Math.max(AFTER_HOOK_MS, deadline - clock.monotonicMs()));
  const target = hookTarget(sandbox, container);
  const node = { runtime, clock, log, event: () => {} };
  const tookMs = target === undefined || container.state !== 'running' ? 0 : await runPreStop(target, grace, node);
  await runtime.stopContainer(container.id, tookMs === 0 ? grace : Math.max(AFTER_HOOK_MS, grace - tookMs))
    .catch((error: unknown) => log.warn('container could not be stopped', { pod: sandbox.config.name, container: container.config.name, error: messageOf(error) }));
}

function graceMs({ config }: ContainerStatus, { graceMaxMs = Infinity }: EndPodsOptions): number {
  return Math.min(graceMaxMs, Number(config.annotations[ANNOTATION.gracePeriod] ?? DEFAULT_GRACE_SECONDS) * 1000);
}

/** As much of the pod as a hook's run and its messages need. */
function hookTarget({ config, ips }: SandboxStatus, container: ContainerStatus): Parameters<typeof runPreStop>[0] | undefined {
  const text = container.config.annotations[ANNOTATION.preStop];
  if (text === undefined) return undefined;
  const { hook, ports } = JSON.parse(text) as { hook: LifecycleHandler; ports: NonNullable<Container['ports']> };
  return {
    pod: { metadata: { namespace: config.namespace, name: config.name, uid: config.uid } } as Pod,
    container: { name: container.config.name, lifecycle: { preStop: hook }, ports },
    id: container.id,
    podIps: ips.length > 0 ? ips : ['127.0.0.1'],
  };
}

function containersOf({ runtime }: EndPodsOptions, { id }: SandboxStatus): ContainerStatus[] {
  return runtime.listContainers(id);
}
