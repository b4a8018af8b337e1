// The messages of CRI runtime.v1 that are used here, and of containerd's events.
import { createCodec, type Incoming, type Outgoing as OutgoingOf } from '../../grpc/messages.ts';

const MESSAGES = {
  Empty: {},
  VersionRequest: { version: [1, 'text'] },
  VersionResponse: { runtimeName: [2, 'text'], runtimeVersion: [3, 'text'] },
  StatusRequest: { verbose: [1, 'boolean'] },
  StatusResponse: { status: [1, 'RuntimeStatus'], info: [2, 'map'], handlers: [3, ['RuntimeHandler']] },
  RuntimeHandler: { name: [1, 'text'], features: [2, 'HandlerFeatures'] },
  HandlerFeatures: { recursiveReadOnlyMounts: [1, 'boolean'], userNamespaces: [2, 'boolean'] },
  RuntimeStatus: { conditions: [1, ['RuntimeCondition']] },
  RuntimeCondition: { type: [1, 'text'], status: [2, 'boolean'], reason: [3, 'text'], message: [4, 'text'] },

  RuntimeConfigResponse: { linux: [1, 'LinuxRuntimeConfiguration'] },
  LinuxRuntimeConfiguration: { cgroupDriver: [1, 'integer'] },

  SandboxMetadata: { name: [1, 'text'], uid: [2, 'text'], namespace: [3, 'text'], attempt: [4, 'integer'] },
  DnsConfig: { servers: [1, ['text']], searches: [2, ['text']], options: [3, ['text']] },
  PortMapping: { protocol: [1, 'integer'], containerPort: [2, 'integer'], hostPort: [3, 'integer'], hostIp: [4, 'text'] },
  SandboxConfig: { metadata: [1, 'SandboxMetadata'], hostname: [2, 'text'], logDirectory: [3, 'text'], dnsConfig: [4, 'DnsConfig'], portMappings: [5, ['PortMapping']], labels: [6, 'map'], annotations: [7, 'map'], linux: [8, 'LinuxSandbox'] },
  LinuxSandbox: { cgroupParent: [1, 'text'], security: [2, 'SandboxSecurity'], sysctls: [3, 'map'] },
  SandboxSecurity: { namespaces: [1, 'Namespaces'], privileged: [6, 'boolean'], seccomp: [9, 'Profile'] },
  Namespaces: { network: [1, 'integer'], pid: [2, 'integer'], ipc: [3, 'integer'], targetId: [4, 'text'], users: [5, 'UserNamespace'] },
  UserNamespace: { mode: [1, 'integer'], uids: [2, ['IdMapping']], gids: [3, ['IdMapping']] },
  IdMapping: { hostId: [1, 'integer'], containerId: [2, 'integer'], length: [3, 'integer'] },
  Profile: { type: [1, 'integer'], localhostRef: [2, 'text'] },
  RunSandboxRequest: { config: [1, 'SandboxConfig'], runtimeHandler: [2, 'text'] },
  SandboxId: { id: [1, 'text'] },
  SandboxStatusRequest: { id: [1, 'text'], verbose: [2, 'boolean'] },
  SandboxStatusResponse: { status: [1, 'SandboxStatus'], info: [2, 'map'] },
  SandboxStatus: { id: [1, 'text'], metadata: [2, 'SandboxMetadata'], state: [3, 'integer'], createdAt: [4, 'integer'], network: [5, 'NetworkStatus'], labels: [7, 'map'], annotations: [8, 'map'] },
  NetworkStatus: { ip: [1, 'text'], more: [2, ['PodIp']] },
  PodIp: { ip: [1, 'text'] },
  ListSandboxesResponse: { items: [1, ['Sandbox']] },
  Sandbox: { id: [1, 'text'], metadata: [2, 'SandboxMetadata'], state: [3, 'integer'], createdAt: [4, 'integer'], labels: [5, 'map'], annotations: [6, 'map'] },

  ContainerMetadata: { name: [1, 'text'], attempt: [2, 'integer'] },
  ImageSpec: { image: [1, 'text'], annotations: [2, 'map'], userSpecifiedImage: [18, 'text'] },
  KeyValue: { key: [1, 'text'], value: [2, 'bytes'] },
  Mount: { containerPath: [1, 'text'], hostPath: [2, 'text'], readOnly: [3, 'boolean'], propagation: [5, 'integer'], uidMappings: [6, ['IdMapping']], gidMappings: [7, ['IdMapping']], recursiveReadOnly: [8, 'boolean'], image: [9, 'ImageSpec'], imageSubPath: [10, 'text'] },
  Device: { containerPath: [1, 'text'], hostPath: [2, 'text'], permissions: [3, 'text'] },
  Resources: { cpuPeriod: [1, 'integer'], cpuQuota: [2, 'integer'], cpuShares: [3, 'integer'], memoryLimit: [4, 'integer'], oomScoreAdj: [5, 'integer'], hugepageLimits: [8, ['HugepageLimit']], unified: [9, 'map'] },
  HugepageLimit: { pageSize: [1, 'text'], limit: [2, 'integer'] },
  Capability: { add: [1, ['text']], drop: [2, ['text']], addAmbient: [3, ['text']] },
  Int64: { value: [1, 'integer'] },
  ContainerSecurity: {
    capabilities: [1, 'Capability'], privileged: [2, 'boolean'], namespaces: [3, 'Namespaces'], runAsUser: [5, 'Int64'], runAsUserName: [6, 'text'], readOnlyRootfs: [7, 'boolean'],
    supplementalGroups: [8, ['integer']], apparmorProfile: [9, 'text'], noNewPrivileges: [11, 'boolean'], runAsGroup: [12, 'Int64'], maskedPaths: [13, ['text']], readonlyPaths: [14, ['text']],
    seccomp: [15, 'Profile'], apparmor: [16, 'Profile'], supplementalGroupsPolicy: [17, 'integer'],
  },
  LinuxContainer: { resources: [1, 'Resources'], security: [2, 'ContainerSecurity'] },
  ContainerConfig: {
    metadata: [1, 'ContainerMetadata'], image: [2, 'ImageSpec'], command: [3, ['text']], args: [4, ['text']], workingDir: [5, 'text'], envs: [6, ['KeyValue']], mounts: [7, ['Mount']], devices: [8, ['Device']],
    labels: [9, 'map'], annotations: [10, 'map'], logPath: [11, 'text'], stdin: [12, 'boolean'], stdinOnce: [13, 'boolean'], tty: [14, 'boolean'], linux: [15, 'LinuxContainer'], cdiDevices: [17, ['CdiDevice']], stopSignal: [18, 'integer'],
  },
  CdiDevice: { name: [1, 'text'] },
  CreateContainerRequest: { sandboxId: [1, 'text'], config: [2, 'ContainerConfig'], sandboxConfig: [3, 'SandboxConfig'] },
  ContainerId: { id: [1, 'text'] },
  StopContainerRequest: { id: [1, 'text'], timeout: [2, 'integer'] },
  ContainerFilter: { id: [1, 'text'], sandboxId: [3, 'text'] },
  ListContainersRequest: { filter: [1, 'ContainerFilter'] },
  ListContainersResponse: { containers: [1, ['Container']] },
  Container: { id: [1, 'text'], sandboxId: [2, 'text'], metadata: [3, 'ContainerMetadata'], state: [6, 'integer'], createdAt: [7, 'integer'], labels: [8, 'map'], annotations: [9, 'map'] },
  ContainerStatusRequest: { id: [1, 'text'], verbose: [2, 'boolean'] },
  ContainerStatusResponse: { status: [1, 'ContainerStatus'], info: [2, 'map'] },
  ContainerStatus: { id: [1, 'text'], state: [3, 'integer'], createdAt: [4, 'integer'], startedAt: [5, 'integer'], finishedAt: [6, 'integer'], exitCode: [7, 'integer'], reason: [10, 'text'], message: [11, 'text'], user: [18, 'ContainerUser'] },
  ContainerUser: { linux: [1, 'LinuxUser'] },
  LinuxUser: { uid: [1, 'integer'], gid: [2, 'integer'], supplementalGroups: [3, ['integer']] },
  UpdateResourcesRequest: { id: [1, 'text'], linux: [2, 'Resources'] },
  ExecSyncRequest: { id: [1, 'text'], command: [2, ['text']], timeout: [3, 'integer'] },
  ExecSyncResponse: { stdout: [1, 'bytes'], stderr: [2, 'bytes'], exitCode: [3, 'integer'] },
  ExecRequest: { id: [1, 'text'], command: [2, ['text']], tty: [3, 'boolean'], stdin: [4, 'boolean'], stdout: [5, 'boolean'], stderr: [6, 'boolean'] },
  AttachRequest: { id: [1, 'text'], stdin: [2, 'boolean'], tty: [3, 'boolean'], stdout: [4, 'boolean'], stderr: [5, 'boolean'] },
  StreamUrl: { url: [1, 'text'] },
  ContainerEvent: { id: [1, 'text'], type: [2, 'integer'] },

  UInt64: { value: [1, 'integer'] },
  ListStatsRequest: { filter: [1, 'ContainerFilter'] },
  ListStatsResponse: { stats: [1, ['ContainerStats']] },
  ContainerStats: { attributes: [1, 'ContainerId'], cpu: [2, 'CpuUsage'], memory: [3, 'MemoryUsage'], writableLayer: [4, 'DiskUsage'] },
  CpuUsage: { timestamp: [1, 'integer'], usageNanos: [2, 'UInt64'] },
  MemoryUsage: { timestamp: [1, 'integer'], workingSet: [2, 'UInt64'], usage: [4, 'UInt64'], rss: [5, 'UInt64'], pageFaults: [6, 'UInt64'], majorPageFaults: [7, 'UInt64'] },
  DiskUsage: { timestamp: [1, 'integer'], usedBytes: [3, 'UInt64'], inodes: [4, 'UInt64'] },

  ImageRequest: { image: [1, 'ImageSpec'], verbose: [2, 'boolean'] },
  ImageStatusResponse: { image: [1, 'Image'], info: [2, 'map'] },
  Image: { id: [1, 'text'], repoTags: [2, ['text']], repoDigests: [3, ['text']], size: [4, 'integer'], uid: [5, 'Int64'], username: [6, 'text'], pinned: [8, 'boolean'] },
  ListImagesResponse: { images: [1, ['Image']] },
  Auth: { username: [1, 'text'], password: [2, 'text'], serverAddress: [4, 'text'], identityToken: [5, 'text'], registryToken: [6, 'text'] },
  PullImageRequest: { image: [1, 'ImageSpec'], auth: [2, 'Auth'] },
  PullImageResponse: { imageRef: [1, 'text'] },

  // Of containerd itself: its events, where it is too old to tell them by CRI.
  SubscribeRequest: { filters: [1, ['text']] },
  Envelope: { namespace: [2, 'text'], topic: [3, 'text'], event: [4, 'Any'] },
  Any: { typeUrl: [1, 'text'], value: [2, 'bytes'] },
  TaskEvent: { containerId: [1, 'text'], id: [2, 'text'] },
} as const;

type Messages = typeof MESSAGES;
export type MessageName = keyof Messages;
export type Outgoing<K extends MessageName> = OutgoingOf<Messages, K>;
export type Message<K extends MessageName> = Incoming<Messages, K>;

export const { encode, decode } = createCodec(MESSAGES);
