// Pods of every kind that end, each container with a code that the seed chose. A container notes its start, and its end with the code, in a
// folder of the host: so it is known what ran, whatever became of those that watched it.

export interface Ending {
  name: string;
  /** The code that a container is to end with, by its name, in the order of their starts. */
  codes: Record<string, number>;
  /** Also what is to be applied before it. */
  objects: object[];
  /** Its container is started until it ends with 0. */
  retried?: boolean;
}

/** Where containers note what they do, as they and the host see it. */
export const NOTES = '/var/lib/chaos';

const noted = (command: string, code: number): string => `echo "$POD/$NAME" >> /notes/starts; ${command}; echo "$POD/$NAME ${String(code)}" >> /notes/ends; exit ${String(code)}`;

interface ContainerOptions {
  image?: string;
  mounts?: { name: string; mountPath: string; subPath?: string }[];
  more?: object;
}

function container(name: string, script: string, { image = 'busybox:1', mounts = [], more = {} }: ContainerOptions = {}): object {
  return {
    name, image, command: ['sh', '-c', script], ...more,
    env: [{ name: 'NAME', value: name }, { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    volumeMounts: [{ name: 'notes', mountPath: '/notes' }, { name: 'own', mountPath: '/own' }, ...mounts],
  };
}

function pod(name: string, spec: { initContainers?: object[]; containers: object[]; restartPolicy?: string; volumes?: object[]; hostNetwork?: boolean }): object {
  const { volumes = [], ...rest } = spec;
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'once' } },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, ...rest, volumes: [{ name: 'notes', hostPath: { path: NOTES, type: 'DirectoryOrCreate' } }, { name: 'own', emptyDir: {} }, ...volumes] },
  };
}

export interface Chance {
  /** Below this, and not below 0. */
  (limit: number): number;
}

const KINDS: Record<string, (name: string, below: Chance) => Ending> = {
  plain(name, below) {
    const main = 1 + below(100);
    return { name, codes: { main }, objects: [pod(name, { containers: [container('main', noted(`sleep ${String(1 + below(3))}`, main))] })] };
  },
  'init containers and a sidecar'(name, below) {
    const main = 1 + below(100);
    const initContainers = [
      container('first', noted('echo first > /own/order', 0)),
      container('side', 'trap "exit 0" TERM; while :; do sleep 0.2; done', { more: { restartPolicy: 'Always' } }),
      container('second', noted('grep -qx first /own/order || exit 91; echo second > /own/order', 0)),
    ];
    return { name, codes: { first: 0, second: 0, main }, objects: [pod(name, { initContainers, containers: [container('main', noted(`sleep ${String(1 + below(2))}; grep -qx second /own/order || exit 92`, main))] })] };
  },
  'an init container that fails'(name, below) {
    const first = 1 + below(100);
    return { name, codes: { first }, objects: [pod(name, { initContainers: [container('first', noted('sleep 1', first))], containers: [container('main', noted('true', 0))] })] };
  },
  'two containers'(name, below) {
    const codes = { main: 1 + below(100), other: below(100) };
    return { name, codes, objects: [pod(name, { containers: [container('main', noted(`sleep ${String(1 + below(3))}`, codes.main)), container('other', noted('sleep 0.3', codes.other))] })] };
  },
  'until it succeeds'(name) {
    return { name, codes: { main: 0 }, retried: true, objects: [pod(name, { restartPolicy: 'OnFailure', containers: [container('main', `[ -e /own/tried ] || { echo "$POD/$NAME" >> /notes/starts; touch /own/tried; exit 7; }; ${noted('sleep 0.5', 0)}`)] })] };
  },
  volumes(name, below) {
    const main = 1 + below(90);
    const checks = ['"$(cat /config/key)" = value', '"$(cat /secret/key)" = hidden', '"$(cat /part)" = value', '"$(cat /all/name)" = "$POD"', '-s /all/token', '-w /memory'].map((check) => `[ ${check} ] || exit 93`).join('; ');
    const mounts = [{ name: 'config', mountPath: '/config' }, { name: 'secret', mountPath: '/secret' }, { name: 'config', mountPath: '/part', subPath: 'key' }, { name: 'all', mountPath: '/all' }, { name: 'memory', mountPath: '/memory' }];
    const volumes = [
      { name: 'config', configMap: { name: 'chaos' } }, { name: 'secret', secret: { secretName: 'chaos' } }, { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'all', projected: { sources: [{ downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }, { serviceAccountToken: { path: 'token' } }] } },
    ];
    return { name, codes: { main }, objects: [pod(name, { volumes, containers: [container('main', noted(`${checks}; sleep 1`, main), { mounts })] })] };
  },
  'on the host network'(name, below) {
    const main = 1 + below(100);
    return { name, codes: { main }, objects: [pod(name, { hostNetwork: true, containers: [container('main', noted('sleep 1', main))] })] };
  },
};

export const FIXED: object[] = [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'chaos' }, data: { key: 'value' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'chaos' }, stringData: { key: 'hidden' } },
];

export function endingPod(name: string, below: Chance): Ending {
  const kinds = Object.keys(KINDS);
  const make = KINDS[kinds[below(kinds.length)] ?? ''];
  if (make === undefined) throw new Error('no kind');
  return make(name, below);
}

/** One with an image that is to be pulled. */
export function pullingPod(name: string, image: string, below: Chance): Ending {
  const main = 1 + below(100);
  return { name, codes: { main }, objects: [pod(name, { containers: [container('main', noted('[ -s /noise ] || exit 94', main), { image })] })] };
}

/** Those that stay: shells with an init container and probes, and a server on a port of the host. */
export function stayingDeployments(workers: number, hostPort: number): object[] {
  const deployment = (name: string, replicas: number, spec: object, more: object = {}): object => ({
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
    spec: { replicas, ...more, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name, stays: 'yes' } }, spec: { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, ...spec } } },
  });
  const own = { name: 'own', emptyDir: {} };
  const mounts = [{ name: 'own', mountPath: '/own' }];
  return [
    deployment('worker', workers, {
      volumes: [own],
      initContainers: [{ name: 'first', image: 'busybox:1', command: ['sh', '-c', 'touch /own/begun'], volumeMounts: mounts }],
      containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '100000'], volumeMounts: mounts, readinessProbe: { exec: { command: ['ls', '/own/begun'] }, periodSeconds: 2 } }],
    }),
    deployment('front', 1, {
      containers: [{ name: 'main', image: 'web:1', ports: [{ containerPort: 80, hostPort }], readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 }, livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 } }],
    }, { strategy: { type: 'Recreate' } }),
  ];
}
