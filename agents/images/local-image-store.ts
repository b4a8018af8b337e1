// The images of this node, on disk under `<data-dir>/agent/images`: layers/ (unpacked, content-addressed), index.json, and *.tar archives that
// the user dropped there, which are imported at start and never garbage-collected.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../internal/base/clock.ts';
import type { Log } from '../../internal/base/log.ts';
import { openArchive } from './image-archive.ts';
import { openImageIndex, type IndexedImage, type ImageIndex } from './image-index.ts';
import { chooseManifest, parseImageConfig, parseManifest, type Descriptor } from './image-manifest.ts';
import { formatImageName, isImageId, parseImageName, repositoryOf, type ImageName } from './image-name.ts';
import { ImageError, type Image, type ImageStore, type PullProgress, type RegistryAuth } from './image-store.ts';
import { createLayerStore, type LayerStore } from './layer-store.ts';
import { createRepositoryClient, type RepositoryClient } from './registry-client.ts';
import { endpointsOf, NO_REGISTRIES, type RegistrySettings } from './registry-settings.ts';

const CONFIG_BYTES_MAX = 8 << 20;

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
  importArchive(path: string, options?: { pinned?: boolean }): Promise<Image[]>;
}

export function createImageStore(options: ImageStoreOptions): LocalImageStore {
  const directory = join(options.dataDir, 'agent/images');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const layers = createLayerStore(join(directory, 'layers'));
  const index = openImageIndex(directory, (diffId) => layers.has(diffId));
  const shelf = createShelf(index, layers);
  const shared = createSharedPulls((name, work) => pullImage(name, { ...options, ...work, registries: options.registries ?? NO_REGISTRIES, layers, shelf }));
  const importArchive: LocalImageStore['importArchive'] = async (path, { pinned = false } = {}) => {
    const images: Image[] = [];
    await using archive = await openArchive(path, directory);
    for (const { names, config, layerSources } of archive.images()) {
      const parsed = parseImageConfig(await config.read(), path);
      const sources = layerSources.map((source, at) => ({ ...source, diffId: parsed.diffIds[at] ?? '' }));
      images.push(await shelf.put({ id: config.digest, ...parsed, tags: names, digests: [], pinned }, sources));
    }
    return images;
  };
  return {
    async start() {
      layers.clean(new Set([...index.images.values()].flatMap((image) => image.layers).concat(...index.removed.values())));
      for (const file of readdirSync(directory).filter((name) => /\.(tar|tar\.gz|tgz|tar\.zst)$/.test(name)).sort()) {
        await importArchive(join(directory, file), { pinned: true }).catch((error: unknown) => options.log.warn('image archive cannot be imported', { file, error }));
      }
    },
    stop: () => shared.stop(),
    find: (image) => shelf.find(image),
    list: () => [...index.images.values()],
    pull: async (image, auth, signal, progress) => shared.pull(parseImageName(image), auth, { ...(signal !== undefined && { signal }), ...(progress !== undefined && { progress }) }),
    layers: (id) => shelf.hold(id),
    release: (id) => shelf.release(id),
    remove: (image) => shelf.remove(image),
    importArchive,
  };
}

interface Shelf {
  find(image: string): IndexedImage | undefined;
  /** Makes what is missing of the layers, then lists the image; names move to it. */
  put(image: Omit<Image, 'sizeBytes'> & { diffIds: string[] }, sources: readonly { digest?: string; diffId: string; open(): AsyncIterable<Buffer> }[]): Promise<Image>;
  hold(id: string): string[];
  release(id: string): void;
  remove(image: string): Promise<void>;
}

