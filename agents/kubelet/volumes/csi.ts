// csi volumes that a pod brings with it (ephemeral inline ones): the driver makes them for the pod alone.
import type { VolumeKind } from './volume.ts';

export const CSI: VolumeKind = {
  directory: 'csi',
  matches: ({ csi }) => csi !== undefined,
  mount: async (volume, context) => (await context.csi.load()).mountInline(volume, context),
};
