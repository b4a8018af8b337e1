// postStart and preStop: exec, HTTP, sleep; failing ones, and those longer than the grace period.
import { always, never, restarted, running, sh, stay, waits, type NodeCase } from '../case.ts';

const say = (text: string) => ({ exec: { command: ['sh', '-c', `echo ${text} > /proc/1/fd/1`] } });
const ended = (pod: Parameters<ReturnType<typeof running>>[0]): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
const grace = (seconds: number) => ({ terminationGracePeriodSeconds: seconds });
const gone = async (play: Parameters<NonNullable<NodeCase['steps']>>[0], seconds?: number): Promise<void> => {
  await play.until('Ready', 'ready');
  await play.remove(seconds);
};

const SERVES = 'until wget -q -O /dev/null http://127.0.0.1/version; do sleep 0.1; done';

/** Once its server listens: before, its hook meets nobody, and a signal ends nothing. */
const goneOnceServing = async (play: Parameters<NonNullable<NodeCase['steps']>>[0]): Promise<void> => {
  await play.until('Ready', 'ready');
  await play.exec('main', 'sh', '-c', SERVES);
  await play.remove();
};

export const HOOKS: readonly NodeCase[] = [
  { name: 'post-start-exec', spec: always(stay('main', { lifecycle: { postStart: say('started') } })), ends: 'Ready', output: ['main'] },
  { name: 'post-start-sleep', spec: always(stay('main', { lifecycle: { postStart: { sleep: { seconds: 1 } } } })), ends: 'Ready' },
  { name: 'post-start-fails', spec: always(stay('main', { lifecycle: { postStart: { exec: { command: ['sh', '-c', 'echo why; exit 3'] } } } })), ends: (pod) => waits('main', 'PostStartHookError')(pod) || waits('main', 'CrashLoopBackOff')(pod), passing: true },
  { name: 'post-start-fails-never', spec: never(stay('main', { lifecycle: { postStart: { exec: { command: ['false'] } } } })), ends: 'Succeeded' },
  { name: 'post-start-no-such-command', spec: never(stay('main', { lifecycle: { postStart: { exec: { command: ['/nothere'] } } } })), ends: ended },
  { name: 'post-start-http', spec: always({ name: 'main', image: 'web:1', lifecycle: { postStart: { exec: { command: ['sh', '-c', `sleep 6; ${SERVES}`] } } } }, stay('other', { lifecycle: { postStart: { httpGet: { path: '/version', port: 80 } } } })), ends: 'Ready' },
  { name: 'post-start-http-refused', spec: never(stay('main', { lifecycle: { postStart: { httpGet: { path: '/', port: 81 } } } })), ends: ended },
  { name: 'post-start-holds-up-the-next', spec: always(stay('main', { lifecycle: { postStart: { sleep: { seconds: 1 } } } }), stay('next')), ends: 'Ready' },
  { name: 'pre-stop-exec', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sleep', '2'] } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-sleep', spec: { ...always(stay('main', { lifecycle: { preStop: { sleep: { seconds: 2 } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-fails', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['false'] } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-http', spec: { ...always({ name: 'main', image: 'web:1', lifecycle: { preStop: { httpGet: { path: '/version', port: 80 } } } }), ...grace(10) }, steps: goneOnceServing, ends: 'gone' },
  { name: 'pre-stop-http-refused', spec: { ...always(stay('main', { lifecycle: { preStop: { httpGet: { path: '/', port: 81 } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-longer-than-grace', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sleep', '60'] } } } })), ...grace(3) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-not-after-own-end', spec: never(sh('main', 'sleep 3; exit 0', { lifecycle: { preStop: say('hook') } })), ends: 'Succeeded', output: ['main'] },
  { name: 'pre-stop-at-liveness', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sleep', '1'] } } }, livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1, initialDelaySeconds: 2 } })), ...grace(10) }, ends: restarted('main', 1), passing: true },
  { name: 'stop-signal', spec: { ...always(sh('main', 'trap "echo got usr1; exit 0" USR1; trap "echo got term; exit 1" TERM; while :; do sleep 0.2; done', { lifecycle: { stopSignal: 'SIGUSR1' } })), ...grace(10), os: { name: 'linux' } }, steps: async (play) => { await play.until(running('main'), 'runs'); await play.remove(); }, ends: 'gone' },
  { name: 'post-start-sleep-and-end', spec: never(sh('main', 'exit 3', { lifecycle: { postStart: { sleep: { seconds: 1 } } } })), ends: ended, without: { containers: 'how long it was seen to run', conditions: 'as above', phases: 'as above' } },
  { name: 'pre-stop-no-such-command', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['/nothere'] } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-fails-with-words', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo why; exit 5'] } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-http-404', spec: { ...always({ name: 'main', image: 'web:1', lifecycle: { preStop: { httpGet: { path: '/nothere', port: 80 } } } }), ...grace(10) }, steps: goneOnceServing, ends: 'gone' },
  { name: 'pre-stop-http-bad-port', spec: { ...always(stay('main', { lifecycle: { preStop: { httpGet: { path: '/', port: 'nothere' } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
  { name: 'pre-stop-sleep-longer-than-grace', spec: { ...always(stay('main', { lifecycle: { preStop: { sleep: { seconds: 3 } } } })), ...grace(20) }, steps: (play) => gone(play, 2), ends: 'gone' },
  { name: 'pre-stop-at-deadline', spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sleep', '1'] } } } })), ...grace(10), activeDeadlineSeconds: 10 }, ends: (pod) => pod.status?.phase === 'Failed' && pod.status.containerStatuses?.[0]?.state?.terminated !== undefined },
  { name: 'pre-stop-of-two', spec: { ...always(stay('one', { lifecycle: { preStop: { exec: { command: ['sleep', '2'] } } } }), stay('two', { lifecycle: { preStop: { sleep: { seconds: 1 } } } })), ...grace(10) }, steps: gone, ends: 'gone' },
];
