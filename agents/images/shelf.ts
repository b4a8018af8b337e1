// The images of a node and their layers, as one: an image is listed when all of its layers stand, and layers go with the last that needs them, be
// it an image or a container that runs on one that was removed.
import type { ImageIndex, IndexedImage } from './image-index.ts';
import { formatImageName, isImageId, parseImageName } from './image-name.ts';
import { ImageError, type Image } from './image-store.ts';
import type { LayerSource, LayerStore } from './layer-store.ts';

export interface Shelf {
  find(image: string): IndexedImage | undefined;
  /** Makes what is missing of the layers, then lists the image; names move to it. */
  put(image: Omit<Image, 'sizeBytes'> & { diffIds: string[] }, sources: readonly LayerSource[]): Promise<Image>;
  /** Pins what the files of the folder hold, and nothing else. */
  pin(): void;
  hold(id: string): string[];
  release(id: string): void;
  remove(image: string): Promise<void>;
}

export function createShelf(index: ImageIndex, layers: LayerStore): Shelf {
  const holds = new Map<string, number>();
  const held = new Map<string, string[]>();
  /** Removed ones that no container has taken up again by the time anything is let go of: adoption comes first. */
  const forget = (): string[] => {
    const gone = [...index.removed].filter(([id]) => !holds.has(id));
    for (const [id] of gone) index.removed.delete(id);
    return gone.flatMap(([, diffIds]) => diffIds);
  };
  const unused = (diffIds: readonly string[]): string[] => {
    const used = new Set([...[...index.images.values()].flatMap((image) => image.layers), ...[...held.values()].flat()]);
    return diffIds.filter((diffId) => !used.has(diffId));
  };
  const drop = async (diffIds: readonly string[]): Promise<void> => {
    const doomed = unused([...diffIds, ...forget()]);
    for (const diffId of doomed) index.layerSizes.delete(diffId);
    index.save();
    await Promise.all(doomed.map((diffId) => layers.remove(diffId)));
  };
  const find = (image: string): IndexedImage | undefined => {
    if (isImageId(image)) return index.images.get(image);
    const name = formatImageName(parseImageName(image));
    return [...index.images.values()].find(({ tags, digests }) => tags.includes(name) || digests.includes(name));
  };
  return {
    find,
    async put({ diffIds, ...image }, sources) {
      const sizes = await Promise.all(sources.map((source) => layers.ensure(source)));
      sources.forEach(({ diffId }, at) => index.layerSizes.set(diffId, sizes[at] ?? index.layerSizes.get(diffId) ?? 0));
      const before = index.images.get(image.id);
      takeNames(index, image);
      const merged: IndexedImage = {
        ...image,
        tags: [...new Set([...(before?.tags ?? []), ...image.tags])],
        digests: [...new Set([...(before?.digests ?? []), ...image.digests])],
        pinned: image.pinned || before?.pinned === true,
        sizeBytes: diffIds.reduce((total, diffId) => total + (index.layerSizes.get(diffId) ?? 0), 0),
        layers: diffIds,
      };
      index.images.set(image.id, merged);
      index.removed.delete(image.id);
      index.save();
      layers.listed(diffIds);
      return merged;
    },
    pin() {
      const held = new Set(Object.values(index.archives).flatMap(({ images }) => images));
      const changed = [...index.images.values()].filter(({ id, pinned }) => pinned !== held.has(id));
      for (const image of changed) index.images.set(image.id, { ...image, pinned: !image.pinned });
      index.save();
    },
    hold(id) {
      const image = index.images.get(id);
      const diffIds = image?.layers ?? held.get(id) ?? index.removed.get(id);
      if (diffIds === undefined) throw new ImageError('ImageInspectError', `image ${id} is not here`);
      holds.set(id, (holds.get(id) ?? 0) + 1);
      held.set(id, diffIds);
      return diffIds.map((diffId) => layers.directory(diffId));
    },
    release(id) {
      const left = (holds.get(id) ?? 1) - 1;
      if (left > 0) return void holds.set(id, left);
      const diffIds = held.get(id) ?? [];
      holds.delete(id);
      held.delete(id);
      if (!index.images.has(id)) void drop(diffIds).catch(() => {}); // what stays is removed at the next start
    },
    async remove(image) {
      const found = find(image);
      if (found === undefined) return;
      const name = isImageId(image) ? undefined : formatImageName(parseImageName(image));
      const tags = found.tags.filter((tag) => name !== undefined && tag !== name);
      if (tags.length > 0) index.images.set(found.id, { ...found, tags });
      else index.images.delete(found.id);
      if (tags.length === 0 && holds.has(found.id)) index.removed.set(found.id, found.layers);
      await drop(tags.length > 0 ? [] : found.layers);
    },
  };
}

/** A tag points to one image: the others lose it. */
function takeNames(index: ImageIndex, { id, tags }: { id: string; tags: readonly string[] }): void {
  for (const other of index.images.values()) {
    if (other.id !== id && other.tags.some((tag) => tags.includes(tag))) index.images.set(other.id, { ...other, tags: other.tags.filter((tag) => !tags.includes(tag)) });
  }
}
