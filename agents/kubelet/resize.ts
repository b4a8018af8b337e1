// Carries an in-place resize out: grants what fits (allocation.ts), widens the pod's cgroup, changes running containers (decreases first),
// and narrows the cgroup at the end. Containers whose resizePolicy asks for it are restarted instead: the plan kills them.
import { messageOf } from '../../internal/base/errors.ts';
import { sameJson } from '../../internal/api/json-equality.ts';
import { compareQuantities } from '../../internal/api/quantity.ts';
import type { Container, Pod, PodCondition, ResourceRequirements } from '../../internal/kinds/generated/api-types.ts';
import type { Resources } from '../runtime/runtime.ts';
import { actuatedOf, type Resize } from './actuation.ts';
import { allocationOf, withAllocation, writeAllocation, type Allocation } from './allocation.ts';
import { containerLimits, limitsWithin } from './cgroups/pod-resources.ts';
import type { NodeContext } from './node-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { findContainer, initContainersOf, mainContainersOf } from './pod-spec.ts';
import type { Rejection } from './steps/rejection.ts';
import { sandboxesOf } from './steps/sandbox.ts';

const RETRY_MS = 10_000;

/** Grants what the pod asks for now, or says why not. True when the grant has changed. */
export function judgeResize(memory: PodMemory, node: NodeContext, fits: () => Rejection | undefined): boolean {
  const { resize, desired } = memory;
  const wanted = allocationOf(desired);
  if (memory.ending !== undefined || sameJson(wanted, memory.allocation)) {
    delete resize.pending;
    return false;
  }
  const refusal = fits();
  if (refusal !== undefined) {
    const first = resize.pending === undefined;
    const { message } = refusal;
    resize.pending = { reason: 'Deferred', message };
    if (first) node.event(desired, 'Warning', 'ResizeDeferred', summary('Pod resize Deferred', desired, message));
    return false;
  }
  const before = memory.pod;
  memory.allocation = wanted;
  memory.pod = withAllocation(desired, wanted);
  writeAllocation(desired.metadata.uid, wanted, node);
  delete resize.pending;
  Object.assign(resize, { inProgress: {}, retryAt: 0 });
  node.event(desired, 'Normal', 'ResizeStarted', summary('Pod resize started', desired));
  if (memory.standing !== undefined) {
    resize.widened = node.cgroups.widen(before, memory.pod);
    resize.widened.catch(() => {}); // told where it is waited for
  }
  return true;
}

function summary(text: string, { spec, metadata }: Pod, error?: string): string {
  const list = (containers: readonly Container[]): object[] => containers.map(({ name, resources: { limits, requests } = {} }) => ({ name, resources: { ...(limits !== undefined && { limits: sorted(limits) }), ...(requests !== undefined && { requests: sorted(requests) }) } }));
  return `${text}: ${JSON.stringify({ ...(spec.initContainers !== undefined && { initContainers: list(spec.initContainers) }), containers: list(spec.containers), generation: metadata.generation, ...(error !== undefined && { error }) })}`;
}

