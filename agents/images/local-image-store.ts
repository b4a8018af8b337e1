// The images of this node, on disk under `<data-dir>/agent/images`: layers/ (unpacked, content-addressed), partial/ (blobs that are on their way),
// index.json, and what the user dropped there to be imported (see archive-folder.ts).
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../internal/base/clock.ts';
import type { Log } from '../../internal/base/log.ts';
import { createArchiveFolder } from './archive-folder.ts';
import { openArchive } from './image-archive.ts';
import { openImageIndex } from './image-index.ts';
import { parseImageConfig } from './image-manifest.ts';
import { parseImageName } from './image-name.ts';
import { ImageError, type Image, type ImageStore } from './image-store.ts';
import { createKeptBlobs, KEPT_MS } from './kept-blobs.ts';
import { createLayerStore } from './layer-store.ts';
import { pullImage } from './pull.ts';
import { NO_REGISTRIES, type RegistrySettings } from './registry-settings.ts';
import { createSharedPulls } from './shared-pulls.ts';
import { createShelf } from './shelf.ts';

export interface ImageStoreOptions {
  dataDir: string;
  registries?: RegistrySettings;
  clock: Clock;
  log: Log;
  /** A registry that is silent for so long is asked anew. Default 60 s. */
  idleTimeoutMs?: number;
}

export interface LocalImageStore extends ImageStore {
  /** Imports a `docker save` or OCI layout tar (plain, gzip or zstd); gives the images it held. */
  importArchive(path: string): Promise<Image[]>;
}

export function createImageStore(options: ImageStoreOptions): LocalImageStore {
  const directory = join(options.dataDir, 'agent/images');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const layers = createLayerStore(join(directory, 'layers'));
  const blobs = createKeptBlobs(join(directory, 'partial'), options.clock);
  const index = openImageIndex(directory, (diffId) => layers.has(diffId));
  const shelf = createShelf(index, layers);
  const shared = createSharedPulls((name, work) => pullImage(name, { ...options, ...work, registries: options.registries ?? NO_REGISTRIES, layers, blobs, shelf }));
  const importArchive: LocalImageStore['importArchive'] = async (path) => {
    const images: Image[] = [];
    await using archive = await openArchive(path, directory);
    for (const { names, config, layerSources } of archive.images()) {
      const parsed = parseImageConfig(await config.read(), path);
      if (layerSources.length !== parsed.diffIds.length) throw new ImageError('ErrImagePull', `${names[0] ?? config.digest} has ${String(layerSources.length)} layers and ${String(parsed.diffIds.length)} layer digests`);
      const sources = layerSources.map((source, at) => ({ ...source, diffId: parsed.diffIds[at] ?? '' }));
      images.push(await shelf.put({ id: config.digest, ...parsed, tags: names, digests: [], pinned: false }, sources));
    }
    return images;
  };
  const pull: ImageStore['pull'] = async (image, auth, signal, progress) => {
    blobs.clean();
    return shared.pull(parseImageName(image), auth, { ...(signal !== undefined && { signal }), ...(progress !== undefined && { progress }) });
  };
  const folder = createArchiveFolder({ ...options, directory, index, shelf, importArchive, pull: (image, signal) => pull(image, [], signal) });
  return {
    async start() {
      layers.clean(new Set([...index.images.values()].flatMap((image) => image.layers).concat(...index.removed.values())), options.clock.now() - KEPT_MS);
      for (const name of readdirSync(directory)) if (name.startsWith('.import-') || name.endsWith('.tmp')) rmSync(join(directory, name), { force: true });
      blobs.clean();
      await folder.start();
    },
    async stop() {
      folder.stop();
      await shared.stop();
    },
    find: (image) => shelf.find(image),
    list: () => [...index.images.values()],
    pull,
    layers: (id) => shelf.hold(id),
    release: (id) => shelf.release(id),
    remove: (image) => shelf.remove(image),
    dropPartial: () => blobs.clean(true),
    importArchive,
  };
}
