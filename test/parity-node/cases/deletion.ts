// The end of a pod by deletion, at every stage of its life, and what the spec's generation does.
import { always, never, running, sh, stay, waits, type NodeCase, type Play } from '../case.ts';

const deaf = sh('main', 'trap "" TERM; while :; do sleep 1; done');
const remove = (seconds?: number, ready: Parameters<Play['until']>[0] = 'Ready') => async (play: Play): Promise<void> => {
  await play.until(ready, 'its start');
  await play.remove(seconds);
};
const finalizer = { annotations: {}, labels: {}, finalizers: ['example.com/keep'] } as NonNullable<NodeCase['metadata']>;
const released = async (play: Play): Promise<void> => {
  await play.until('Ready', 'ready');
  await play.remove();
  await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end');
};

export const DELETION: readonly NodeCase[] = [
  { name: 'delete', spec: always(stay('main')), steps: remove(), ends: 'gone' },
  { name: 'delete-deaf', spec: always(deaf), steps: remove(), ends: 'gone' },
  { name: 'delete-now', spec: { ...always(deaf), terminationGracePeriodSeconds: 60 }, steps: remove(0), ends: 'gone', without: { events: 'the pod is gone before its events', final: 'what was last seen is chance', conditions: 'what was last seen is chance', containers: 'what was last seen is chance' } },
  { name: 'delete-in-one-second', spec: { ...always(deaf), terminationGracePeriodSeconds: 60 }, steps: remove(1), ends: 'gone' },
  { name: 'delete-sooner', spec: { ...always(deaf), terminationGracePeriodSeconds: 60 }, steps: async (play) => { await remove()(play); await play.remove(2); }, ends: 'gone' },
  { name: 'delete-with-words', spec: always(sh('main', 'trap "printf bye > /dev/termination-log; exit 5" TERM; while :; do sleep 0.2; done')), steps: remove(), ends: 'gone' },
  { name: 'delete-two', spec: always(stay('one'), sh('two', 'trap "exit 3" TERM; while :; do sleep 0.2; done')), steps: remove(), ends: 'gone' },
  { name: 'delete-kept', metadata: finalizer, spec: always(stay('main')), steps: async (play) => { await released(play); }, ends: (pod) => pod.metadata.deletionTimestamp !== undefined },
  { name: 'delete-kept-fails', metadata: finalizer, spec: always(sh('main', 'trap "exit 3" TERM; while :; do sleep 0.2; done')), steps: async (play) => { await released(play); }, ends: (pod) => pod.metadata.deletionTimestamp !== undefined },
  { name: 'delete-kept-never', metadata: finalizer, spec: never(stay('main')), steps: async (play) => { await released(play); }, ends: (pod) => pod.metadata.deletionTimestamp !== undefined },
  { name: 'delete-while-pulling', spec: always(stay('main', { image: 'nothere:1' })), steps: remove(undefined, waits('main', 'ImagePullBackOff')), ends: 'gone' },
  { name: 'delete-kept-while-pulling', metadata: finalizer, spec: always(stay('main', { image: 'nothere:1' })), steps: async (play) => { await play.until(waits('main', 'ImagePullBackOff'), 'back-off'); await play.remove(); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'delete-in-init', metadata: finalizer, spec: { ...always(stay('main')), initContainers: [stay('first')] }, steps: async (play) => { await play.until(running('first'), 'init'); await play.remove(); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'delete-in-back-off', metadata: finalizer, spec: always(sh('main', 'sleep 3; exit 4')), steps: async (play) => { await play.until(waits('main', 'CrashLoopBackOff'), 'back-off'); await play.remove(); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'delete-config-error', metadata: finalizer, spec: always(stay('main', { envFrom: [{ configMapRef: { name: 'nothere' } }] })), steps: async (play) => { await play.until(waits('main', 'CreateContainerConfigError'), 'error'); await play.remove(); await play.until((pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed', 'its end'); }, ends: () => true },
  { name: 'delete-volume-missing', spec: { ...always(stay('main', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })), volumes: [{ name: 'v', secret: { secretName: 'nothere' } }] }, steps: async (play) => { await play.event('FailedMount'); await play.remove(); }, ends: 'gone' },
  { name: 'delete-after-success', spec: never(sh('main', 'sleep 3')), steps: remove(undefined, 'Succeeded'), ends: 'gone' },
  { name: 'delete-sidecars', metadata: finalizer, spec: { ...always(stay('main')), terminationGracePeriodSeconds: 10, initContainers: [stay('side', { restartPolicy: 'Always' })] }, steps: released, ends: () => true },
  { name: 'delete-readiness', metadata: finalizer, spec: { ...always(sh('main', 'trap "sleep 4; exit 0" TERM; while :; do sleep 0.2; done', { readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, timeoutSeconds: 30 } })), terminationGracePeriodSeconds: 20 }, steps: released, ends: () => true },
  { name: 'evict', spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); await play.create({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evict' } }, 'pods/evict/eviction'); }, ends: 'gone' },
  { name: 'generation', spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); await play.patch({ spec: { activeDeadlineSeconds: 5000 } }); await play.until((pod) => pod.status?.observedGeneration === 2, 'observed'); await play.patch({ metadata: { labels: { a: 'b' } } }); await play.patch({ spec: { tolerations: [{ key: 'a', operator: 'Exists' }] } }); await play.until((pod) => pod.status?.observedGeneration === 3, 'observed again'); }, ends: 'Ready' },
];
