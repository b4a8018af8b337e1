// Probes of every kind with every parameter.
import type { Probe } from '../../../internal/kinds/generated/api-types.ts';
import { always, never, restarted, running, sh, stay, type NodeCase } from '../case.ts';

const fast = { periodSeconds: 1, timeoutSeconds: 30 };
const fails = { exec: { command: ['false'] } };
const fine = { exec: { command: ['true'] } };
const web = (probes: object) => always({ name: 'main', image: 'web:1', ...probes });
const main = (probes: object) => always(stay('main', probes));
/** A gRPC server by hand: settings first, then headers, a message with the status, trailers. */
const grpc = (status: number): string => String.raw`cat > /tmp/serve <<'S'
#!/bin/sh
printf '\000\000\000\004\000\000\000\000\000'; sleep 0.3
printf '\000\000\000\004\001\000\000\000\000'
printf '\000\000\037\001\004\000\000\000\001\210\000\014content-type\020application/grpc'
printf '\000\000\007\000\000\000\000\000\001\000\000\000\000\002\010\00${String(status)}'
printf '\000\000\017\001\005\000\000\000\001\000\013grpc-status\0010'
sleep 1
S
chmod +x /tmp/serve; trap "exit 0" TERM; nc -lk -p 5000 -e /tmp/serve & while :; do sleep 0.2; done`;
const liveness = (probe: Probe) => main({ livenessProbe: probe });
const unready = (pod: Parameters<Extract<NodeCase['ends'], (pod: never) => boolean>>[0]): boolean => running('main')(pod);
const failedOnce = async (play: Parameters<NonNullable<NodeCase['steps']>>[0]): Promise<void> => { await play.event('Unhealthy'); };
const failsAtFirst = async (play: Parameters<NonNullable<NodeCase['steps']>>[0]): Promise<void> => {
  await play.event('Unhealthy');
  await play.exec('main', 'touch', '/tmp/ok');
};