function sorted(amounts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function resizeConditions({ pending, inProgress }: Resize): Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>[] {
  return [
    ...(pending === undefined ? [] : [{ type: 'PodResizePending', status: 'True', ...pending }]),
    ...(inProgress === undefined ? [] : [{ type: 'PodResizeInProgress', status: 'True', ...inProgress }]),
  ];
}

/** Brings running containers to what is granted, beside the worker's turns. */
export function actuateResize(memory: PodMemory, node: NodeContext, wake: () => void): void {
  const { resize } = memory;
  if (resize.busy || memory.ending !== undefined || memory.standing === undefined || resize.retryAt > node.clock.now()) return;
  const changes = changesOf(memory, node);
  if (changes.length === 0 && resize.inProgress === undefined) return;
  if (changes.length === 0 && (memory.starting.size > 0 || memory.stopping.size > 0)) return;
  if (changes.length > 0) resize.inProgress ??= {};
  if (changes.length > 0 && changes.every(({ spec, from }) => needsRestart(spec, from))) return;
  resize.busy = true;
  apply(changes, memory, node).then(
    (complete) => {
      if (!complete) return;
      delete resize.inProgress;
      node.event(memory.pod, 'Normal', 'ResizeCompleted', summary('Pod resize completed', memory.pod));
    },
    (error: unknown) => {
      const told = resize.inProgress?.message === messageOf(error);
      resize.inProgress = { reason: 'Error', message: messageOf(error) };
      resize.retryAt = node.clock.now() + RETRY_MS;
      if (!told) node.event(memory.pod, 'Warning', 'ResizeError', summary('Pod resize error', memory.pod, messageOf(error)));
    },
  ).finally(() => {
    resize.busy = false;
    wake();
  });
}

interface Change {
  id: string;
  spec: Container;
  from: ResourceRequirements;
}

function changesOf({ pod, resize, stopping }: PodMemory, node: NodeContext): Change[] {
  const sandbox = sandboxesOf(node, pod.metadata.uid)[0];
  return (sandbox === undefined ? [] : node.runtime.listContainers(sandbox.id)).flatMap((container): Change[] => {
    const spec = findContainer(pod, container.config.name)?.spec;
    if (spec === undefined || container.state !== 'running' || stopping.has(container.id)) return [];
    const from = actuatedOf(container, resize);
    return differing(from, spec.resources).length === 0 ? [] : [{ id: container.id, spec, from }];
  });
}

/** False: containers are still to be restarted, or more has been granted meanwhile. */
async function apply(changes: readonly Change[], memory: PodMemory, node: NodeContext): Promise<boolean> {
  await memory.resize.widened;
  const inPlace = changes.filter(({ spec, from }) => !needsRestart(spec, from)).sort((a, b) => memoryStep(a) - memoryStep(b));
  await checkMemory(inPlace, node);
  for (const { id, spec, from } of inPlace) {
    const resources = spec.resources ?? {};
    await node.runtime.updateResources(id, updateOf(from, resources));
    memory.resize.actuated.set(id, resources);
  }
  await updateInherited(memory, node);
  if (changesOf(memory, node).length > 0 || memory.starting.size > 0 || memory.stopping.size > 0) return false;
  await node.cgroups.make(memory.pod);
  return true;
}

/** Containers without limits of their own have their pod's. */
async function updateInherited({ pod }: PodMemory, node: NodeContext): Promise<void> {
  const sandbox = sandboxesOf(node, pod.metadata.uid)[0];
  if (pod.spec.resources?.limits === undefined || sandbox === undefined) return;
  for (const { id, config, state } of node.runtime.listContainers(sandbox.id)) {
    const own = findContainer(pod, config.name)?.spec.resources;
    const limits = limitsWithin(pod, own);
    if (state === 'running' && !sameJson(limits, own ?? {})) await node.runtime.updateResources(id, containerLimits(limits));
  }
}

function memoryStep({ spec, from }: Change): number {
  return (containerLimits(spec.resources).memoryLimitBytes ?? Infinity) < (containerLimits(from).memoryLimitBytes ?? Infinity) ? -1 : 1;
}

/** The kernel would kill a container whose limit falls below what it uses. */
async function checkMemory(changes: readonly Change[], node: NodeContext): Promise<void> {
  const problems: string[] = [];
  for (const change of changes.filter((candidate) => memoryStep(candidate) < 0)) {
    const limit = containerLimits(change.spec.resources).memoryLimitBytes ?? 0;
    const used = (await node.runtime.stats(change.id))[0]?.memoryUsageBytes;
    if (used !== undefined && used >= limit) problems.push(`attempting to set container ${JSON.stringify(change.spec.name)} memory limit (${String(limit)}) below current usage (${String(used)})`);
  }
  if (problems.length > 0) throw new Error(`cannot decrease memory limits: ${problems.length === 1 ? problems[0] ?? '' : `[${problems.join(', ')}]`}`);
}

function updateOf(from: ResourceRequirements, to: ResourceRequirements): Resources {
  const [before, after] = [containerLimits(from), containerLimits(to)];
  return {
    ...(before.cpuShares !== after.cpuShares && { cpuShares: after.cpuShares ?? 2 }),
    ...(before.cpuQuota !== after.cpuQuota && { cpuQuota: after.cpuQuota ?? -1, cpuPeriod: after.cpuPeriod ?? before.cpuPeriod ?? 100_000 }),
    ...(before.memoryLimitBytes !== after.memoryLimitBytes && { memoryLimitBytes: after.memoryLimitBytes ?? -1 }),
  };
}

export function needsRestart(spec: Container, from: ResourceRequirements): boolean {
  const changed = differing(from, spec.resources);
  return (spec.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer' && changed.includes(resourceName));
}

function differing(from: ResourceRequirements | undefined, to: ResourceRequirements | undefined): string[] {
  return ['cpu', 'memory'].filter((name) => (['requests', 'limits'] as const).some((part) => compareQuantities(from?.[part]?.[name] ?? '0', to?.[part]?.[name] ?? '0') !== 0));
}

/** What was granted before a restart of Skiff without a file of its own: what the pod's containers began with. */
export function grantedBefore(memory: Pick<PodMemory, 'pod'>, node: NodeContext): Allocation {
  const begun = sandboxesOf(node, memory.pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id)).sort((a, b) => a.createdAt - b.createdAt);
  const allocation = allocationOf(memory.pod);
  const resizable = new Set([...initContainersOf(memory.pod), ...mainContainersOf(memory.pod)].map(({ spec }) => spec.name));
  for (const container of begun) if (resizable.has(container.config.name)) allocation.containers[container.config.name] = actuatedOf(container, { actuated: new Map() });
  return allocation;
}
