// What the checks of pod security share: their form, the containers they visit, and the words in which they tell what they found.
import type { Container, EphemeralContainer, PodSpec } from '../../kinds/generated/api-types.ts';

/** A pod, or a workload's template of one. */
export interface Subject {
  annotations: Readonly<Record<string, string>>;
  spec: PodSpec;
}

export interface Finding {
  /** Short: `host namespaces`. */
  reason: string;
  detail: string;
}

export interface Check {
  id: string;
  level: 'baseline' | 'restricted';
  /** Minor version of Kubernetes from which on it is held. */
  since: number;
  /** The first in which it is not, or differently. */
  until?: number;
  /** A baseline check that this stricter one stands for. */
  overrides?: string;
  find(subject: Subject): Finding | undefined;
}

export type AnyContainer = Container | EphemeralContainer;

export function containersOf({ initContainers = [], containers = [], ephemeralContainers = [] }: Partial<PodSpec>): AnyContainer[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** `container "a"`, `containers "a", "b"`. */
export function named(names: readonly string[], word = 'container'): string {
  return `${plural(word, names.length)} ${quoted(names)}`;
}

export function quoted(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(', ');
}

export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

export function sortedSet(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

/** `pod and container "a"`: who set what they must not. */
export function setters(pod: boolean, names: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(names.length > 0 ? [named(names)] : [])].join(' and ');
}

export function isWindows({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}

/** In a user namespace of its own, root within is nobody outside. */
export function hasOwnUsers({ hostUsers }: PodSpec): boolean {
  return hostUsers === false;
}
