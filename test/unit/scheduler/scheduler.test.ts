import t from 'tap';
import { schedule, type Decision, type SchedulingState } from '../../../internal/scheduler/pass.ts';
import type { Node, Pod } from '../../../internal/kinds/generated/api-types.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function meta(name: string, more: object = {}): Pod['metadata'] {
  return { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...more };
}
function node(name: string, allocatable: Record<string, string> = {}, more: { spec?: Node['spec']; labels?: Record<string, string> } = {}): Node {
  return { apiVersion: 'v1', kind: 'Node', metadata: { ...meta(name), labels: { 'kubernetes.io/hostname': name, ...more.labels } }, spec: more.spec ?? {}, status: { allocatable: { cpu: '2', memory: '4Gi', pods: '110', ...allocatable } } };
}
function pod(name: string, spec: Partial<Pod['spec']> = {}, requests: Record<string, string> = {}, labels: Record<string, string> = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta(name, { labels }), spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec }, status: { phase: 'Pending' } };
}
function state(nodes: Node[], pending: Pod[], running: Pod[] = []): SchedulingState {
  return { nodes, pending, podsOf: (name) => running.filter(({ spec }) => spec.nodeName === name), budgets: [], namespace: () => undefined, volumes: { claim: () => undefined, volume: () => undefined, storageClass: () => undefined, all: () => [], taken: new Set(), csi: { driver: () => undefined, node: () => undefined, attachedTo: () => [], capacities: () => [] } }, claims: { claim: () => undefined, all: () => [], slices: () => [], deviceClass: () => undefined, made: new Map() } };
}
function binds(decisions: Decision[]): Record<string, string> {
  return Object.fromEntries(decisions.flatMap((decision) => (decision.type === 'bind' ? [[decision.pod.metadata.name, decision.node]] : [])));
}
function message(decisions: Decision[]): string | undefined {
  return decisions.map((decision) => (decision.type === 'reject' ? decision.condition.message : undefined)).find((text) => text !== undefined);
}

t.test('pods of one pass see each other', async (t) => {
  const pods = Array.from({ length: 5 }, (_, index) => pod(`p${String(index)}`, {}, { cpu: '1' }));
  const decisions = schedule(state([node('a'), node('b')], pods), NOW);
  t.same(Object.values(binds(decisions)).sort(), ['a', 'a', 'b', 'b']);
  t.equal(message(decisions), '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.');
});

t.test('upstream’s words for what no preemption would help', async (t) => {
  const nodes = [node('a', {}, { spec: { unschedulable: true } }), node('b', {}, { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }), node('c')];
  const text = message(schedule(state(nodes, [pod('p', { nodeSelector: { disk: 'ssd' } })]), NOW));
  t.equal(text, "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
  t.equal(message(schedule(state([], [pod('p')]), NOW)), 'no nodes available to schedule pods');
});

t.test('host ports clash by address and protocol', async (t) => {
  const withPort = (name: string, hostIP: string, protocol: 'TCP' | 'UDP', nodeName?: string): Pod => pod(name, { containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 53, hostIP, protocol }] }], ...(nodeName !== undefined && { nodeName }) });
  const running = [withPort('r', '127.0.0.1', 'TCP', 'a')];
  t.same(binds(schedule(state([node('a')], [withPort('p', '127.0.0.2', 'TCP')], running), NOW)), { p: 'a' });
  t.same(binds(schedule(state([node('a')], [withPort('p', '127.0.0.1', 'UDP')], running), NOW)), { p: 'a' });
  t.same(binds(schedule(state([node('a')], [withPort('p', '', 'TCP')], running), NOW)), {});
});

t.test('the higher priority goes first and drives out as few as it needs', async (t) => {
  const running = [pod('low', { priority: 1, nodeName: 'a' }, { cpu: '1' }), pod('mid', { priority: 5, nodeName: 'a' }, { cpu: '1' })];
  const decisions = schedule(state([node('a')], [pod('small', { priority: 0 }, { cpu: '1' }), pod('high', { priority: 10 }, { cpu: '1' })], running), NOW);
  const evict = decisions.find((decision) => decision.type === 'evict');
  t.same(evict?.victims.map(({ metadata }) => metadata.name), ['low']);
  const reject = decisions.find((decision) => decision.type === 'reject' && decision.pod.metadata.name === 'high');
  t.match(reject, { nominate: 'a' });
});

t.test('spread and anti-affinity keep pods apart', async (t) => {
  const spread = { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' as const, labelSelector: { matchLabels: { app: 'x' } } }] };
  const pods = Array.from({ length: 4 }, (_, index) => pod(`p${String(index)}`, spread, {}, { app: 'x' }));
  t.same(Object.values(binds(schedule(state([node('a'), node('b')], pods), NOW))).sort(), ['a', 'a', 'b', 'b']);
  const anti = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'y' } } }] } } };
  const decisions = schedule(state([node('a'), node('b')], [0, 1, 2].map((index) => pod(`q${String(index)}`, anti, {}, { app: 'y' }))), NOW);
  t.same(Object.values(binds(decisions)).sort(), ['a', 'b']);
  t.match(message(decisions), /2 node\(s\) didn't match pod anti-affinity rules/);
});

t.test('affinity finds its peers, and the first of a group may begin anywhere', async (t) => {
  const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'z' } } }] } } };
  const placed = Object.values(binds(schedule(state([node('a'), node('b')], [0, 1, 2].map((index) => pod(`z${String(index)}`, near, {}, { app: 'z' }))), NOW)));
  t.equal(placed.length, 3);
  t.equal(new Set(placed).size, 1);
});

t.test('init containers count by their peak, sidecars always', async (t) => {
  const spec: Partial<Pod['spec']> = { initContainers: [{ name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '500m' } } }, { name: 'i', resources: { requests: { cpu: '1600m' } } }] };
  t.match(message(schedule(state([node('a')], [pod('p', spec, { cpu: '100m' })]), NOW)), /Insufficient cpu/);
});

t.test('twenty pods take a few milliseconds', async (t) => {
  const pods = Array.from({ length: 20 }, (_, index) => pod(`p${String(index)}`, {}, { cpu: '10m' }));
  const nodes = [node('a'), node('b')];
  schedule(state(nodes, pods), NOW);
  const started = performance.now();
  t.equal(Object.keys(binds(schedule(state(nodes, pods), NOW))).length, 20);
  t.comment(`${(performance.now() - started).toFixed(2)} ms`);
});
