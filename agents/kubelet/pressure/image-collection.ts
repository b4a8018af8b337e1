// Unused images go when the disk fills: by default from 85 % down to 80 %, longest unused first, none younger than 2 minutes; all of
// them when the node is short of disk. Images in use, pinned ones, and those being pulled stay.
import { parseDuration } from '../../../internal/api/duration.ts';
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { Image, ImageStore } from '../../images/image-store.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';

export interface ImageCollection {
  /** A container is being made of it, or it has just come. */
  used(image: Image): void;
  /** Frees that many bytes, as far as there are any; gives what it freed. */
  collect(bytes: number): Promise<number>;
  /** Removes what has not been used for longer than images are kept, where that is limited. */
  collectOld(): Promise<number>;
}

type CollectionSettings = Pick<KubeletConfiguration, 'imageGCHighThresholdPercent' | 'imageGCLowThresholdPercent' | 'imageMinimumGCAge' | 'imageMaximumGCAge'>;

/** How many bytes of images should go, with so much left of the disk. */
export function bytesToCollect({ available, capacity }: { available: number; capacity: number }, { imageGCHighThresholdPercent: high, imageGCLowThresholdPercent: low }: CollectionSettings = DEFAULT_CONFIGURATION): number {
  return capacity === 0 || high >= 100 || available > capacity * (1 - high / 100) ? 0 : Math.ceil(capacity * (1 - low / 100)) - available;
}

export interface CollectionOptions {
  images: ImageStore;
  runtime: Runtime;
  clock: Clock;
  log: Log;
  settings?: CollectionSettings;
  /** Told of each image that went. */
  removed?(id: string): void;
}

export function createImageCollection({ images, runtime, clock, log, removed = () => {}, settings = DEFAULT_CONFIGURATION }: CollectionOptions): ImageCollection {
  const usedAt = new Map<string, number>();
  const [minAgeMs, maxAgeMs] = [parseDuration(settings.imageMinimumGCAge), parseDuration(settings.imageMaximumGCAge)];
  const since = clock.now();

  function unused(): Image[] {
    const inUse = new Set(runtime.listContainers().flatMap(({ config }) => [config.imageId, ...config.mounts.flatMap(({ image }) => (image === undefined ? [] : [images.find(image)?.id ?? image]))]));
    const now = clock.now();
    return images.list().filter(({ id, pinned }) => !pinned && !inUse.has(id) && now - (usedAt.get(id) ?? 0) >= minAgeMs).sort((a, b) => (usedAt.get(a.id) ?? 0) - (usedAt.get(b.id) ?? 0));
  }

  async function removeSome(candidates: readonly Image[], bytes: number): Promise<number> {
    let freed = 0;
    for (const { id, tags, sizeBytes } of candidates) {
      if (freed >= bytes) break;
      try {
        await images.remove(id);
        usedAt.delete(id);
        removed(id);
        freed += sizeBytes;
        log.info('unused image removed', { image: tags[0] ?? id, bytes: sizeBytes });
      } catch (error) {
        log.warn('unused image could not be removed', { image: tags[0] ?? id, error: messageOf(error) });
      }
    }
    return freed;
  }

  return {
    used: ({ id }) => void usedAt.set(id, clock.now()),
    async collect(bytes) {
      const partial = images.dropPartial?.() ?? 0;
      return partial + (await removeSome(unused(), bytes - partial));
    },
    // What was used before this start is not known: its age begins with it.
    collectOld: () => (maxAgeMs <= 0 ? Promise.resolve(0) : removeSome(unused().filter(({ id }) => clock.now() - (usedAt.get(id) ?? since) > maxAgeMs), Infinity)),
  };
}
