// What every kind of volume is given and gives. `mount` is idempotent: called again it brings the volume to what it should show now.
import type { Clock } from '../../../internal/base/clock.ts';
import type { Ledger } from '../../../internal/base/ledger.ts';
import type { Pod, Volume } from '../../../internal/kinds/generated/api-types.ts';
import type { FieldContext } from '../environment/field-value.ts';
import type { ObjectSource } from '../objects.ts';
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
}

export interface MountedVolume {
  name: string;
  /** Directory or file on the host; '' for an image volume. */
  hostPath: string;
  readOnly: boolean;
  /** The claim whose volume it is. */
  claim?: string;
  /** An image whose root is the volume. */
  image?: string;
  /** Epoch ms at which the volume is to be mounted again although nothing changed (tokens). */
  refreshAt?: number;
}

export interface VolumeKind {
  /** Name as in upstream's directories: `kubernetes.io~<directory>`. */
  directory: string;
  matches(volume: Volume): boolean;
  mount(volume: Volume, context: VolumeContext): Promise<MountedVolume>;
  /** Takes back what mount did beyond files below the pod's directory. */
  unmount?(volume: Volume, context: Pick<VolumeContext, 'podDirectory' | 'memoryDirectory'>): Promise<void>;
}

export function volumeDirectory(podDirectory: string, kind: string, name: string): string {
  return `${podDirectory}/volumes/kubernetes.io~${kind}/${name}`;
}
