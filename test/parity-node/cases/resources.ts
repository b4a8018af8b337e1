// Requests and limits: QoS, what the kernel is told, OOM, in-place resize.
import type { Container, PodSpec, ResourceRequirements } from '../../../internal/kinds/generated/api-types.ts';
import { always, never, restarted, sh, stay, PRINTS, type NodeCase, type Play } from '../case.ts';

const CGROUP = 'cd /sys/fs/cgroup; for f in cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes cpu.weight cpu.max memory.max pids/pids.max; do [ -e $f ] && echo $f $(cat $f); done; cat /proc/1/oom_score_adj';
const done = PRINTS;
const shows = (resources: ResourceRequirements, spec: Partial<PodSpec> = {}): PodSpec => ({ ...never(sh('main', `sleep 2; ${CGROUP}`, { resources })), ...spec });
const sized = (resources: ResourceRequirements, more: Partial<Container> = {}): PodSpec => always(stay('main', { resources, ...more }));
const resize = (resources: ResourceRequirements, container = 'main') => async (play: Play): Promise<void> => {
  await play.until('Ready', 'ready');
  await play.patch({ spec: { containers: [{ name: container, resources }] } }, 'resize');
};
const actual = (name: string, value: string, part: 'limits' | 'requests' = 'limits') => (pod: Parameters<Extract<NodeCase['ends'], (pod: never) => boolean>>[0]): boolean => {
  const status = pod.status?.containerStatuses?.[0];
  return status?.resources?.[part]?.[name] === value && status.state?.running !== undefined && pod.status?.conditions?.some(({ type }) => type === 'PodResizeInProgress') !== true;
};
const small = { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '100m', memory: '64Mi' } };

export const RESOURCES: readonly NodeCase[] = [
  { name: 'qos-best-effort', spec: shows({}), ...done },
  { name: 'qos-burstable', spec: shows({ requests: { cpu: '100m', memory: '32Mi' } }), ...done },
  { name: 'qos-burstable-limits', spec: shows(small), ...done },
  { name: 'qos-guaranteed', spec: shows({ limits: { cpu: '200m', memory: '64Mi' } }), ...done },
  { name: 'qos-cpu-only', spec: shows({ limits: { cpu: '1' } }), ...done },
  { name: 'qos-tiny', spec: shows({ requests: { cpu: '1m' }, limits: { cpu: '1m', memory: '32Mi' } }), ...done },
  { name: 'qos-pod-level', spec: shows({}, { resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } } }), ...done },
  { name: 'qos-priority', spec: shows({}, { priorityClassName: 'system-node-critical' }), ...done, },
  { name: 'oom', spec: never(sh('main', 'sleep 3; exec tail /dev/zero', { resources: { limits: { memory: '16Mi' } } })), ends: 'Failed' },
  { name: 'oom-of-a-child', spec: never(sh('main', 'sleep 3; tail /dev/zero; echo child $?; sleep 2; exit 3', { resources: { limits: { memory: '16Mi' } } })), ends: 'Failed', without: { output: '' } },
  { name: 'oom-again', spec: always(sh('main', 'sleep 3; exec tail /dev/zero', { resources: { limits: { memory: '16Mi' } } })), ends: restarted('main', 1), passing: true },
  { name: 'resize-cpu', spec: sized(small), steps: resize({ requests: { cpu: '60m' }, limits: { cpu: '200m' } }), ends: actual('cpu', '200m') },
  { name: 'resize-memory', spec: sized(small), steps: resize({ limits: { memory: '96Mi' } }), ends: actual('memory', '96Mi') },
  { name: 'resize-down', spec: sized(small), steps: resize({ requests: { cpu: '20m' }, limits: { cpu: '40m', memory: '48Mi' } }), ends: actual('memory', '48Mi') },
  { name: 'resize-restarts', spec: sized(small, { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }), steps: resize({ limits: { memory: '96Mi' } }), ends: (pod) => actual('memory', '96Mi')(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 1 },
  { name: 'resize-infeasible', spec: sized(small), steps: resize({ requests: { cpu: '900' }, limits: { cpu: '1000' } }), ends: (pod) => pod.status?.conditions?.some(({ type }) => type === 'PodResizePending') === true },
  { name: 'resize-infeasible-and-back', spec: sized(small), steps: async (play) => { await resize({ requests: { cpu: '900' }, limits: { cpu: '1000' } })(play); await play.until((pod) => pod.status?.conditions?.some(({ type }) => type === 'PodResizePending') === true, 'pending'); await play.patch({ spec: { containers: [{ name: 'main', resources: small }] } }, 'resize'); }, ends: (pod) => pod.status?.conditions?.some(({ type }) => type === 'PodResizePending') === false },
  { name: 'resize-below-use', spec: always(sh('main', 'head -c 40000000 /dev/zero | tail -c 40000000 | (sleep 1000)', { resources: { limits: { memory: '128Mi', cpu: '500m' } } })), steps: async (play) => { await play.until('Ready', 'ready'); await play.exec('main', 'sleep', '1'); await play.patch({ spec: { containers: [{ name: 'main', resources: { requests: { memory: '200Mi' }, limits: { memory: '200Mi' } } }] } }, 'resize'); }, ends: actual('memory', '200Mi') },
  { name: 'resize-sidecar', spec: { ...always(stay('main')), initContainers: [stay('side', { restartPolicy: 'Always', resources: small })] }, steps: async (play) => { await play.until('Ready', 'ready'); await play.patch({ spec: { initContainers: [{ name: 'side', resources: { limits: { cpu: '300m' } } }] } }, 'resize'); }, ends: (pod) => pod.status?.initContainerStatuses?.[0]?.resources?.limits?.['cpu'] === '300m' },
  { name: 'overhead', objects: [{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'parity-overhead' }, handler: 'runc', overhead: { podFixed: { cpu: '20m', memory: '8Mi' } } }], spec: { ...sized(small), runtimeClassName: 'parity-overhead' }, ends: 'Ready' },
  { name: 'resize-requests', spec: sized(small), steps: resize({ requests: { cpu: '70m', memory: '40Mi' } }), ends: actual('cpu', '70m', 'requests') },
  { name: 'resize-cpu-restarts', spec: sized(small, { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }), steps: resize({ limits: { cpu: '200m' } }), ends: (pod) => actual('cpu', '200m')(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 1 },
  { name: 'resize-adds-limits', spec: sized({ requests: small.requests }), steps: resize({ limits: small.limits }), ends: actual('memory', '64Mi') },
  { name: 'resize-of-one-of-two', spec: always(stay('main', { resources: small }), stay('other', { resources: small })), steps: resize({ limits: { cpu: '200m' } }), ends: actual('cpu', '200m') },
  { name: 'resize-while-crashing', spec: sized(small, { command: ['sh', '-c', 'sleep 2; exit 1'] }), steps: async (play) => { await play.until((pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff', 'back-off'); await play.patch({ spec: { containers: [{ name: 'main', resources: { limits: { cpu: '200m' } } }] } }, 'resize'); await play.until(actual('cpu', '200m'), 'the next start'); }, ends: (pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2, passing: true },
  { name: 'resize-memory-twice', spec: sized(small), steps: async (play) => { await resize({ limits: { memory: '96Mi' } })(play); await play.until(actual('memory', '96Mi'), 'more'); await play.patch({ spec: { containers: [{ name: 'main', resources: { limits: { memory: '80Mi' } } }] } }, 'resize'); }, ends: actual('memory', '80Mi') },
  { name: 'resize-nothing', spec: sized(small), steps: async (play) => { await resize({ limits: small.limits })(play); }, ends: 'Ready' },
];
