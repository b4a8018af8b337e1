// The container runtime's port, shaped like CRI v1 so that the built-in runtime (runc + conmon) and a CRI socket are interchangeable.
// test/contract/runtime.ts is the suite that every implementation passes. All ids are chosen by the runtime. State survives a restart
// of Skiff: `list` after a new start finds what runs, and exits that happened meanwhile are reported with their codes.
import type { Duplex, Readable, Writable } from 'node:stream';

export interface SandboxConfig {
  namespace: string;
  name: string;
  uid: string;
  attempt: number;
  hostname: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Cgroup of the pod, made by the kubelet, e.g. `/kubepods/burstable/pod<uid>`, relative to the node's cgroup root. One that ends in `.slice` is systemd's. */
  cgroupParent: string;
  hostNetwork: boolean;
  hostPid: boolean;
  hostIpc: boolean;
  /** One PID namespace for all containers: needs a pause process. */
  shareProcessNamespace: boolean;
  sysctls: Record<string, string>;
  portMappings: PortMapping[];
  /** Directory for container logs: /var/log/pods/<ns>_<name>_<uid>. */
  logDirectory: string;
  /** resolv.conf of the pod; containers get it unless they mount their own. */
  dns: { servers: string[]; searches: string[]; options: string[] };
  runtimeHandler?: string;
  /** One of its containers is to be privileged. */
  privileged?: boolean;
  /** Users of its own: its ids from 0 on are the host's from `hostId` on. Never with a namespace of the host's. */
  userNamespace?: IdRange;
}

export interface IdRange {
  hostId: number;
  length: number;
}

export interface PortMapping {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  containerPort: number;
  hostPort: number;
  hostIp: string;
}

export interface SandboxStatus {
  id: string;
  config: SandboxConfig;
  state: 'ready' | 'notready';
  /** Addresses, the pod's own first; the host's for hostNetwork. */
  ips: string[];
  /** Epoch ms. */
  createdAt: number;
}

export interface Mount {
  containerPath: string;
  hostPath: string;
  readOnly: boolean;
  /** Submounts read-only as well (rro). */
  recursiveReadOnly?: boolean;
  propagation: 'None' | 'HostToContainer' | 'Bidirectional';
  /** Mount this image's root instead of hostPath. */
  image?: string;
  imageSubPath?: string;
}

export interface Resources {
  cpuShares?: number;
  cpuQuota?: number;
  cpuPeriod?: number;
  memoryLimitBytes?: number;
  oomScoreAdj?: number;
  pidsLimit?: number;
  /** By page size: `2MB`. */
  hugepageLimits?: Record<string, number>;
  /** Files of cgroup v2 as they are to read: `memory.oom.group`. */
  unified?: Record<string, string>;
}

export interface SecurityConfig {
  privileged: boolean;
  readOnlyRootfs: boolean;
  noNewPrivileges: boolean;
  /** As in the pod: user id; undefined: what the image says (name or number). */
  runAsUser?: number;
  runAsGroup?: number;
  runAsUserName?: string;
  supplementalGroups: number[];
  /** Merge also takes the groups that the image's /etc/group lists for the user. */
  supplementalGroupsPolicy: 'Merge' | 'Strict';
  addCapabilities: string[];
  dropCapabilities: string[];
  seccomp: { type: 'Unconfined' | 'RuntimeDefault' | 'Localhost'; path?: string };
  apparmor?: { type: 'Unconfined' | 'RuntimeDefault' | 'Localhost'; profile?: string };
  maskedPaths: boolean;
}

export interface ContainerConfig {
  /** Container name and attempt (= restart count): unique within the sandbox. */
  name: string;
  attempt: number;
  /** Id of the pulled image, from ImageStore. */
  imageId: string;
  /** As the pod names it, for status. */
  imageName: string;
  /** Empty: the image's entrypoint / cmd. Already expanded. */
  command: string[];
  args: string[];
  workingDir: string;
  env: { name: string; value: string }[];
  mounts: Mount[];
  devices: { hostPath: string; containerPath: string; permissions: string }[];
  /** Names of devices that are described by the Container Device Interface's files: `vendor.com/class=name`. */
  cdiDevices?: string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Relative to the sandbox's logDirectory: `<container>/<attempt>.log`. CRI log format. */
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  resources: Resources;
  security: SecurityConfig;
  /** Another container's PID namespace to join (ephemeral containers' targetContainerName): its id. */
  targetPidContainerId?: string;
  stopSignal?: string;
}

