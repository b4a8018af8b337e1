// Init containers, sidecars (init containers that stay) and ephemeral containers.
import { always, ending, never, restarted, running, sh, stay, terminated, waits, type NodeCase } from '../case.ts';

const ALWAYS = { restartPolicy: 'Always' } as const;
const exited = (name: string) => terminated(name);

export const INIT: readonly NodeCase[] = [
  { name: 'init-then-main', spec: { ...always(stay('main')), initContainers: [ending('first', 0), ending('second', 0)] }, ends: 'Ready' },
  { name: 'init-then-done', spec: { ...never(ending('main', 0)), initContainers: [ending('first', 0)] }, ends: 'Succeeded' },
  { name: 'init-fails-never', spec: { ...never(stay('main')), initContainers: [ending('first', 5), ending('second', 0)] }, ends: 'Failed' },
  { name: 'init-fails-always', spec: { ...always(stay('main')), initContainers: [ending('first', 5)] }, ends: waits('first', 'CrashLoopBackOff'), passing: true },
  { name: 'init-fails-on-failure', spec: { ...always(stay('main')), restartPolicy: 'OnFailure', initContainers: [ending('first', 5)] }, ends: waits('first', 'CrashLoopBackOff'), passing: true },
  { name: 'init-fails-second', spec: { ...never(stay('main')), initContainers: [ending('first', 0), ending('second', 9)] }, ends: 'Failed' },
  { name: 'init-policy-on-failure', spec: { ...never(stay('main')), initContainers: [ending('first', 5, { restartPolicy: 'OnFailure' })] }, ends: waits('first', 'CrashLoopBackOff'), passing: true },
  { name: 'init-policy-never', spec: { ...always(stay('main')), initContainers: [ending('first', 5, { restartPolicy: 'Never' })] }, ends: 'Failed' },
  { name: 'init-still-runs', spec: { ...always(stay('main')), initContainers: [sh('first', 'sleep 1000')] }, ends: running('first') },
  { name: 'init-image-missing', spec: { ...always(stay('main')), initContainers: [stay('first', { image: 'nothere:1' })] }, ends: (pod) => waits('first', 'ImagePullBackOff')(pod) && pod.status?.podIP !== undefined, passing: true },
  { name: 'init-config-missing', spec: { ...always(stay('main')), initContainers: [stay('first', { envFrom: [{ configMapRef: { name: 'nothere' } }] })] }, ends: waits('first', 'CreateContainerConfigError') },
  { name: 'init-deadline', spec: { ...always(stay('main')), activeDeadlineSeconds: 10, initContainers: [stay('first')] }, ends: 'Failed' },
  { name: 'sidecar-ready', spec: { ...always(stay('main')), initContainers: [stay('side', ALWAYS)] }, ends: 'Ready' },
  { name: 'sidecar-with-done', spec: { ...never(ending('main', 0)), initContainers: [stay('side', ALWAYS)] }, ends: 'Succeeded' },
  { name: 'sidecar-with-failed', spec: { ...never(ending('main', 1)), initContainers: [stay('side', ALWAYS)] }, ends: 'Failed' },
  { name: 'sidecar-that-fails-at-the-end', spec: { ...never(ending('main', 0)), initContainers: [sh('side', 'trap "exit 9" TERM; while :; do sleep 0.2; done', ALWAYS)] }, ends: 'Succeeded' },
  { name: 'sidecar-between', spec: { ...always(stay('main')), initContainers: [ending('first', 0), stay('side', ALWAYS), ending('last', 0)] }, ends: 'Ready' },
  { name: 'sidecar-startup-probe', spec: { ...always(stay('main')), initContainers: [sh('side', 'sleep 6; touch /tmp/up; trap "exit 0" TERM; while :; do sleep 0.2; done', { ...ALWAYS, startupProbe: { exec: { command: ['cat', '/tmp/up'] }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 20 } })] }, ends: 'Ready' },
  { name: 'sidecar-startup-fails', spec: { ...always(stay('main')), initContainers: [stay('side', { ...ALWAYS, startupProbe: { exec: { command: ['false'] }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 3 } })] }, ends: restarted('side', 1), passing: true },
  { name: 'sidecar-readiness', spec: { ...always(stay('main')), initContainers: [stay('side', { ...ALWAYS, readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1, timeoutSeconds: 30 } })] }, ends: (pod) => running('main')(pod) },
  { name: 'sidecar-crashes', spec: { ...always(stay('main')), initContainers: [ending('side', 1, ALWAYS)] }, ends: waits('side', 'CrashLoopBackOff'), passing: true },
  { name: 'sidecar-completes', spec: { ...always(stay('main')), initContainers: [ending('side', 0, ALWAYS)] }, ends: restarted('side', 1), passing: true },
  { name: 'sidecar-image-missing', spec: { ...always(stay('main')), initContainers: [stay('side', { ...ALWAYS, image: 'nothere:1' })] }, ends: (pod) => waits('side', 'ImagePullBackOff')(pod) && pod.status?.podIP !== undefined, passing: true },
  { name: 'sidecars-end-in-order', spec: { ...never(sh('main', 'sleep 3; echo main ends')), terminationGracePeriodSeconds: 20, volumes: [{ name: 'v', emptyDir: {} }], initContainers: ['one', 'two', 'three'].map((name) => sh(name, `trap "cat /v/order; echo ${name} >> /v/order; exit 0" TERM; while :; do sleep 0.2; done`, { ...ALWAYS, volumeMounts: [{ name: 'v', mountPath: '/v' }] })) }, ends: 'Succeeded', output: ['one', 'two', 'three'] },
  { name: 'sidecar-pre-stop', spec: { ...never(ending('main', 0)), terminationGracePeriodSeconds: 10, initContainers: [stay('side', { ...ALWAYS, lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook > /proc/1/fd/1'] } } } })] }, ends: 'Succeeded', output: ['side'] },
  {
    name: 'ephemeral', spec: always(stay('main')), ends: (pod) => exited('debug')(pod),
    async steps(play) {
      await play.until('Ready', 'ready');
      await play.patch({ spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox:1', command: ['sh', '-c', 'echo hello; sleep 3; exit 6'] }] } }, 'ephemeralcontainers');
    },
    output: ['debug'],
  },
  {
    name: 'ephemeral-with-target', spec: always(sh('main', 'exec sleep 4321')), ends: (pod) => exited('debug')(pod),
    async steps(play) {
      await play.until('Ready', 'ready');
      await play.patch({ spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox:1', targetContainerName: 'main', command: ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline; sleep 3'] }] } }, 'ephemeralcontainers');
    },
    output: ['debug'],
  },
  {
    name: 'ephemeral-without-image', spec: always(stay('main')), ends: (pod) => waits('debug', 'ImagePullBackOff')(pod),
    async steps(play) {
      await play.until('Ready', 'ready');
      await play.patch({ spec: { ephemeralContainers: [{ name: 'debug', image: 'nothere:1' }] } }, 'ephemeralcontainers');
    },
  },
  {
    name: 'ephemeral-stays-while-main-ends', spec: never(sh('main', 'sleep 15')), ends: 'Succeeded',
    async steps(play) {
      await play.until('Ready', 'ready');
      await play.patch({ spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox:1', command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'] }] } }, 'ephemeralcontainers');
      await play.until(running('debug'), 'debug runs');
    },
  },
  { name: 'sidecar-hooks', spec: { ...never(ending('main', 0)), terminationGracePeriodSeconds: 10, initContainers: [stay('side', { ...ALWAYS, lifecycle: { postStart: { exec: { command: ['sh', '-c', 'echo begun > /proc/1/fd/1'] } }, preStop: { sleep: { seconds: 1 } } } })] }, ends: 'Succeeded', output: ['side'] },
  { name: 'sidecar-hook-fails', spec: { ...always(stay('main')), initContainers: [stay('side', { ...ALWAYS, lifecycle: { postStart: { exec: { command: ['false'] } } } })] }, ends: (pod) => (pod.status?.initContainerStatuses?.[0]?.restartCount ?? 0) >= 2, passing: true },
  { name: 'sidecar-liveness', spec: { ...always(stay('main')), initContainers: [stay('side', { ...ALWAYS, livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1, initialDelaySeconds: 3 } })] }, ends: restarted('side', 1), passing: true },
  { name: 'sidecar-deaf', spec: { ...never(ending('main', 0)), terminationGracePeriodSeconds: 3, initContainers: [sh('side', 'trap "" TERM; while :; do sleep 1; done', ALWAYS)] }, ends: 'Succeeded' },
  { name: 'sidecars-of-deaf-main', metadata: { finalizers: ['example.com/keep'] }, spec: { ...always(sh('main', 'trap "" TERM; while :; do sleep 1; done')), terminationGracePeriodSeconds: 4, initContainers: [stay('one', ALWAYS), stay('two', ALWAYS)] }, steps: async (play) => { await play.until('Ready', 'ready'); await play.remove(); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'sidecar-that-ends-while-main-ends', metadata: { finalizers: ['example.com/keep'] }, spec: { ...always(sh('main', 'trap "sleep 4; exit 0" TERM; while :; do sleep 0.2; done')), terminationGracePeriodSeconds: 60, initContainers: [sh('side', 'while [ ! -e /tmp/end ]; do sleep 0.2; done', { ...ALWAYS, volumeMounts: [{ name: 'v', mountPath: '/tmp' }] })], volumes: [{ name: 'v', emptyDir: {} }] }, steps: async (play) => { await play.until('Ready', 'ready'); await play.remove(); await play.event('Killing'); await play.exec('side', 'touch', '/tmp/end'); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'ephemeral-that-is-killed', spec: never(stay('main')), ends: 'gone', async steps(play) {
    await play.until('Ready', 'ready');
    await play.patch({ spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox:1', command: ['sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.2; done'] }] } }, 'ephemeralcontainers');
    await play.until(running('debug'), 'debug runs');
    await play.remove();
  } },
];
