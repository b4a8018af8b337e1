// The one table of flags of `skiff server` and `skiff agent`: name, where it holds, how it is read, its default, its help. The command line,
// the environment and the configuration files are all read by it. A value is checked where it comes in: the message names the flag and the value.
import { mayKubeletSet } from '../internal/api/node-labels.ts';

export type FlagKind = 'string' | 'integer' | 'boolean' | 'list';

export interface Flag {
  name: string;
  verbs: readonly ('server' | 'agent')[];
  kind: FlagKind;
  /** Environment variable, where the interface gives one. */
  env?: string;
  default?: string | number | boolean | readonly string[];
  help: string;
  /** Of a list: a value may have commas of its own, so each is given by itself. */
  whole?: boolean;
  /** Says what is wrong with a value, or undefined. */
  check?(value: string): string | undefined;
}

const BOTH = ['server', 'agent'] as const;
const SERVER = ['server'] as const;
const AGENT = ['agent'] as const;
const DISABLEABLE = ['dns', 'proxy', 'servicelb', 'ingress', 'local-storage', 'metrics', 'dashboard', 'network-policy'] as const;

export const FLAGS = [
  { name: 'data-dir', verbs: BOTH, kind: 'string', env: 'SKIFF_DATA_DIR', default: '/var/lib/skiff', help: 'folder that holds all state' },
  { name: 'config', verbs: BOTH, kind: 'string', env: 'SKIFF_CONFIG_FILE', default: '/etc/skiff/config.yaml', help: 'configuration file; FILE.d/*.yaml are read after it' },
  { name: 'token', verbs: BOTH, kind: 'string', env: 'SKIFF_TOKEN', help: 'shared secret with which nodes join (server: made at first start)' },
  { name: 'token-file', verbs: BOTH, kind: 'string', env: 'SKIFF_TOKEN_FILE', help: 'file that holds the token' },
  { name: 'agent-token', verbs: SERVER, kind: 'string', env: 'SKIFF_AGENT_TOKEN', help: 'secret for agents only; default: the token' },
  { name: 'server', verbs: AGENT, kind: 'string', env: 'SKIFF_URL', help: 'URL of a server to join, https://HOST:6443', check: httpsUrl },
  { name: 'private-registry', verbs: BOTH, kind: 'string', default: '/etc/skiff/registries.yaml', help: 'registries: mirrors, rewrites, auth, tls' },
  { name: 'bind-address', verbs: SERVER, kind: 'string', default: '0.0.0.0', help: 'address on which the API server listens', check: address },
  { name: 'https-listen-port', verbs: SERVER, kind: 'integer', default: 6443, help: 'port of the API server', check: port },
  { name: 'advertise-address', verbs: SERVER, kind: 'string', help: 'address of the API server for others; default: the node’s', check: address },
  { name: 'tls-san', verbs: SERVER, kind: 'list', default: [], help: 'more names and addresses for the server’s certificate' },
  { name: 'node-name', verbs: BOTH, kind: 'string', env: 'SKIFF_NODE_NAME', help: 'name of this node; default: the host name', check: nodeName },
  { name: 'node-ip', verbs: BOTH, kind: 'list', default: [], help: 'address of this node; default: that of the default route', check: address },
  { name: 'node-external-ip', verbs: BOTH, kind: 'list', default: [], help: 'external address of this node', check: address },
  { name: 'node-label', verbs: BOTH, kind: 'list', default: [], help: 'label of this node at registration, key=value', check: label },
  { name: 'node-taint', verbs: BOTH, kind: 'list', default: [], help: 'taint of this node at registration, key=value:Effect', check: taint },
  { name: 'with-node-id', verbs: BOTH, kind: 'boolean', default: false, help: 'append an id of its own to the node’s name' },
  { name: 'kubelet-port', verbs: BOTH, kind: 'integer', default: 10250, help: 'port of the kubelet’s API', check: port },
  { name: 'cluster-cidr', verbs: SERVER, kind: 'list', default: ['10.42.0.0/16'], help: 'network of the pods', check: cidr },
  { name: 'service-cidr', verbs: SERVER, kind: 'list', default: ['10.43.0.0/16'], help: 'network of the services', check: cidr },
  { name: 'cluster-dns', verbs: SERVER, kind: 'list', default: ['10.43.0.10'], help: 'address of the cluster’s DNS', check: address },
  { name: 'cluster-domain', verbs: SERVER, kind: 'string', default: 'cluster.local', help: 'domain of the cluster' },
  { name: 'service-node-port-range', verbs: SERVER, kind: 'string', default: '30000-32767', help: 'ports for NodePort services', check: portRange },
  { name: 'network-backend', verbs: SERVER, kind: 'string', default: 'vxlan', help: 'vxlan, host-gw, wireguard, or none (CNI plugins)', check: oneOf('vxlan', 'host-gw', 'wireguard', 'none') },
  { name: 'container-runtime-endpoint', verbs: BOTH, kind: 'string', default: '', help: 'CRI socket; default: built in, over runc' },
  { name: 'oci-runtime', verbs: BOTH, kind: 'string', default: 'runc', help: 'runc, or a compatible runtime on the PATH' },
  { name: 'datastore-endpoint', verbs: SERVER, kind: 'string', default: '', help: 'etcd endpoints; default: SQLite in the data folder' },
  { name: 'datastore-cafile', verbs: SERVER, kind: 'string', help: 'CA of the datastore' },
  { name: 'datastore-certfile', verbs: SERVER, kind: 'string', help: 'client certificate for the datastore' },
  { name: 'datastore-keyfile', verbs: SERVER, kind: 'string', help: 'key of that certificate' },
  { name: 'disable', verbs: SERVER, kind: 'list', default: [], help: `parts not to run: ${DISABLEABLE.join(', ')}`, check: oneOf(...DISABLEABLE) },
  { name: 'disable-agent', verbs: SERVER, kind: 'boolean', default: false, help: 'control plane only, no node' },
  { name: 'write-kubeconfig', verbs: SERVER, kind: 'string', env: 'SKIFF_KUBECONFIG_OUTPUT', default: '/etc/skiff/skiff.yaml', help: 'where the admin’s kubeconfig is written' },
  { name: 'write-kubeconfig-mode', verbs: SERVER, kind: 'string', env: 'SKIFF_KUBECONFIG_MODE', default: '0600', help: 'mode of that file', check: fileMode },
  { name: 'write-kubeconfig-group', verbs: SERVER, kind: 'string', env: 'SKIFF_KUBECONFIG_GROUP', help: 'group of that file' },
  { name: 'kubelet-arg', verbs: BOTH, kind: 'list', whole: true, default: [], help: 'setting of the kubelet, name=value; may be given again', check: keyValue },
  { name: 'image-credential-provider-config', verbs: BOTH, kind: 'string', help: 'CredentialProviderConfig: which programs know credentials of which images; a file or a folder' },
  { name: 'image-credential-provider-bin-dir', verbs: BOTH, kind: 'string', help: 'folder of these programs' },
  { name: 'scheduler-config', verbs: SERVER, kind: 'string', help: 'KubeSchedulerConfiguration file' },
  { name: 'default-local-storage-path', verbs: SERVER, kind: 'string', help: 'folder of the local-path volumes' },
  { name: 'resolv-conf', verbs: BOTH, kind: 'string', env: 'SKIFF_RESOLV_CONF', help: 'resolv.conf for pods and for names outside the cluster' },
  { name: 'audit-policy-file', verbs: SERVER, kind: 'string', help: 'audit Policy file: what of requests is written down; default: nothing' },
  { name: 'audit-log-path', verbs: SERVER, kind: 'string', help: 'audit log; - is standard output' },
  { name: 'audit-log-maxsize', verbs: SERVER, kind: 'integer', default: 100, help: 'megabytes at which the audit log is begun anew' },
  { name: 'audit-log-maxbackup', verbs: SERVER, kind: 'integer', default: 10, help: 'older audit logs to keep; 0: all' },
  { name: 'audit-log-maxage', verbs: SERVER, kind: 'integer', default: 0, help: 'days to keep older audit logs; 0: for ever' },
  { name: 'authentication-config', verbs: SERVER, kind: 'string', help: 'AuthenticationConfiguration file: OIDC issuers, anonymous requests' },
  { name: 'secrets-encryption', verbs: SERVER, kind: 'boolean', default: false, help: 'encrypt secrets at rest' },
  { name: 'log-level', verbs: BOTH, kind: 'string', default: 'info', help: 'debug, info, warn or error', check: oneOf('debug', 'info', 'warn', 'error') },
  { name: 'log-format', verbs: BOTH, kind: 'string', default: 'text', help: 'text or json', check: oneOf('text', 'json') },
] as const satisfies readonly Flag[];