/** Whom the container's first process is. */
export interface ContainerUser {
  uid: number;
  gid: number;
  supplementalGroups: number[];
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface ContainerStatus {
  id: string;
  /** `info.name` of the runtime it runs on: clients see `containerd://<id>`. */
  runtime: string;
  sandboxId: string;
  config: ContainerConfig;
  state: ContainerState;
  /** Absent where the runtime does not tell. */
  user?: ContainerUser;
  pid?: number;
  /** Epoch ms; 0 while it has not happened. */
  createdAt: number;
  startedAt: number;
  finishedAt: number;
  exitCode?: number;
  /** 'Completed', 'Error', 'OOMKilled', 'ContainerStatusUnknown'. */
  reason?: string;
  message?: string;
}

export interface ContainerStats {
  id: string;
  timestamp: number;
  cpuUsageNanos: number;
  memoryUsageBytes: number;
  memoryWorkingSetBytes: number;
  memoryRssBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  rootfsUsedBytes: number;
  rootfsInodes: number;
  processes: number;
}

export interface ExecOptions {
  command: string[];
  tty: boolean;
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  /** Terminal sizes as they change. */
  resize?: AsyncIterable<{ width: number; height: number }>;
  timeoutMs?: number;
  /** One that cannot be started is an error, and not what a shell would end with. */
  mustStart?: boolean;
  signal?: AbortSignal;
}

export type RuntimeEvent =
  | { type: 'started'; sandboxId: string; containerId: string }
  | { type: 'exited'; sandboxId: string; containerId: string; exitCode: number };

/** Errors are RuntimeError; `reason` is what the container's waiting state shows. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly reason: 'CreateContainerError' | 'RunContainerError' | 'CreatePodSandboxError' | 'NotFound' | 'ExecError' | 'DeadlineExceeded';
  constructor(reason: RuntimeError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** What pods of a RuntimeClass with this handler can have. */
export interface RuntimeHandler {
  /** '' is the one of pods without a RuntimeClass. */
  name: string;
  recursiveReadOnlyMounts: boolean;
  userNamespaces: boolean;
}

export interface Runtime {
  /** `cgroupDriver`: where the runtime itself tells how pods' cgroups are made, by the time it has started. */
  readonly info: { name: string; version: string; cgroupDriver?: 'cgroupfs' | 'systemd' };
  /** After `start`. */
  handlers(): readonly RuntimeHandler[];
  /** Why no container can be run now; '' when they can. Asked with every heartbeat: cheap. Absent: always well. */
  problem?(): string;
  /** Adopts what still runs, reports exits that happened meanwhile, and removes what no record claims. */
  start(): Promise<void>;
  /** Stops watching; containers go on. */
  stop(): Promise<void>;
  /** Every change of a container's state, after `start`; also for exits that happened while Skiff was away. */
  subscribe(onEvent: (event: RuntimeEvent) => void): () => void;

  runSandbox(config: SandboxConfig): Promise<SandboxStatus>;
  /** Kills all in it and takes its network away; idempotent. */
  stopSandbox(id: string): Promise<void>;
  /** Removes it with its containers; idempotent. */
  removeSandbox(id: string): Promise<void>;
  listSandboxes(): SandboxStatus[];

  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** The stop signal, then SIGKILL after the timeout (0: at once). Resolves when it has exited. */
  stopContainer(id: string, timeoutMs: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  listContainers(sandboxId?: string): ContainerStatus[];
  status(id: string): ContainerStatus | undefined;
  updateResources(id: string, resources: Resources): Promise<void>;
  reopenLog(id: string): Promise<void>;

  /** Resolves with the exit code of the process. 126 / 127 as a shell would; RuntimeError when the container is not running. */
  exec(id: string, options: ExecOptions): Promise<number>;
  /** Streams of the container's own process until it exits, the streams end, or the signal aborts. */
  attach(id: string, options: Omit<ExecOptions, 'command' | 'timeoutMs'>): Promise<void>;
  /** A TCP connection to a port inside the pod's network namespace, on its loopback. */
  connect(sandboxId: string, port: number): Promise<Duplex>;
  stats(containerId?: string): Promise<ContainerStats[]>;
}
