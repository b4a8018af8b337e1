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
  save(): void;
}

export function openImageIndex(directory: string, layerIsHere: (diffId: string) => boolean): ImageIndex {
  const path = join(directory, 'index.json');
  const stored = parseIndex(readFileIfThere(path));
  const images = new Map(stored.images.filter(({ layers }) => layers.every(layerIsHere)).map((image) => [image.id, image]));
  const layerSizes = new Map(Object.entries(stored.layerSizes).filter(([diffId]) => layerIsHere(diffId)));
  const save = (): void => writeFileAtomically(path, JSON.stringify({ images: [...images.values()], layerSizes: Object.fromEntries(layerSizes) }), { mode: 0o600 });
  return { images, layerSizes, save };
}

// A damaged index costs a new pull, never a start.
function parseIndex(text: string | undefined): { images: IndexedImage[]; layerSizes: Record<string, number> } {
  try {
    const { images, layerSizes } = JSON.parse(text ?? '{}') as Partial<{ images: IndexedImage[]; layerSizes: Record<string, number> }>;
    return { images: images ?? [], layerSizes: layerSizes ?? {} };
  } catch {
    return { images: [], layerSizes: {} };
  }
}
