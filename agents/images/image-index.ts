// The list of images on this node: one small file, replaced whole and synced, read once at start. Images whose layers are gone are dropped.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';
import type { Image } from './image-store.ts';

export interface IndexedImage extends Image {
  /** Diff ids, lowest first. */
  layers: string[];
}

/** A file of the images' folder, as it was when it was read. */
export interface ArchiveRecord {
  sizeBytes: number;
  modifiedAt: number;
  /** Ids of what it holds. */
  images: string[];
}

export interface ImageIndex {
  images: Map<string, IndexedImage>;
  /** Unpacked size by diff id. */
  layerSizes: Map<string, number>;
  /** Diff ids of images that were removed while containers ran on them, by id: what a restart must not take for rubbish. */
  removed: Map<string, string[]>;
  /** By file name: what they hold is pinned. */
  archives: Record<string, ArchiveRecord>;
  save(): void;
}

export function openImageIndex(directory: string, layerIsHere: (diffId: string) => boolean): ImageIndex {
  const path = join(directory, 'index.json');
  const before = readFileIfThere(path) ?? '';
  const stored = parseIndex(before);
  const images = new Map(stored.images.filter(({ layers }) => layers.every(layerIsHere)).map((image) => [image.id, image]));
  const layerSizes = new Map(Object.entries(stored.layerSizes).filter(([diffId]) => layerIsHere(diffId)));
  const removed = new Map(Object.entries(stored.removed).filter(([, layers]) => layers.every(layerIsHere)));
  const { archives } = stored;
  let written = before;
  const save = (): void => {
    const text = JSON.stringify({ images: [...images.values()], layerSizes: Object.fromEntries(layerSizes), removed: Object.fromEntries(removed), archives });
    if (text !== written) writeFileAtomically(path, text, { mode: 0o600 });
    written = text;
  };
  return { images, layerSizes, removed, archives, save };
}

interface Stored {
  images: IndexedImage[];
  layerSizes: Record<string, number>;
  removed: Record<string, string[]>;
  archives: Record<string, ArchiveRecord>;
}

// A damaged index costs a new pull, never a start.
function parseIndex(text: string): Stored {
  try {
    const { images = [], layerSizes = {}, removed = {}, archives = {} } = JSON.parse(text === '' ? '{}' : text) as Partial<Stored>;
    return { images, layerSizes, removed, archives };
  } catch {
    return { images: [], layerSizes: {}, removed: {}, archives: {} };
  }
}
