// To take one anew, change what its manifest says: upstream remembers back-offs by a hash of it. Static pods and their mirrors: from a folder and from a URL; how a mirror is told apart, made anew and kept; what a change of the manifest does.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { always, ending, manifest, never, restarted, running, sh, stay, STAY, waits, type NodeCase, type Play } from '../case.ts';

const file = 'file' as const;
/** Nothing but a pod that was placed now and has ended tells that the folder has been looked at again. */
const lookedAt = async (play: Play, name: string): Promise<void> => {
  play.place('-mark', manifest({ name: `${name}-mark` }, never(sh('main', 'true')), play.namespace));
  await play.seesEnd(`${name}-mark-n1`);
  play.place('-mark', undefined);
};
const ready = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
const other = (play: Play) => {
  const { uid } = play.pod().metadata;
  return (pod: Pod): boolean => pod.metadata.uid !== uid && ready(pod);
};
const saying = (text: string) => always(sh('main', STAY, { env: [{ name: 'SAYS', value: text }] }));
const says = (text: string) => (pod: Pod): boolean => ready(pod) && pod.spec.containers[0]?.env?.[0]?.value === text;

const TWO_OF_A_NAME = { phases: 'which of two counts while both are there is by the moment', containers: 'as above', conditions: 'as above', events: 'as above' };

/** Placed by its steps, at first as something that the node does not take. */
function refusedAtFirst(name: string, first: (namespace: string) => object | string): NodeCase {
  return {
    name, static: 'steps', spec: always(stay('main')), ends: 'Ready',
    async steps(play) {
      play.place('', first(play.namespace));
      await lookedAt(play, name);
      play.place('', manifest({ name }, always(stay('main')), play.namespace));
    },
  };
}