type ValueOf<K extends FlagKind> = K extends 'string' ? string : K extends 'integer' ? number : K extends 'boolean' ? boolean : string[];
type Entry = (typeof FLAGS)[number];
/** Settings by flag name. Those without a default may be absent. */
export type Settings = { [E in Entry as E extends { default: unknown } ? E['name'] : never]: ValueOf<E['kind']> } & {
  [E in Entry as E extends { default: unknown } ? never : E['name']]?: ValueOf<E['kind']>;
};

function address(value: string): string | undefined {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(value) || /^[0-9a-f:]*:[0-9a-f:.]*$/i.test(value) ? undefined : 'must be an IP address';
}
function cidr(value: string): string | undefined {
  const [base = '', bits = ''] = value.split('/');
  return address(base) === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (base.includes(':') ? 128 : 32) ? undefined : 'must be a network such as 10.42.0.0/16';
}
function port(value: string): string | undefined {
  return Number(value) >= 1 && Number(value) <= 65_535 ? undefined : 'must be a port, 1 to 65535';
}
function portRange(value: string): string | undefined {
  const [low = Number.NaN, high = Number.NaN] = value.split('-').map(Number);
  return low >= 1 && low <= high && high <= 65_535 ? undefined : 'must be a range of ports such as 30000-32767';
}
function nodeName(value: string): string | undefined {
  return value.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(value) ? undefined : 'must be a DNS name: lower case letters, digits, "-" and "."';
}
function keyValue(value: string): string | undefined {
  return /^[^=]+=/.test(value) ? undefined : 'must be key=value';
}
function label(value: string): string | undefined {
  if (!mayKubeletSet(value.slice(0, value.indexOf('=')))) return 'is not a label that a node may give itself: of kubernetes.io and k8s.io only what describes the machine, and what begins with kubelet.kubernetes.io/ or node.kubernetes.io/; set others with kubectl label node';
  return /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?=([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value) ? undefined : 'must be key=value of letters, digits, "-", "_" and ".", each at most 63 long';
}
function taint(value: string): string | undefined {
  return /^[^=:]+(=[^:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(value) ? undefined : 'must be key=value:Effect with NoSchedule, PreferNoSchedule or NoExecute';
}
function fileMode(value: string): string | undefined {
  return /^0?[0-7]{3}$/.test(value) ? undefined : 'must be an octal mode such as 0600';
}
function httpsUrl(value: string): string | undefined {
  return /^https:\/\/[^/]+/.test(value) ? undefined : 'must be a URL such as https://10.0.0.1:6443';
}
function oneOf(...words: string[]): (value: string) => string | undefined {
  return (value) => (words.includes(value) ? undefined : `must be one of ${words.join(', ')}`);
}
