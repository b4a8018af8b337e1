// What was seen of a pod, made comparable: the order of its phases, of each condition and of each container's states, its status at the end,
// its events. What differs from run to run (times, ids, addresses) is replaced by what it is.
import type { ContainerState, ContainerStatus, Pod } from '../../internal/kinds/generated/api-types.ts';

export interface Recorded {
  /** Nothing more is taken in. */
  frozen?: true;
  phases: string[];
  conditions: Record<string, string[]>;
  containers: Record<string, string[]>;
  final: unknown;
  events: string[];
  output: Record<string, string>;
}

export interface PodEvent {
  type: string;
  reason: string;
  message: string;
  involvedObject: { name: string; namespace: string; fieldPath?: string; kind: string };
  source?: { component?: string };
  reportingComponent?: string;
}

export function emptyRecord(): Recorded {
  return { phases: [], conditions: {}, containers: {}, final: undefined, events: [], output: {} };
}

/** Takes one more state of the pod in. */
export function see(record: Recorded, pod: Pod, clean: (text: string) => string): void {
  if (record.frozen === true) return;
  const status = pod.status ?? {};
  follow(record.phases, [status.phase ?? '', status.reason, status.message].filter((part) => part !== undefined).map((part) => clean(part)).join(': '));
  for (const { type, status: value, reason, message } of status.conditions ?? []) {
    // Which containers are not ready yet comes one by one or at once; the final status is compared with its words.
    const words = reason === 'ContainersNotReady' || reason === 'ContainersNotInitialized' ? undefined : message;
    const list = record.conditions[type] ??= [];
    // Why it is not may go through several reasons; only the last before a change is compared.
    if (value === 'False' && list.at(-1)?.startsWith('False') === true) list.pop();
    follow(list, [value, reason, words].filter((part) => part !== undefined).map((part) => clean(part)).join(': '));
  }
  for (const one of [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? [], ...status.ephemeralContainerStatuses ?? []]) {
    follow(record.containers[one.name] ??= [], clean(describe(one)));
  }
  const { conditions = [], ...rest } = status;
  // Whether the last status of a pod that has ended was written before its sandbox went or after, is chance.
  const shown = ['Succeeded', 'Failed'].includes(status.phase ?? '') ? conditions.filter(({ type }) => type !== 'PodReadyToStartContainers') : conditions;
  record.final = cleanTree({ generation: pod.metadata.generation, conditions: Object.fromEntries(shown.map(({ type, ...condition }) => [type, condition])), ...rest }, clean);
}

/** A mirror tells also of the manifest: what became of it is part of what is compared. */
export function seeMirror(record: Recorded, pod: Pod, { gone, clean }: { gone: boolean; clean(text: string): string }): void {
  if (record.frozen === true) return;
  see(record, pod, clean);
  if (gone) follow(record.phases, 'gone');
  const { annotations, labels, ownerReferences, finalizers, deletionGracePeriodSeconds } = pod.metadata;
  record.final = { ...record.final as object, metadata: cleanTree({ annotations, labels, ownerReferences, finalizers, deletionGracePeriodSeconds }, clean), spec: cleanTree(pod.spec, clean) };
}

export function seeEvent(record: Recorded, { type, reason, message, involvedObject: { fieldPath } }: PodEvent, clean: (text: string) => string): void {
  const text = clean(`${type} ${reason}${fieldPath === undefined ? '' : ` ${fieldPath}`}: ${message}`);
  if (!record.events.includes(text)) record.events = [...record.events, text].sort();
}

function follow(list: string[], value: string): void {
  if (list.at(-1) !== value) list.push(value);
}

function describe({ state, lastState, ready, started, restartCount }: ContainerStatus): string {
  const last = stateText(lastState);
  return `${stateText(state)}${ready ? ' ready' : ''}${started === undefined ? '' : started ? ' started' : ' unstarted'} restarts=${String(restartCount)}${last === '' ? '' : ` last: ${last}`}`;
}

function stateText({ waiting, running, terminated }: ContainerState = {}): string {
  if (running !== undefined) return 'running';
  const one = waiting ?? terminated;
  if (one === undefined) return '';
  const { exitCode, signal } = terminated ?? {};
  return [waiting === undefined ? 'terminated' : 'waiting', one.reason, exitCode, signal === undefined ? undefined : `signal ${String(signal)}`].filter((part) => part !== undefined).join(' ') + (one.message === undefined ? '' : `: ${one.message}`);
}

function cleanTree(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleanTree(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cleanTree(item, clean)]));
}

const MASKS: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID'],
  [/\b(containerd|runc):\/\/[0-9a-f]{64}/g, 'CONTAINER-ID'],
  [/\b[0-9a-f]{64}\b/g, 'DIGEST'],
  [/\b[0-9a-f]{32}\b/g, 'HASH'],
  [/ in [\d.]+m?s \([\d.ms]+ including waiting\)\. Image size: \d+ bytes/g, ' in DURATION (DURATION including waiting). Image size: SIZE bytes'],
  [/(rpc error: code = \w+ desc = )?failed to pull and unpack image (\\?"[^"]*"): .*?(?= (un)?started restarts=| restarts=|$)/g, 'PULL-ERROR of $2'],
  [/failed to create containerd task: failed to create shim task: OCI runtime create failed: /g, ''],
  [/rpc error: code = Unknown desc = failed to exec in container: failed to start exec "DIGEST": OCI runtime exec failed: /g, ''],
  [/\(res: (\w+), q: \d+\)/g, '(res: $1, q: MISSING)'],
  [/kube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-RANDOM'],
];

/** Replaces what is only this run's. */
export function cleaner(pod: () => Pod | undefined, more: readonly (readonly [string, string])[] = []): (text: string) => string {
  return (text) => {
    let cleaned = text;
    const { podIPs = [], hostIPs = [] } = pod()?.status ?? {};
    // The lab is the first address of its network.
    const addresses = [...hostIPs.flatMap(({ ip }) => [[ip, 'HOST-IP'], [ip.replace(/\d+$/, '1'), 'LAB-IP']] as const), ...podIPs.map(({ ip }) => [ip, 'POD-IP'] as const), ...more];
    for (const [value, name] of addresses) cleaned = cleaned.replace(new RegExp(`(?<![\\d.])${value.replaceAll('.', '\\.')}(?![\\d])`, 'g'), name);
    for (const [pattern, name] of MASKS) cleaned = cleaned.replace(pattern, name);
    return cleaned;
  };
}
