// Unused images go when the disk fills: from 85 % down to 80 %, longest unused first, none younger than 2 minutes (upstream's defaults); all of
// them when the node is short of disk. Images in use, pinned ones, and those being pulled stay.
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { Image, ImageStore } from '../../images/image-store.ts';
import type { Runtime } from '../../runtime/runtime.ts';

export interface ImageCollection {
  /** A container is being made of it, or it has just come. */
  used(image: Image): void;
  /** Frees that many bytes, as far as there are any; gives what it freed. */
  collect(bytes: number): Promise<number>;
}

const HIGH = 0.85;
const LOW = 0.8;
const MIN_AGE_MS = 120_000;

/** How many bytes of images should go, with so much left of the disk. */
export function bytesToCollect({ available, capacity }: { available: number; capacity: number }): number {
  return capacity === 0 || available > capacity * (1 - HIGH) ? 0 : Math.ceil(capacity * (1 - LOW)) - available;
}

export function createImageCollection({ images, runtime, clock, log }: { images: ImageStore; runtime: Runtime; clock: Clock; log: Log }): ImageCollection {
  const usedAt = new Map<string, number>();

  function unused(): Image[] {
    const inUse = new Set(runtime.listContainers().flatMap(({ config }) => [config.imageId, ...config.mounts.flatMap(({ image }) => (image === undefined ? [] : [images.find(image)?.id ?? image]))]));
    const now = clock.now();
    return images.list().filter(({ id, pinned }) => !pinned && !inUse.has(id) && now - (usedAt.get(id) ?? 0) >= MIN_AGE_MS).sort((a, b) => (usedAt.get(a.id) ?? 0) - (usedAt.get(b.id) ?? 0));
  }

  return {
    used: ({ id }) => void usedAt.set(id, clock.now()),
    async collect(bytes) {
      let freed = 0;
      for (const { id, tags, sizeBytes } of unused()) {
        if (freed >= bytes) break;
        try {
          await images.remove(id);
          usedAt.delete(id);
          freed += sizeBytes;
          log.info('unused image removed', { image: tags[0] ?? id, bytes: sizeBytes });
        } catch (error) {
          log.warn('unused image could not be removed', { image: tags[0] ?? id, error: messageOf(error) });
        }
      }
      return freed;
    },
  };
}
