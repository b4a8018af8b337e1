// What a case is: a pod, what is done to it, and when it has come to its end. The same table is played on upstream and on Skiff.
import type { Container, Pod, PodSpec } from '../../internal/kinds/generated/api-types.ts';

export interface NodeCase {
  /** Also the pod's name. */
  name: string;
  spec: PodSpec;
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string>; finalizers?: string[] };
  /** Not made in the API but put into the node's folder of static pods, or where its URL points, and seen by its mirror; `steps`: those do so. */
  static?: 'file' | 'url' | 'steps';
  /** Made before the pod, in its namespace. */
  objects?: readonly object[];
  /** What is done to the pod. */
  steps?(play: Play): Promise<void>;
  /** How it ends. */
  ends: Ending;
  /** The end passes: what comes after it is not looked at, but for events. */
  passing?: true;
  /** Containers whose logs are compared at the end. */
  output?: readonly string[];
  /** Which parts are not compared, with the reason. */
  without?: Partial<Record<Part, string>>;
}

export type Part = 'phases' | 'conditions' | 'containers' | 'final' | 'events' | 'output';
export type Ending = 'Ready' | 'Succeeded' | 'Failed' | 'gone' | ((pod: Pod) => boolean);

/** One case under way on a server. */
export interface Play {
  /** Path of the pod. */
  path: string;
  namespace: string;
  pod(): Pod;
  until(done: Ending, what: string): Promise<void>;
  /** In the namespace of the case; `path` where the plural does not say it. */
  create(object: object, path?: string): Promise<void>;
  /** What another pod ends as goes into the output. */
  note(pod: string): Promise<void>;
  /** Another pod has ended. */
  seesEnd(pod: string): Promise<void>;
  /** Strategic merge patch of the pod. */
  patch(body: object, subresource?: string): Promise<void>;
  change(path: string, body: object): Promise<void>;
  remove(graceSeconds?: number): Promise<void>;
  /** A command in a container; what it printed. */
  exec(container: string, ...command: string[]): Promise<string>;
  log(container: string, query?: string): Promise<string>;
  /** Until the container's log has it. */
  says(container: string, text: string): Promise<void>;
  event(reason: string): Promise<void>;
  /** A static pod comes, changes or goes (undefined): in a file, whose name is made of the case's and this, or at the URL. */
  place(file: string | { url: true }, manifest: object | string | undefined): void;
}

/** Where a node has its static pods from. */
export interface StaticPlaces {
  write(file: string, text: string | undefined): void;
  /** The URL shows a list of all that are served at the time. */
  serve(key: string, pod: object | undefined): void;
}

/** Every node of these tests has this name, and static pods end in it. */
export const NODE_NAME = 'n1';

export function manifest({ name, metadata }: Pick<NodeCase, 'name' | 'metadata'>, spec: PodSpec, namespace: string): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, ...metadata }, spec };
}

const BUSYBOX = 'busybox:1';

/** A shell script as a container, which ends at once when it is told to. */
export function sh(name: string, script: string, more: Omit<Partial<Container>, 'name' | 'command'> = {}): Container {
  return { name, image: BUSYBOX, command: ['sh', '-c', script], ...more };
}

/** Stays until it is told to end. */
export const STAY = 'trap "exit 0" TERM; while :; do sleep 0.2; done';

export function stay(name: string, more: Omit<Partial<Container>, 'name' | 'command'> = {}): Container {
  return sh(name, STAY, more);
}

/** Ends with a code after long enough for anyone to see it run. */
export function ending(name: string, code: number, more: Omit<Partial<Container>, 'name' | 'command'> = {}): Container {
  return sh(name, `sleep 3; exit ${String(code)}`, more);
}

export function never(...containers: Container[]): PodSpec {
  return { containers, restartPolicy: 'Never', terminationGracePeriodSeconds: 5 };
}

export function always(...containers: Container[]): PodSpec {
  return { containers, terminationGracePeriodSeconds: 5 };
}

export function configMap(name: string, data: Record<string, string>, more: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data, ...more };
}

export function secret(name: string, data: Record<string, string>, more: object = {}): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data, ...more };
}

function statusOf(pod: Pod, container: string): NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number] | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
}

export function waits(container: string, reason: string): (pod: Pod) => boolean {
  return (pod) => statusOf(pod, container)?.state?.waiting?.reason === reason;
}

export function restarted(container: string, count: number): (pod: Pod) => boolean {
  return (pod) => (statusOf(pod, container)?.restartCount ?? 0) >= count && statusOf(pod, container)?.state?.running !== undefined;
}

export function running(container: string): (pod: Pod) => boolean {
  return (pod) => statusOf(pod, container)?.state?.running !== undefined;
}

export function terminated(container: string): (pod: Pod) => boolean {
  return (pod) => statusOf(pod, container)?.state?.terminated !== undefined;
}

/** Of cases that are about what a container prints: it runs for so short a time that its states may be missed. */
export const PRINTS = {
  ends: 'Succeeded', output: ['main'],
  without: { phases: 'see the cases of other sections', conditions: 'as above', containers: 'as above' },
} as const;
