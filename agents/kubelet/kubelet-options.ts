// What a kubelet is told when it is made: who it is, whom it talks to, where its things lie.
import type { Clock } from '../../internal/base/clock.ts';
import type { Ledger } from '../../internal/base/ledger.ts';
import type { Log } from '../../internal/base/log.ts';
import type { Random } from '../../internal/base/random.ts';
import type { Client } from '../../internal/client/client.ts';
import type { Views } from '../../internal/informer/view.ts';
import type { Node } from '../../internal/kinds/generated/api-types.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { KubeletConfiguration } from './configuration/configuration.ts';
import type { KubeletTls } from './server/server.ts';

export const KUBELET_DIR = '/var/lib/kubelet';
export const LOGS_DIR = '/var/log/pods';
export const KUBELET_PORT = 10250;

export interface KubeletOptions {
  nodeName: string;
  /** As they are now; IPv4 first. */
  nodeIps(): readonly string[];
  externalIps?: readonly string[];
  /** Default: the host's own. */
  hostname?: string;
  /** `v1.36.x+skiff1`. */
  version: string;
  /** Default KUBELET_DIR. */
  kubeletDir?: string;
  /** Default LOGS_DIR. */
  logsDir?: string;
  client: Client;
  views: Views;
  /** The views read the store itself (a server): objects are read there rather than fetched. */
  viewsAreLocal: boolean;
  runtime: Runtime;
  images: ImageStore;
  clock: Clock;
  random: Random;
  log: Log;
  ledger?: Ledger;
  /** Absent: no API on the kubelet's port. */
  tls?: KubeletTls;
  /** Default KUBELET_PORT. */
  port?: number;
  clusterDns: readonly string[];
  clusterDomain: string;
  /** Path below the process's own cgroup that stands for the root; the runtime must be told the same. Default: that cgroup itself. */
  cgroupRoot?: string;
  /** Default `/etc/resolv.conf`. */
  resolvConf?: string;
  /** Where an agent keeps the ConfigMaps, Secrets and tokens of its pods for a start without the server. Default: it does not. */
  lastKnownDir?: string;
  /** Folder of static pods, unless the settings name another. Default: there is none. */
  manifestsDir?: string;
  /** Where folders of local volumes are made when the server asks. Default: they are not. */
  localVolumesDir?: string;
  /** Where images are kept: the disk that image collection watches. Default: the kubelet's own. */
  imagesDir?: string;
  labels?: Readonly<Record<string, string>>;
  /** Default: upstream's defaults. */
  settings?: KubeletConfiguration;
  taints?: NonNullable<NonNullable<Node['spec']>['taints']>;
}
