// What the parts of the kubelet share: the node's names and places, the seams, and the stores they read. Made once, in index.ts.
import type { Clock } from '../../internal/base/clock.ts';
import type { Ledger } from '../../internal/base/ledger.ts';
import type { Limit } from '../../internal/base/limit.ts';
import type { Log } from '../../internal/base/log.ts';
import type { Random } from '../../internal/base/random.ts';
import type { KubeObject } from '../../internal/api/meta.ts';
import type { Client } from '../../internal/client/client.ts';
import type { Views } from '../../internal/informer/view.ts';
import type { Node, Pod } from '../../internal/kinds/generated/api-types.ts';
import type { Image, ImageStore } from '../images/image-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { PodCgroups } from './cgroups/pod-cgroups.ts';
import type { KubeletConfiguration } from './configuration/configuration.ts';
import type { Claims } from './claims/index.ts';
import type { Devices } from './devices/index.ts';
import type { ObjectSource } from './objects.ts';
import type { CredentialPlugins } from './pulling/plugins.ts';
import type { PullRecords } from './pulling/pull-records.ts';
import type { LocalVolumes } from './volumes/local-volumes.ts';
import type { CsiLoader } from './volumes/volume.ts';
import type { TokenSource } from './volumes/token-source.ts';
import type { StartCounts } from './start-counts.ts';
import type { Counts } from './stats/counts.ts';

export interface DnsSettings {
  clusterDns: readonly string[];
  clusterDomain: string;
  /** Path of the node's own resolv.conf. */
  resolvConf: string;
}

export interface NodeContext {
  nodeName: string;
  nodeIps: readonly string[];
  /** `/var/lib/kubelet`. */
  kubeletDir: string;
  /** `/var/log/pods`. */
  logsDir: string;
  /** A tmpfs of the kubelet's own. */
  memoryDir: string;
  dns: DnsSettings;
  client: Client;
  views: Views;
  runtime: Runtime;
  images: ImageStore;
  objects: ObjectSource;
  tokens: TokenSource;
  cgroups: PodCgroups;
  csi: CsiLoader;
  devices: Devices;
  claims: Claims;
  /** Absent: this node makes none. */
  localVolumes?: LocalVolumes;
  clock: Clock;
  random: Random;
  log: Log;
  ledger: Ledger;
  /** This node as the API has it. */
  self?(): Node | undefined;
  /** Allocatable resources of the node, as quantities. */
  allocatable(): Readonly<Record<string, string>>;
  /** Conditions under which the node is short of something. */
  pressures(): readonly string[];
  /** An image is about to be used: it is not the longest unused any more. */
  imageUsed(image: Image): void;
  pullRecords: PullRecords;
  /** Where the node's owner has named programs that know credentials. */
  credentialPlugins?: CredentialPlugins;
  /** Pulls take turns. */
  pullTurn: Limit;
  settings: KubeletConfiguration;
  /** For the metrics. */
  starts: StartCounts;
  counts: Counts;
  memoryCapacityBytes: number;
  /** The lowest oom_score_adj that this process may give. */
  oomScoreAdjMin: number;
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void;
  eventAbout(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Where the pod's subPaths are bound, as third parties expect it. */
export function subPathsDirectory(node: Pick<NodeContext, 'kubeletDir'>, uid: string): string {
  return `${podDirectory(node, uid)}/volume-subpaths`;
}

export function podDirectory(node: Pick<NodeContext, 'kubeletDir'>, uid: string): string {
  return `${node.kubeletDir}/pods/${uid}`;
}

export function podMemoryDirectory(node: Pick<NodeContext, 'memoryDir'>, uid: string): string {
  return `${node.memoryDir}/${uid}`;
}

export function podLogDirectory(node: Pick<NodeContext, 'logsDir'>, pod: Pick<Pod, 'metadata'>): string {
  return `${node.logsDir}/${pod.metadata.namespace ?? ''}_${pod.metadata.name}_${pod.metadata.uid}`;
}
