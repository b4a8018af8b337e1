// Security context: users and groups, capabilities, privileges, sysctls, read-only roots, masked paths.
import type { Container, PodSpec, SecurityContext } from '../../../internal/kinds/generated/api-types.ts';
import { never, sh, PRINTS, type NodeCase } from '../case.ts';

const done = PRINTS;
const STATUS = 'grep -e ^Uid -e ^Gid -e ^Groups -e ^Cap -e ^NoNewPrivs -e ^Seccomp: /proc/self/status';
const shows = (security: SecurityContext, { script = `id; ${STATUS}`, spec = {}, container = {} }: { script?: string; spec?: Partial<PodSpec>; container?: Partial<Container> } = {}): PodSpec => ({ ...never(sh('main', `sleep 2; ${script}`, { securityContext: security, ...container })), ...spec });
const either = { ...PRINTS, ends: (pod: Parameters<Extract<NodeCase['ends'], (pod: never) => boolean>>[0]) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' } as const;

export const SECURITY: readonly NodeCase[] = [
  { name: 'user-default', spec: shows({}), ...done },
  { name: 'user', spec: shows({ runAsUser: 1000 }), ...done },
  { name: 'user-and-group', spec: shows({ runAsUser: 1000, runAsGroup: 2000 }), ...done },
  { name: 'user-of-image', spec: shows({}, { container: { image: 'nonroot:1' } }), ...done },
  { name: 'user-of-image-with-group', spec: shows({ runAsGroup: 2000 }, { container: { image: 'nonroot:1' } }), ...done },
  { name: 'user-known', spec: shows({ runAsUser: 1234 }), ...done },
  { name: 'user-of-pod', spec: shows({ runAsUser: 1001 }, { spec: { securityContext: { runAsUser: 1000, runAsGroup: 2000 } } }), ...done },
  { name: 'user-root-non-root-image', spec: shows({ runAsUser: 0 }, { container: { image: 'nonroot:1' } }), ...done },
  { name: 'groups', spec: shows({}, { spec: { securityContext: { runAsUser: 1234, supplementalGroups: [3000, 3001], fsGroup: 4000 } } }), ...done },
  { name: 'groups-strict', spec: shows({}, { spec: { securityContext: { runAsUser: 1234, supplementalGroups: [3000], supplementalGroupsPolicy: 'Strict' } } }), ...done },
  { name: 'non-root', spec: shows({ runAsNonRoot: true }, { container: { image: 'nonroot:1' } }), ...done },
  { name: 'capabilities-dropped', spec: shows({ capabilities: { drop: ['ALL'] } }), ...done },
  { name: 'capabilities-some', spec: shows({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } }), ...done },
  { name: 'capabilities-added', spec: shows({ capabilities: { add: ['NET_ADMIN'], drop: ['KILL'] } }), ...done },
  { name: 'capabilities-all', spec: shows({ capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } }), ...done },
  { name: 'capabilities-of-user', spec: shows({ runAsUser: 1000, capabilities: { add: ['NET_ADMIN'] } }), ...done },
  { name: 'no-escalation', spec: shows({ runAsUser: 1000, allowPrivilegeEscalation: false }), ...done },
  { name: 'privileged', spec: shows({ privileged: true }, { script: `id; ${STATUS}; grep -c " /sys .*rw" /proc/mounts; [ -e /dev/kmsg ] && echo devices` }), ...done },
  { name: 'privileged-user', spec: shows({ privileged: true, runAsUser: 1000 }), ...done },
  { name: 'root-read-only', spec: shows({ readOnlyRootFilesystem: true }, { script: 'touch /x; touch /tmp/x; touch /dev/shm/x && echo shm; echo y > /dev/termination-log && echo log; touch /etc/hosts && echo hosts' }), ...either },
  { name: 'masked-paths', spec: shows({}, { script: 'head -c 5 /proc/kcore | wc -c; ls /proc/acpi 2>/dev/null | wc -l; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic; grep -e /proc/ -e /sys/ /proc/mounts | cut -d" " -f2-4 | grep -v cgroup | sed "s/,size=[0-9]*k//;s/,inode64//;s/,nr_inodes=[0-9]*//" | sort' }), ...done },
  { name: 'seccomp-default', spec: shows({ seccompProfile: { type: 'RuntimeDefault' } }), ...done },
  { name: 'seccomp-default-of-pod', spec: shows({}, { spec: { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } } }), ...done },
  { name: 'seccomp-unconfined', spec: shows({ seccompProfile: { type: 'Unconfined' } }), ...done },
  { name: 'sysctls', spec: shows({}, { script: 'cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/tcp_syncookies /proc/sys/net/ipv4/ip_local_port_range', spec: { securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }, { name: 'net.ipv4.tcp_syncookies', value: '0' }, { name: 'net/ipv4/ip_local_port_range', value: '20000 30000' }] } } }), ...done },
  { name: 'host-process-namespaces', spec: shows({ privileged: true }, { script: 'hostname', spec: { hostNetwork: true, hostPID: true, hostIPC: true } }), ...done },
  { name: 'run-as-name-in-image', spec: shows({ runAsNonRoot: false }, { script: 'id -u; id -g; id -G' }), ...done },
  { name: 'groups-of-container', spec: shows({ runAsGroup: 5000 }, { spec: { securityContext: { runAsUser: 1234, runAsGroup: 1000, supplementalGroups: [3000], fsGroup: 4000, supplementalGroupsPolicy: 'Merge' } } }), ...done },
  { name: 'groups-strict-of-image', spec: shows({}, { container: { image: 'nonroot:1' }, spec: { securityContext: { supplementalGroups: [3000], supplementalGroupsPolicy: 'Strict' } } }), ...done },
  { name: 'fs-group-always', spec: shows({}, { script: 'ls -ln /v | tail -n +2 | cut -c1-30; id', container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, spec: { securityContext: { fsGroup: 4000, fsGroupChangePolicy: 'Always' }, volumes: [{ name: 'v', emptyDir: {} }], initContainers: [sh('first', 'touch /v/x; mkdir /v/d; chmod 600 /v/x', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })] } }), ...done },
  { name: 'proc-mount-default', spec: shows({ procMount: 'Default' }), ...done },
  { name: 'seccomp-local-missing', spec: { ...shows({ seccompProfile: { type: 'Localhost', localhostProfile: 'nothere.json' } }), restartPolicy: 'Always' }, ends: (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerError' || pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError', passing: true },
];
