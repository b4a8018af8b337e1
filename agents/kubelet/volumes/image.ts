// image volumes: the root of an image, read-only. Pulled like a container's image before the container is created (see steps/image.ts).
import type { VolumeKind } from './volume.ts';

export const IMAGE: VolumeKind = {
  directory: 'image',
  matches: ({ image }) => image !== undefined,
  mount: ({ name, image }) => Promise.resolve({ name, hostPath: '', readOnly: true, image: image?.reference ?? '' }),
};
