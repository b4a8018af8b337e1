// What every kind of volume is given and gives. `mount` is idempotent: called again it brings the volume to what it should show now.
import type { Clock } from '../../../internal/base/clock.ts';
import type { Ledger } from '../../../internal/base/ledger.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../internal/kinds/generated/api-types.ts';
import type { FieldContext } from '../environment/field-value.ts';
import type { ObjectSource } from '../objects.ts';
import type { PluginHandler } from '../plugins/registration.ts';
import type { FileSystem } from '../stats/machine.ts';
import type { TokenSource } from './token-source.ts';

export interface VolumeContext {
  pod: Pod;
  /** `<kubelet>/pods/<uid>`. */
  podDirectory: string;
  /** A directory on tmpfs for this pod: what must not reach a disk. */
  memoryDirectory: string;
  fields: FieldContext;
  objects: ObjectSource;
  tokens: TokenSource;
  clock: Clock;
  fsGroup: number | undefined;
  /** Told of what is made outside of the kubelet's folders. */
  ledger: Ledger;
  csi: CsiLoader;
  /** This node as the API has it; undefined: not known yet. */
  self(): Node | undefined;
  /** Aborts when the pod ends: what only waits gives up. */
  signal: AbortSignal;
}

/** What CSI needs is loaded when it is needed. */
export interface CsiLoader {
  load(): Promise<Csi>;
  loaded(): Csi | undefined;
}

/** Volumes of CSI drivers (csi/). */
export interface Csi {
  handler: PluginHandler;
  mountInline(volume: Volume, context: VolumeContext): Promise<MountedVolume>;
  mountClaimed(bound: Bound, context: VolumeContext): Promise<MountedVolume>;
  /** All that the pod has, in this life or an earlier one. */
  unmountAll(podUid: string): Promise<void>;
  /** undefined: what an earlier life left is not known yet. */
  volumesInUse(): string[] | undefined;
  /** Whether the driver wants the volume published again now and then. */
  isRepublished(podUid: string, volume: string): boolean;
  /** undefined: the driver does not say. */
  stats(podUid: string, volume: string): Promise<FileSystem | undefined>;
  /** A minute has gone by: on an agent nobody tells of changes. */
  look(): void;
  stop(): void;
}

/** A pod's volume by its claim. */
export interface Bound {
  volume: Volume;
  claim: PersistentVolumeClaim;
  source: PersistentVolume;
  readOnly: boolean;
}

/** Of what is needed to take a volume away. */
export type UnmountContext = Pick<VolumeContext, 'podDirectory' | 'memoryDirectory'>;

/** A failure that is told in its own words, as the event of this reason. */
export class MountError extends Error {
  override readonly name = 'MountError';
  readonly reason: 'FailedMount' | 'FailedMapVolume';
  constructor(reason: MountError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface MountedVolume {
  name: string;
  /** Directory or file on the host; '' for an image volume. */
  hostPath: string;
  readOnly: boolean;
  /** The claim whose volume it is. */
  claim?: string;
  /** A group that containers are in for its sake. */
  group?: number;
  /** An image whose root is the volume. */
  image?: string;
  /** hostPath is a block device, for volumeDevices. */
  block?: boolean;
  /** How full it is, its driver tells. */
  stats?: 'csi';
  /** Epoch ms at which the volume is to be mounted again although nothing changed (tokens). */
  refreshAt?: number;
}

export interface VolumeKind {
  /** Name as in upstream's directories: `kubernetes.io~<directory>`. */
  directory: string;
  matches(volume: Volume): boolean;
  mount(volume: Volume, context: VolumeContext): Promise<MountedVolume>;
  /** Takes back what mount did beyond files below the pod's directory. */
  unmount?(volume: Volume, context: UnmountContext): Promise<void>;
}

/** The node has no room for the volume, whatever the scheduler thought: the pod is not tried again here. */
export class VolumeLimitError extends Error {
  override readonly name = 'VolumeLimitError';
  readonly reason = 'VolumeAttachmentLimitExceeded';
}

export function volumeDirectory(podDirectory: string, kind: string, name: string): string {
  return `${podDirectory}/volumes/kubernetes.io~${kind}/${name}`;
}
