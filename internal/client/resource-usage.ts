// Reads what nodes and pods use from their kubelets (contract: api/resource-usage.ts). The CPU is measured between two readings: the last ones are kept
// for a minute, so that who asks again and again gets an even measure; who asks out of the blue waits a second for the second.
import { delay, type Clock } from '../base/clock.ts';
import type { KubeletCalls } from '../api/kubelet-calls.ts';
import type { NodeUsage, PodUsage, ResourceUsage, Usage } from '../api/resource-usage.ts';

export interface ResourceUsageOptions {
  /** Names of all nodes. */
  nodes(): readonly string[];
  kubelets: KubeletCalls;
  clock: Clock;
}

/** An answer is good for so long: several who ask at once cost one reading. */
const FRESH_MS = 5_000;
const KEPT_MS = 60_000;
/** A shorter time between readings says more of the moment than of the load. */
const WINDOW_MS = 10_000;
const FIRST_WINDOW_MS = 1_000;
const TIMEOUT_MS = 10_000;

interface Stats {
  cpu?: { time?: string; usageCoreNanoSeconds?: number };
  memory?: { workingSetBytes?: number };
}
interface Summary {
  node: Stats & { nodeName: string };
  pods: { podRef: { name: string; namespace: string; uid: string }; containers: (Stats & { name: string; startTime: string })[] }[];
}
interface Reading {
  at: number;
  summaries: Map<string, Summary>;
}
type Answer = Awaited<ReturnType<ResourceUsage['read']>>;

export function createResourceUsage({ nodes, kubelets, clock }: ResourceUsageOptions): ResourceUsage {
  let readings: Reading[] = [];
  let answer: { at: number; value: Answer } | undefined;
  let asking: Promise<Answer> | undefined;

  async function take(): Promise<Reading> {
    const asked = nodes();
    const texts = await Promise.allSettled(asked.map((node) => kubelets.call(node, { method: 'GET', path: '/stats/summary?only_cpu_and_memory=true', timeoutMs: TIMEOUT_MS })));
    const at = clock.now();
    const summaries = new Map(texts.flatMap((text, index) => (text.status === 'fulfilled' ? [[asked[index] ?? '', JSON.parse(text.value) as Summary] as const] : [])));
    const reading = { at, summaries };
    readings = [...readings.filter((old) => at - old.at <= KEPT_MS), reading];
    return reading;
  }

  async function measure(): Promise<Answer> {
    let last = await take();
    if (readings.length < 2) {
      await delay(clock, FIRST_WINDOW_MS);
      last = await take();
    }
    const before = readings.slice(0, -1);
    const base = before.findLast(({ at }) => last.at - at >= WINDOW_MS) ?? before[0];
    const value = base === undefined ? { nodes: [], pods: [] } : between(base, last);
    answer = { at: last.at, value };
    return value;
  }

  return {
    read() {
      if (answer !== undefined && clock.now() - answer.at < FRESH_MS) return Promise.resolve(answer.value);
      asking ??= measure().finally(() => (asking = undefined));
      return asking;
    },
  };
}

/** Pure: two readings give usages; a container that began between them is measured from its start. */
function between(base: { summaries: ReadonlyMap<string, Summary> }, last: { summaries: ReadonlyMap<string, Summary> }): Answer {
  const nodes: NodeUsage[] = [];
  const pods: PodUsage[] = [];
  for (const [name, summary] of last.summaries) {
    const before = base.summaries.get(name);
    if (before === undefined) continue;
    const usage = usageOf(summary.node, before.node, undefined);
    if (usage !== undefined) nodes.push({ name, ...usage });
    const earlier = new Map(before.pods.flatMap(({ podRef, containers }) => containers.map((container) => [`${podRef.uid}/${container.name}`, container] as const)));
    for (const { podRef, containers } of summary.pods) {
      const measured = containers.map((container) => ({ name: container.name, usage: usageOf(container, earlier.get(`${podRef.uid}/${container.name}`), Date.parse(container.startTime)) }));
      const whole = measured.flatMap(({ name: container, usage: found }) => (found === undefined ? [] : [{ name: container, ...found }]));
      const [first] = whole;
      // A part of a pod would look like a pod with little to do.
      if (first === undefined || whole.length < measured.length) continue;
      pods.push({ namespace: podRef.namespace, name: podRef.name, at: first.at, windowMs: Math.max(...whole.map(({ windowMs }) => windowMs)), containers: whole.map(({ name: container, cpuNanos, memoryBytes }) => ({ name: container, cpuNanos, memoryBytes })) });
    }
  }
  return { nodes, pods };
}

function usageOf({ cpu, memory }: Stats, before: Stats | undefined, startedAt: number | undefined): (Usage & { at: number; windowMs: number }) | undefined {
  const [nanos, earlier] = [cpu?.usageCoreNanoSeconds, before?.cpu?.usageCoreNanoSeconds];
  const [at, since] = [Date.parse(cpu?.time ?? ''), Date.parse(before?.cpu?.time ?? '')];
  if (nanos === undefined || memory?.workingSetBytes === undefined) return undefined;
  const isNew = startedAt !== undefined && !(startedAt <= since);
  const from = isNew ? startedAt : since;
  const used = isNew ? nanos : nanos - (earlier ?? nanos + 1);
  if (!(at > from) || used < 0) return undefined;
  return { cpuNanos: Math.round((used * 1000) / (at - from)), memoryBytes: memory.workingSetBytes, at, windowMs: at - from };
}
