// Keeps a prober for every running container that has probes, and none for the others.
import type { NodeContext } from './node-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { findContainer } from './pod-spec.ts';
import type { ProbeState } from './pod-state.ts';
import { runProbe } from './probes/probe-run.ts';
import { createProber } from './probes/prober.ts';
import { containerId } from './status/container-status.ts';
import { sandboxesOf } from './steps/sandbox.ts';
import type { ContainerStatus } from '../runtime/runtime.ts';

export function superviseProbes(memory: PodMemory, node: NodeContext, wake: () => void): void {
  const sandbox = sandboxesOf(node, memory.pod.metadata.uid)[0];
  const running = sandbox === undefined ? [] : node.runtime.listContainers(sandbox.id).filter(({ state }) => state === 'running');
  for (const [id, prober] of memory.probers) {
    if (running.some((container) => container.id === id)) continue;
    prober.stop();
    memory.probers.delete(id);
  }
  const podIp = (memory.pod.spec.hostNetwork === true ? node.nodeIps : sandbox?.ips ?? [])[0] ?? '';
  for (const container of running) {
    if (!memory.probers.has(container.id) && memory.ending === undefined) begin(container, podIp, memory, node, wake);
    else if (memory.ending !== undefined) memory.probers.get(container.id)?.readinessOnly();
  }
}

function begin(container: ContainerStatus, podIp: string, memory: PodMemory, node: NodeContext, wake: () => void): void {
  const found = findContainer(memory.pod, container.config.name);
  if (found === undefined || found.kind === 'ephemeral' || found.kind === 'init') return;
  const { spec } = found;
  if (spec.startupProbe === undefined && spec.livenessProbe === undefined && spec.readinessProbe === undefined) return;
  // Until it is started (postStart hook and all), a container is not probed.
  if (memory.starting.has(spec.name)) return;
  memory.probers.set(container.id, createProber({
    container: spec, startedAt: container.startedAt, clock: node.clock, initial: adopted(container, memory),
    run: (probe) => runProbe({ probe, container: spec, id: container.id, podIp }, node),
    onChange: wake,
    event: (reason, message) => node.event(memory.pod, 'Warning', reason, message, spec.name),
  }));
}

/** What the status says of this very container, from before a restart of Skiff. */
function adopted(container: ContainerStatus, { pod }: PodMemory): ProbeState {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const status = statuses.find((candidate) => candidate.containerID === containerId(container));
  const spec = findContainer(pod, container.config.name)?.spec;
  return {
    ...(status?.started === true && spec?.startupProbe !== undefined && { startup: 'success' as const }),
    ...(status?.ready === true && spec?.readinessProbe !== undefined && { readiness: 'success' as const }),
  };
}