export const PROBES: readonly NodeCase[] = [
  { name: 'readiness-exec', spec: main({ readinessProbe: { ...fine, ...fast } }), ends: 'Ready' },
  { name: 'readiness-exec-fails', spec: main({ readinessProbe: { exec: { command: ['sh', '-c', 'echo not yet; exit 1'] }, ...fast } }), steps: failedOnce, ends: unready },
  { name: 'readiness-later', spec: main({ readinessProbe: { exec: { command: ['cat', '/tmp/ok'] }, ...fast } }), steps: failsAtFirst, ends: 'Ready' },
  { name: 'readiness-lost', spec: always(sh('main', 'touch /tmp/ok; sleep 5; rm /tmp/ok; trap "exit 0" TERM; while :; do sleep 0.2; done', { readinessProbe: { exec: { command: ['cat', '/tmp/ok'] }, ...fast, failureThreshold: 2 } })), steps: async (play) => { await play.until('Ready', 'ready'); await play.until((pod) => pod.status?.containerStatuses?.[0]?.ready === false, 'unready'); }, ends: unready },
  { name: 'readiness-success-threshold', spec: main({ readinessProbe: { ...fine, ...fast, successThreshold: 3 } }), ends: 'Ready' },
  { name: 'readiness-initial-delay', spec: main({ readinessProbe: { ...fine, ...fast, initialDelaySeconds: 4 } }), ends: 'Ready' },
  { name: 'readiness-timeout', spec: main({ readinessProbe: { exec: { command: ['sleep', '30'] }, ...fast, timeoutSeconds: 1 } }), steps: failedOnce, ends: unready },
  { name: 'readiness-no-command', spec: main({ readinessProbe: { exec: { command: ['/nothere'] }, ...fast } }), steps: async (play) => { await play.until((pod) => pod.status?.containerStatuses?.[0]?.state?.running !== undefined, 'runs'); await play.event('Unhealthy'); }, ends: unready },
  { name: 'readiness-http', spec: web({ readinessProbe: { httpGet: { path: '/version', port: 80 }, ...fast } }), ends: 'Ready' },
  { name: 'readiness-http-named-port', spec: web({ ports: [{ name: 'http', containerPort: 80 }], readinessProbe: { httpGet: { path: '/version', port: 'http', httpHeaders: [{ name: 'X-One', value: 'two' }] }, ...fast } }), ends: 'Ready' },
  { name: 'readiness-http-404', spec: web({ readinessProbe: { httpGet: { path: '/nothere', port: 80 }, ...fast } }), steps: failedOnce, ends: unready },
  { name: 'readiness-http-refused', spec: main({ readinessProbe: { httpGet: { path: '/', port: 81 }, ...fast } }), steps: failedOnce, ends: unready },
  { name: 'readiness-https-of-http', spec: web({ readinessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTPS' }, initialDelaySeconds: 2, ...fast } }), steps: failedOnce, ends: unready, without: { events: 'whether the other side answers in plain words or hangs up' } },
  { name: 'readiness-http-bad-name', spec: web({ readinessProbe: { httpGet: { path: '/', port: 'nothere' }, ...fast } }), ends: unready },
  { name: 'readiness-http-other-host', spec: web({ readinessProbe: { httpGet: { path: '/', port: 82, host: '127.0.0.1' }, ...fast } }), steps: failedOnce, ends: unready },
  { name: 'readiness-tcp', spec: web({ readinessProbe: { tcpSocket: { port: 80 }, ...fast } }), ends: 'Ready' },
  { name: 'readiness-tcp-refused', spec: main({ readinessProbe: { tcpSocket: { port: 81 }, ...fast } }), steps: failedOnce, ends: unready },
  { name: 'readiness-grpc', spec: always(sh('main', grpc(1), { readinessProbe: { grpc: { port: 5000 }, ...fast, initialDelaySeconds: 1, timeoutSeconds: 3 } })), steps: async (play) => { await play.event('Unhealthy'); }, ends: running('main'), without: { events: 'whether the server is up at the first probe' } },
  { name: 'readiness-grpc-not-serving', spec: always(sh('main', grpc(2), { readinessProbe: { grpc: { port: 5000, service: 'one' }, ...fast, initialDelaySeconds: 2, timeoutSeconds: 3 } })), steps: failedOnce, ends: unready },
  { name: 'readiness-grpc-refused', spec: main({ readinessProbe: { grpc: { port: 5001 }, ...fast, timeoutSeconds: 5 } }), steps: failedOnce, ends: unready },
  { name: 'liveness-fails', spec: liveness({ ...fails, ...fast, failureThreshold: 1, initialDelaySeconds: 2 }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-fails-with-words', spec: liveness({ exec: { command: ['sh', '-c', 'echo out; sleep 0.5; echo err >&2; exit 2'] }, ...fast, failureThreshold: 2, initialDelaySeconds: 2 }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-fails-never', spec: never(stay('main', { livenessProbe: { ...fails, ...fast, failureThreshold: 1, initialDelaySeconds: 2 } })), ends: 'Succeeded' },
  { name: 'liveness-fails-ignoring-term', spec: { ...always(sh('main', 'trap "" TERM; while :; do sleep 1; done', { livenessProbe: { ...fails, ...fast, failureThreshold: 1, initialDelaySeconds: 2, terminationGracePeriodSeconds: 2 } })), terminationGracePeriodSeconds: 600 }, ends: restarted('main', 1), passing: true },
  { name: 'liveness-http', spec: web({ livenessProbe: { httpGet: { path: '/nothere', port: 80 }, ...fast, failureThreshold: 2, initialDelaySeconds: 2 } }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-tcp', spec: liveness({ tcpSocket: { port: 81 }, ...fast, failureThreshold: 2, initialDelaySeconds: 2 }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-again-back-off', spec: liveness({ ...fails, ...fast, failureThreshold: 1, initialDelaySeconds: 1 }), ends: (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff' },
  { name: 'startup-passes', spec: main({ startupProbe: { exec: { command: ['cat', '/tmp/ok'] }, ...fast, failureThreshold: 300 }, livenessProbe: { exec: { command: ['cat', '/tmp/ok'] }, ...fast, failureThreshold: 1 } }), steps: failsAtFirst, ends: 'Ready' },
  { name: 'startup-fails', spec: main({ startupProbe: { ...fails, ...fast, failureThreshold: 2 } }), ends: restarted('main', 1), passing: true },
  { name: 'startup-fails-grace', spec: { ...always(sh('main', 'trap "" TERM; while :; do sleep 1; done', { startupProbe: { ...fails, ...fast, failureThreshold: 2, terminationGracePeriodSeconds: 1 } })), terminationGracePeriodSeconds: 600 }, ends: restarted('main', 1), passing: true },
  { name: 'startup-then-readiness', spec: main({ startupProbe: { ...fine, ...fast }, readinessProbe: { ...fine, ...fast } }), ends: 'Ready' },
  { name: 'readiness-gate-missing', spec: { ...always(stay('main')), readinessGates: [{ conditionType: 'example.com/gate' }] }, ends: unready },
  { name: 'readiness-gate-met', spec: { ...always(stay('main')), readinessGates: [{ conditionType: 'example.com/gate' }] }, steps: async (play) => { await play.until(running('main'), 'runs'); await play.patch({ status: { conditions: [{ type: 'example.com/gate', status: 'True' }] } }, 'status'); }, ends: 'Ready' },
  { name: 'readiness-gate-false', spec: { ...always(stay('main')), readinessGates: [{ conditionType: 'example.com/gate' }] }, steps: async (play) => { await play.until(running('main'), 'runs'); await play.patch({ status: { conditions: [{ type: 'example.com/gate', status: 'False' }] } }, 'status'); await play.until((pod) => pod.status?.conditions?.some(({ type, message }) => type === 'Ready' && message?.includes('not "True"')) === true, 'not true'); }, ends: unready },
  { name: 'liveness-grpc-refused', spec: liveness({ grpc: { port: 5001 }, ...fast, timeoutSeconds: 1, failureThreshold: 2, initialDelaySeconds: 2 }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-timeout', spec: liveness({ exec: { command: ['sleep', '30'] }, ...fast, timeoutSeconds: 1, failureThreshold: 1, initialDelaySeconds: 2 }), ends: restarted('main', 1), passing: true },
  { name: 'liveness-grace', spec: { ...always(sh('main', 'trap "" TERM; while :; do sleep 1; done', { livenessProbe: { tcpSocket: { port: 81 }, ...fast, failureThreshold: 1, initialDelaySeconds: 2, terminationGracePeriodSeconds: 1 } })), terminationGracePeriodSeconds: 600 }, ends: restarted('main', 1), passing: true },
  { name: 'liveness-one-of-two', spec: always(stay('good'), stay('bad', { livenessProbe: { ...fails, ...fast, failureThreshold: 1, initialDelaySeconds: 2 } })), ends: restarted('bad', 1), passing: true },
  { name: 'startup-tcp-refused', spec: main({ startupProbe: { tcpSocket: { port: 81 }, ...fast, failureThreshold: 2 } }), ends: restarted('main', 1), passing: true },
  { name: 'startup-http-404', spec: web({ startupProbe: { httpGet: { path: '/nothere', port: 80 }, ...fast, failureThreshold: 2, initialDelaySeconds: 3 } }), ends: restarted('main', 1), passing: true },
  { name: 'startup-fails-never', spec: never(stay('main', { startupProbe: { ...fails, ...fast, failureThreshold: 2 } })), ends: (pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' },
  { name: 'startup-holds-up-the-others', spec: main({ startupProbe: { exec: { command: ['cat', '/tmp/ok'] }, ...fast, failureThreshold: 300 }, readinessProbe: { ...fine, ...fast }, livenessProbe: { ...fails, ...fast, failureThreshold: 1 } }), steps: failsAtFirst, ends: restarted('main', 1), passing: true },
];
