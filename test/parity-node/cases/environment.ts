// Variables: literals, expansion, references, the downward API, envFrom, services, files; command and args.
import { configMap, never, secret, sh, PRINTS, type NodeCase } from '../case.ts';
import type { Container, PodSpec } from '../../../internal/kinds/generated/api-types.ts';

/** Prints its variables in order, and ends. */
const prints = (more: Omit<Partial<Container>, 'name' | 'command'>, spec: Partial<PodSpec> = {}): PodSpec => ({ ...never(sh('main', 'sleep 2; env | grep -v -e KUBERNETES_ -e "^\\(PWD\\|SHLVL\\|HOME\\|HOSTNAME\\|PATH\\)=" | sort', more)), ...spec });
const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const resource = (name: string, what: string, divisor?: string, containerName?: string) => ({ name, valueFrom: { resourceFieldRef: { resource: what, ...(divisor !== undefined && { divisor }), ...(containerName !== undefined && { containerName }) } } });
const done = PRINTS;
const resources = { requests: { cpu: '125m', memory: '10Mi', 'ephemeral-storage': '3Mi' }, limits: { cpu: '1500m', memory: '33554433', 'ephemeral-storage': '1Gi' } };

export const ENVIRONMENT: readonly NodeCase[] = [
  { name: 'env-literals', spec: prints({ env: [{ name: 'A', value: '1' }, { name: 'EMPTY', value: '' }, { name: 'NONE' }, { name: 'A', value: '2' }, { name: 'with.dot', value: 'x' }, { name: 'with-dash', value: 'y' }, { name: 'UMLAUT', value: 'Grüße "quoted" \\ $x' }] }), ...done },
  { name: 'env-expansion', spec: prints({ env: [{ name: 'A', value: 'a' }, { name: 'B', value: '$(A) $(C) $$(A) $$$(A) $(A' }, { name: 'C', value: '$(B)' }, { name: 'D', value: '$A ${A} $( A) $()' }, { name: 'E', value: '$$$$ $' }, { name: 'A', value: '$(A)$(A)' }] }), ...done },
  { name: 'args-expansion', spec: never({ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'sleep 2; echo "$0|$1|$2|$3"'], args: ['$(A)', '$$(A)', '$(NOTHERE)', 'x$(A)y$(B)'], env: [{ name: 'A', value: 'a' }, { name: 'B', value: '$(A)b' }] }), ...done },
  { name: 'args-without-command', spec: never({ name: 'main', image: 'busybox:1', args: ['sh', '-c', 'sleep 2; echo from args'] }), ...done },
  { name: 'env-path-home', spec: never(sh('main', 'sleep 2; echo $PATH $HOME $HOSTNAME $PWD')), ...done },
  { name: 'env-path-home-of-user', spec: never({ name: 'main', image: 'nonroot:1', command: ['sh', '-c', 'sleep 2; echo $PATH $HOME $HOSTNAME $PWD; id'] }), ...done },
  { name: 'env-home-of-another-user', spec: never({ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'sleep 2; echo $HOME; id'], securityContext: { runAsUser: 33 } }), ...done },
  { name: 'env-home-of-unknown-user', spec: never({ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'sleep 2; echo $HOME; id'], securityContext: { runAsUser: 4711 } }), ...done },
  { name: 'env-over-image', spec: never(sh('main', 'sleep 2; echo $PATH $HOSTNAME', { env: [{ name: 'PATH', value: '/bin' }, { name: 'HOSTNAME', value: 'mine' }] })), ...done },
  {
    name: 'env-fields', metadata: { labels: { a: 'one', 'example.com/b': 'two' }, annotations: { note: 'some "text"\nand more', 'example.com/c': 'three' } },
    spec: prints({ env: [field('NAME', 'metadata.name'), field('NS', 'metadata.namespace'), field('UID', 'metadata.uid'), field('LABEL', "metadata.labels['a']"), field('LABEL2', "metadata.labels['example.com/b']"), field('NOLABEL', "metadata.labels['nothere']"), field('NOTE', "metadata.annotations['example.com/c']"), field('NODE', 'spec.nodeName'), field('SA', 'spec.serviceAccountName'), field('HOST', 'status.hostIP'), field('HOSTS', 'status.hostIPs'), field('POD', 'status.podIP'), field('PODS', 'status.podIPs')] }), ...done,
  },
  { name: 'env-resources', spec: prints({ resources, env: [resource('CPU', 'limits.cpu'), resource('CPU_MILLI', 'limits.cpu', '1m'), resource('CPU_REQUEST', 'requests.cpu'), resource('CPU_REQUEST_MILLI', 'requests.cpu', '1m'), resource('MEMORY', 'limits.memory'), resource('MEMORY_MI', 'limits.memory', '1Mi'), resource('MEMORY_KI', 'requests.memory', '1Ki'), resource('DISK', 'limits.ephemeral-storage', '1Mi'), resource('DISK_REQUEST', 'requests.ephemeral-storage')] }), ...done },
  { name: 'env-resources-of-another', spec: { ...prints({ env: [resource('CPU', 'limits.cpu', '1m', 'other'), resource('MEMORY', 'requests.memory', '1M', 'other')] }), containers: [...prints({ env: [resource('CPU', 'limits.cpu', '1m', 'other'), resource('MEMORY', 'requests.memory', '1M', 'other')] }).containers, sh('other', 'sleep 2', { resources })] }, ...done },
  { name: 'env-resources-unset', spec: prints({ env: [resource('CPU', 'requests.cpu', '1m'), resource('MEMORY', 'requests.memory')] }), ...done },
  { name: 'env-references', objects: [configMap('env-map', { one: '1', two: 'zwei\nlines' }), secret('env-secret', { key: 's3cret' })], spec: prints({ env: [{ name: 'ONE', valueFrom: { configMapKeyRef: { name: 'env-map', key: 'one' } } }, { name: 'TWO', valueFrom: { configMapKeyRef: { name: 'env-map', key: 'two' } } }, { name: 'KEY', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'key' } } }, { name: 'NOKEY', valueFrom: { configMapKeyRef: { name: 'env-map', key: 'nothere', optional: true } } }, { name: 'NOSECRET', valueFrom: { secretKeyRef: { name: 'nothere', key: 'x', optional: true } } }, { name: 'BOTH', value: '$(ONE)-$(KEY)-$(NOKEY)' }] }), ...done },
  { name: 'env-from', objects: [configMap('from-map', { A: '1', B: '2', 'with.dot': '3', 'with-dash': '4', '1digit': '5', SHARED: 'map' }), secret('from-secret', { C: '6', SHARED: 'secret' })], spec: prints({ envFrom: [{ configMapRef: { name: 'from-map' } }, { secretRef: { name: 'from-secret' } }, { prefix: 'P_', configMapRef: { name: 'from-map' } }, { configMapRef: { name: 'nothere', optional: true } }], env: [{ name: 'B', value: 'own' }, { name: 'E', value: '$(A)$(P_B)' }] }), ...done },
  { name: 'env-from-prefix-digit', objects: [configMap('prefix-map', { A: '1', 'x-y': '2' })], spec: prints({ envFrom: [{ prefix: '1.', configMapRef: { name: 'prefix-map' } }] }), ...done },
  { name: 'env-binary-data', objects: [configMap('binary-map', { A: '1' }, { binaryData: { B: 'AP8=' } })], spec: prints({ envFrom: [{ configMapRef: { name: 'binary-map' } }] }), ...done },
  {
    name: 'env-services', objects: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'redis-main' }, spec: { clusterIP: '10.43.77.7', ports: [{ name: 'db-port', port: 6379 }, { name: 'udp', port: 53, protocol: 'UDP' }] } }, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'headless' }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } }],
    spec: { ...never(sh('main', 'sleep 2; env | grep -e REDIS -e HEADLESS -e LINKED | sort', { env: [{ name: 'LINKED', value: '$(REDIS_MAIN_SERVICE_HOST):$(REDIS_MAIN_SERVICE_PORT_DB_PORT)' }] })), enableServiceLinks: true }, ...done,
  },
  { name: 'env-services-off', spec: { ...never(sh('main', 'sleep 2; env | grep -e REDIS -e KUBERNETES | cut -d= -f1 | sort')), enableServiceLinks: false }, ...done },
  {
    name: 'env-file', spec: { ...prints({ env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars.env', key: 'A' } } }, { name: 'B', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars.env', key: 'B', optional: true } } }, { name: 'NO', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars.env', key: 'NO', optional: true } } }] }), volumes: [{ name: 'v', emptyDir: {} }], initContainers: [sh('first', `printf "A='one two'\\nB='x=y'\\n" > /v/vars.env`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })] }, ...done,
  },
  { name: 'env-file-missing-key', spec: { ...prints({ env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars.env', key: 'NOTHERE' } } }] }), volumes: [{ name: 'v', emptyDir: {} }], initContainers: [sh('first', `printf "A='one'\\n" > /v/vars.env`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })] }, ends: (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError' },
  { name: 'env-file-missing', spec: { ...prints({ env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'vars.env', key: 'A' } } }] }), volumes: [{ name: 'v', emptyDir: {} }] }, ends: (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError' },
  { name: 'env-limits-of-the-process', spec: never(sh('main', 'sleep 2; cat /proc/self/limits | cut -c1-60; cat /proc/self/oom_score_adj; umask; cat /proc/self/status | grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp: -e ^Groups; cat /proc/self/cgroup | wc -l; ls -l /proc/self/fd | wc -l')), ...done },
  { name: 'env-devices', spec: never(sh('main', 'sleep 2; ls -l /dev | cut -c1-10,32-; ls -ld / /tmp /dev/shm /dev/pts /proc /sys | cut -c1-10,32-')), ...done, without: { output: 'times of files' } },
  { name: 'env-mounts', spec: never(sh('main', 'sleep 2; cut -d" " -f2,3,4 /proc/self/mounts | sed "s/,lowerdir=[^ ]*//; s/,upperdir=[^ ]*//; s/,workdir=[^ ]*//; s/,size=[0-9]*k//; s/,nr_inodes=[0-9]*//; s/,inode64//; s/,uuid=[a-z]*//" | sort')), ...done },
  { name: 'env-terminal', spec: never({ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'sleep 2; tty; env | grep TERM; stty size'], tty: true, stdin: true }), ...done },
];
