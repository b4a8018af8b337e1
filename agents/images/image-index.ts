// The list of images on this node: one small file, replaced whole and synced, read once at start. Images whose layers are gone are dropped.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';
import type { Image } from './image-store.ts';

export interface IndexedImage extends Image {
  /** Diff ids, lowest first. */
  layers: string[];
}

export interface ImageIndex {
  images: Map<string, IndexedImage>;
  /** Unpacked size by diff id. */
  layerSizes: Map<string, number>;
  /** Diff ids of images that were removed while containers ran on them, by id: what a restart must not take for rubbish. */
  removed: Map<string, string[]>;
  save(): void;
}

export function openImageIndex(directory: string, layerIsHere: (diffId: string) => boolean): ImageIndex {
  const path = join(directory, 'index.json');
  const stored = parseIndex(readFileIfThere(path));
  const images = new Map(stored.images.filter(({ layers }) => layers.every(layerIsHere)).map((image) => [image.id, image]));
  const layerSizes = new Map(Object.entries(stored.layerSizes).filter(([diffId]) => layerIsHere(diffId)));
  const removed = new Map(Object.entries(stored.removed).filter(([, layers]) => layers.every(layerIsHere)));
  const save = (): void => writeFileAtomically(path, JSON.stringify({ images: [...images.values()], layerSizes: Object.fromEntries(layerSizes), removed: Object.fromEntries(removed) }), { mode: 0o600 });
  return { images, layerSizes, removed, save };
}

interface Stored {
  images: IndexedImage[];
  layerSizes: Record<string, number>;
  removed: Record<string, string[]>;
}

// A damaged index costs a new pull, never a start.
function parseIndex(text: string | undefined): Stored {
  try {
    const { images = [], layerSizes = {}, removed = {} } = JSON.parse(text ?? '{}') as Partial<Stored>;
    return { images, layerSizes, removed };
  } catch {
    return { images: [], layerSizes: {}, removed: {} };
  }
}