export const STATIC: readonly NodeCase[] = [
  { name: 'static-file', static: file, metadata: { labels: { a: 'b' }, annotations: { note: 'mine' } }, spec: always(stay('main')), ends: 'Ready' },
  { name: 'static-succeeds', static: file, spec: never(ending('main', 0)), ends: 'Succeeded' },
  { name: 'static-fails', static: file, spec: never(ending('main', 3)), ends: 'Failed' },
  { name: 'static-crashes', static: file, spec: always(ending('main', 7)), ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'static-init', static: file, spec: { ...always(stay('main')), initContainers: [ending('first', 0), ending('second', 0)] }, ends: 'Ready' },
  { name: 'static-init-fails', static: file, spec: { ...never(stay('main')), initContainers: [ending('first', 5)] }, ends: 'Failed' },
  { name: 'static-init-fails-always', static: file, spec: { ...always(stay('main')), initContainers: [ending('first', 6)] }, ends: waits('first', 'CrashLoopBackOff'), passing: true },
  { name: 'static-sidecar', static: file, spec: { ...always(stay('main')), initContainers: [stay('side', { restartPolicy: 'Always' })] }, ends: 'Ready' },
  { name: 'static-image-missing', static: file, spec: always(stay('main', { image: 'nothere:1' })), ends: (pod) => waits('main', 'ImagePullBackOff')(pod) && pod.status?.podIP !== undefined, passing: true },
  { name: 'static-liveness', static: file, spec: always(stay('main', { livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1, initialDelaySeconds: 2 } })), ends: restarted('main', 1), passing: true },
  { name: 'static-deadline', static: file, spec: { ...always(stay('main')), activeDeadlineSeconds: 10 }, ends: (pod) => pod.status?.phase === 'Failed' && pod.status.containerStatuses?.[0]?.state?.terminated !== undefined },
  { name: 'static-critical', static: file, spec: { ...always(stay('main')), priorityClassName: 'system-node-critical', tolerations: [{ key: 'a', operator: 'Exists' }] }, ends: 'Ready' },
  { name: 'static-host-network', static: file, spec: { ...always(stay('main')), hostNetwork: true }, ends: 'Ready' },
  { name: 'static-log', static: file, spec: never(sh('main', 'sleep 2; echo from a static pod')), ends: 'Succeeded', output: ['main'] },
  { name: 'static-mirror-deleted', static: file, spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); const again = other(play); await play.remove(); await play.until(again, 'another mirror'); }, ends: 'Ready' },
  { name: 'static-mirror-deleted-now', static: file, spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); const again = other(play); await play.remove(0); await play.until(again, 'another mirror'); }, ends: 'Ready' },
  { name: 'static-mirror-of-done-deleted', static: file, spec: never(ending('main', 0)), steps: async (play) => { await play.until('Succeeded', 'done'); await play.remove(); await lookedAt(play, 'static-mirror-of-done-deleted'); }, ends: 'gone' },
  { name: 'static-mirror-evicted', static: file, spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); const again = other(play); await play.create({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'static-mirror-evicted-n1' } }, 'pods/static-mirror-evicted-n1/eviction'); await play.until(again, 'another mirror'); }, ends: 'Ready' },
  { name: 'static-mirror-labelled', static: file, metadata: { labels: { a: 'b' } }, spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); await play.patch({ metadata: { labels: { a: 'c', more: 'yes' } } }); }, ends: (pod) => pod.metadata.labels?.['more'] === 'yes' },
  { name: 'static-removed', static: file, spec: { ...always(sh('main', 'trap "" TERM; while :; do sleep 1; done')), terminationGracePeriodSeconds: 3 }, steps: async (play) => { await play.until('Ready', 'ready'); play.place('', undefined); }, ends: 'gone' },
  { name: 'static-removed-with-hook', static: file, spec: { ...always(stay('main', { lifecycle: { preStop: { exec: { command: ['sleep', '1'] } } } })), terminationGracePeriodSeconds: 10 }, steps: async (play) => { await play.until('Ready', 'ready'); play.place('', undefined); }, ends: 'gone' },
  { name: 'static-changed', static: file, spec: saying('one'), steps: async (play) => { await play.until(says('one'), 'one'); play.place('', manifest({ name: 'static-changed' }, saying('two'), play.namespace)); }, ends: says('two') },
  { name: 'static-changed-while-deaf', static: file, spec: { ...saying('one'), terminationGracePeriodSeconds: 4, containers: [sh('main', 'trap "" TERM; while :; do sleep 1; done', { env: [{ name: 'SAYS', value: 'one' }], ports: [{ containerPort: 80, hostPort: 31997 }] })] }, steps: async (play) => { await play.until(says('one'), 'one'); play.place('', manifest({ name: 'static-changed-while-deaf' }, { ...saying('two'), containers: [stay('main', { env: [{ name: 'SAYS', value: 'two' }], ports: [{ containerPort: 80, hostPort: 31997 }] })] }, play.namespace)); }, ends: says('two') },
  { name: 'static-changed-in-form', static: 'steps', spec: saying('one'), ends: 'Ready', async steps(play) {
    const text = JSON.stringify(manifest({ name: 'static-changed-in-form' }, saying('one'), play.namespace));
    play.place('', text);
    await play.until('Ready', 'ready');
    play.place('', `# the same in other words\n${text}\n`);
    await lookedAt(play, 'static-changed-in-form');
  } },
  { name: 'static-moved', static: file, spec: saying('one'), steps: async (play) => { await play.until('Ready', 'ready'); const again = other(play); play.place('', undefined); play.place('-elsewhere', manifest({ name: 'static-moved' }, saying('one'), play.namespace)); await play.until(again, 'another'); }, ends: 'Ready' },
  { name: 'static-same-name', static: 'steps', spec: saying('one'), ends: says('one'), async steps(play) {
    play.place('-b', manifest({ name: 'static-same-name' }, saying('two'), play.namespace));
    await play.until(says('two'), 'two');
    play.place('-a', manifest({ name: 'static-same-name' }, saying('one'), play.namespace));
    await lookedAt(play, 'static-same-name');
    play.place('-b', undefined);
  }, without: TWO_OF_A_NAME },
  { name: 'static-url', static: 'url', spec: always(stay('main')), ends: 'Ready' },
  { name: 'static-url-removed', static: 'url', spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); play.place({ url: true }, undefined); }, ends: 'gone' },
  { name: 'static-url-changed', static: 'url', spec: saying('one'), steps: async (play) => { await play.until(says('one'), 'one'); play.place({ url: true }, manifest({ name: 'static-url-changed' }, saying('two'), play.namespace)); }, ends: says('two') },
  { name: 'static-file-then-url', static: file, spec: saying('one'), steps: async (play) => { await play.until(says('one'), 'one'); play.place({ url: true }, manifest({ name: 'static-file-then-url' }, saying('two'), play.namespace)); await lookedAt(play, 'static-file-then-url'); play.place('', undefined); }, ends: says('two'), without: TWO_OF_A_NAME },
  { name: 'static-broken-later', static: file, spec: always(stay('main')), steps: async (play) => { await play.until('Ready', 'ready'); play.place('', 'kind: Pod\n  metadata: {'); }, ends: 'gone' },
  { name: 'static-own-uid', static: 'steps', spec: always(stay('main')), steps: async (play) => { play.place('', { ...manifest({ name: 'static-own-uid' }, always(stay('main')), play.namespace), metadata: { name: 'static-own-uid', namespace: play.namespace, uid: 'a-uid-of-its-own' } }); await play.until('Ready', 'ready'); }, ends: 'Ready' },
  refusedAtFirst('static-no-yaml', () => 'kind: Pod\n  metadata: {'),
  refusedAtFirst('static-no-pod', (namespace) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'static-no-pod', namespace }, spec: { ports: [{ port: 80 }] } })),
  refusedAtFirst('static-invalid', (namespace) => manifest({ name: 'static-invalid' }, { containers: [{ name: 'Not_a_name', image: 'busybox:1' }] }, namespace)),
  { name: 'static-unknown-field', static: file, spec: { ...saying('one'), nothere: true } as Pod['spec'], ends: 'Ready' },
  refusedAtFirst('static-secret', (namespace) => manifest({ name: 'static-secret' }, always(stay('main', { envFrom: [{ secretRef: { name: 'nothere', optional: true } }] })), namespace)),
  refusedAtFirst('static-config-map', (namespace) => manifest({ name: 'static-config-map' }, { ...always(stay('main')), volumes: [{ name: 'v', configMap: { name: 'nothere', optional: true } }] }, namespace)),
  refusedAtFirst('static-service-account', (namespace) => manifest({ name: 'static-service-account' }, { ...always(stay('main')), serviceAccountName: 'default' }, namespace)),
  refusedAtFirst('static-token', (namespace) => manifest({ name: 'static-token' }, { ...always(stay('main')), volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }] }, namespace)),
  refusedAtFirst('static-claim', (namespace) => manifest({ name: 'static-claim' }, { ...always(stay('main')), volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'nothere' } }] }, namespace)),
  refusedAtFirst('static-node-selector', (namespace) => manifest({ name: 'static-node-selector' }, { ...always(stay('main')), nodeSelector: { nothere: 'yes' } }, namespace)),
  refusedAtFirst('static-too-big', (namespace) => manifest({ name: 'static-too-big' }, always(stay('main', { resources: { requests: { cpu: '1000' } } })), namespace)),
  { name: 'static-host-port-taken', static: 'steps', spec: always(stay('main')), ends: running('main'), async steps(play) {
    play.place('', manifest({ name: 'static-host-port-taken' }, always(stay('main', { ports: [{ containerPort: 80, hostPort: 31996 }] })), play.namespace));
    await play.until('Ready', 'ready');
    play.place('-second', manifest({ name: 'static-host-port-second' }, always(stay('main', { ports: [{ containerPort: 80, hostPort: 31996 }] })), play.namespace));
    await lookedAt(play, 'static-host-port-taken');
  } },
];