function createShelf(index: ImageIndex, layers: LayerStore): Shelf {
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
      return merged;
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

interface PullWork {
  auth: readonly RegistryAuth[];
  signal: AbortSignal;
  progress(progress: PullProgress): void;
}

interface PullOptions extends PullWork, Pick<ImageStoreOptions, 'clock' | 'idleTimeoutMs'> {
  registries: RegistrySettings;
  layers: LayerStore;
  shelf: Shelf;
}

async function pullImage(name: ImageName, options: PullOptions): Promise<Image> {
  const what = formatImageName(name);
  try {
    const client = createRepositoryClient({ ...options, endpoints: endpointsOf(options.registries, name.registry, name.repository), auths: options.auth });
    const top = await client.manifest(name.digest ?? name.tag ?? 'latest');
    const chosen = chooseManifest(JSON.parse(top.body.toString()), what);
    const { config, layers } = parseManifest(JSON.parse((chosen === undefined ? top : await client.manifest(chosen.digest)).body.toString()), what);
    const parsed = await readConfig(client, config, what);
    const count = counterOf(layers.filter((_, at) => !options.layers.has(parsed.diffIds[at] ?? '')), options.progress);
    const sources = layers.map((layer, at) => ({ digest: layer.digest, diffId: parsed.diffIds[at] ?? '', open: () => count(client.blob(layer)) }));
    if (sources.length !== parsed.diffIds.length) throw new ImageError('ErrImagePull', `${what} has ${String(layers.length)} layers and ${String(parsed.diffIds.length)} layer digests`);
    const tags = name.digest === undefined ? [what] : [];
    return await options.shelf.put({ id: config.digest, ...parsed, tags, digests: [`${repositoryOf(name)}@${top.digest}`], pinned: false }, sources);
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason as Error;
    const reason = error instanceof ImageError ? error.reason : 'ErrImagePull';
    throw new ImageError(reason, `failed to pull and unpack image "${what}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Tells how much of all has come, as it comes. */
function counterOf(layers: readonly Descriptor[], progress: PullWork['progress']): (blob: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  const totalBytes = layers.reduce((sum, { size = 0 }) => sum + size, 0);
  let doneBytes = 0;
  return async function* count(blob) {
    for await (const chunk of blob) {
      doneBytes += chunk.length;
      progress({ doneBytes, totalBytes });
      yield chunk;
    }
  };
}

async function readConfig(client: RepositoryClient, config: Descriptor, what: string): Promise<ReturnType<typeof parseImageConfig>> {
  const { createHash } = await import('node:crypto');
  const chunks: Buffer[] = [];
  for await (const chunk of client.blob({ ...config, size: Math.min(config.size ?? Infinity, CONFIG_BYTES_MAX) })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (digest !== config.digest) throw new ImageError('ErrImagePull', `config ${config.digest} of ${what} arrived with digest ${digest}`);
  return parseImageConfig(bytes, what);
}

type Pull = (name: ImageName, work: PullWork) => Promise<Image>;

interface SharedPull {
  result: Promise<Image>;
  abort: AbortController;
  waiters: number;
  listeners: Set<PullWork['progress']>;
}

/** Pulls of one image with the same credentials are one; it ends early only when nobody waits any more. */
function createSharedPulls(pull: Pull): { pull(name: ImageName, auth: readonly RegistryAuth[], waiter: Partial<Pick<PullWork, 'signal' | 'progress'>>): Promise<Image>; stop(): Promise<void> } {
  const running = new Map<string, SharedPull>();
  const begin = (key: string, name: ImageName, auth: readonly RegistryAuth[]): SharedPull => {
    const abort = new AbortController();
    const listeners = new Set<PullWork['progress']>();
    const progress: PullWork['progress'] = (now) => { for (const listener of listeners) listener(now); };
    const result = pull(name, { auth, progress, signal: abort.signal }).finally(() => running.delete(key));
    const work = { result, abort, waiters: 0, listeners };
    running.set(key, work);
    return work;
  };
  return {
    async pull(name, auth, { signal, progress = () => {} }) {
      signal?.throwIfAborted();
      const key = JSON.stringify([formatImageName(name), auth]);
      const mine = running.get(key) ?? begin(key, name, auth);
      mine.waiters++;
      mine.listeners.add(progress);
      const leave = Promise.withResolvers<never>();
      const onAbort = (): void => leave.reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([mine.result, leave.promise]);
      } finally {
        signal?.removeEventListener('abort', onAbort);
        mine.listeners.delete(progress);
        if (--mine.waiters === 0) mine.abort.abort(new ImageError('ErrImagePull', 'the pull was given up'));
      }
    },
    async stop() {
      const pulls = [...running.values()];
      for (const { abort } of pulls) abort.abort(new ImageError('ErrImagePull', 'the node is stopping'));
      await Promise.allSettled(pulls.map(({ result }) => result));
    },
  };
}
