// What several device plugins say goes into one container, together. Where two disagree, the first counts.
import type { ContainerDevices } from './container-devices.ts';
import { decode } from './messages.ts';

/** Of ContainerAllocateResponses; undefined when there are none. */
export function combine(responses: readonly Uint8Array[]): ContainerDevices | undefined {
  if (responses.length === 0) return undefined;
  const all = responses.map((response) => decode('ContainerAllocateResponse', response));
  const firstOf = <T>(items: readonly T[], key: (item: T) => string): T[] => [...new Map(items.toReversed().map((item) => [key(item), item])).values()].reverse();
  return {
    env: firstOf(all.flatMap(({ envs }) => Object.entries(envs)), ([name]) => name).map(([name, value]) => ({ name, value })),
    mounts: firstOf(all.flatMap(({ mounts }) => mounts), ({ containerPath }) => containerPath),
    devices: firstOf(all.flatMap(({ devices }) => devices), ({ containerPath }) => containerPath),
    annotations: Object.fromEntries(firstOf(all.flatMap(({ annotations }) => Object.entries(annotations)), ([name]) => name)),
    cdiDevices: [...new Set(all.flatMap(({ cdiDevices }) => cdiDevices.map(({ name }) => name)))],
  };
}
