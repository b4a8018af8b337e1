// Images without a registry, as K3s has them: archives (`.tar`, `.tar.gz`, `.tgz`, `.tar.zst`; docker save or OCI layout) and lists of names to pull
// (`.txt`) in the images' folder, at the start and whenever one comes. What they hold is pinned: collected never, as long as its file lies there. One
// that cannot be read gets one line in the log, and hurts nothing else; it is tried again when it changes (it may still be on its way).
import { readdirSync, readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import type { Log } from '../../internal/base/log.ts';
import type { ArchiveRecord, ImageIndex } from './image-index.ts';
import type { Image } from './image-store.ts';
import type { Shelf } from './shelf.ts';

export interface ArchiveFolder {
  /** Resolves when all archives that lie there are imported; lists go on by themselves. */
  start(): Promise<void>;
  stop(): void;
}

interface ArchiveFolderOptions {
  directory: string;
  index: ImageIndex;
  shelf: Shelf;
  clock: Clock;
  log: Log;
  importArchive(path: string): Promise<Image[]>;
  pull(image: string, signal: AbortSignal): Promise<Image>;
}

const ARCHIVE = /\.(tar|tar\.gz|tgz|tar\.zst)$/;
const LIST = /\.txt$/;
/** A file that is being copied changes again and again. */
const QUIET_MS = 1000;
const RETRY_FIRST_MS = 30_000;
const RETRY_MAX_MS = 3_600_000;

export function createArchiveFolder(options: ArchiveFolderOptions): ArchiveFolder {
  const { directory, index, clock, log } = options;
  const stopped = new AbortController();
  const pulling = new Set<string>();
  const bad = new Map<string, FileState>();
  let watcher: FSWatcher | undefined;
  let timer: Timer | undefined;
  let work = Promise.resolve();

  const look = async (): Promise<void> => {
    const files = readdirSync(directory).filter((name) => ARCHIVE.test(name) || LIST.test(name)).sort();
    for (const name of Object.keys(index.archives)) if (!files.includes(name)) delete index.archives[name];
    for (const name of files.filter((file) => ARCHIVE.test(file))) await take(name);
    options.shelf.pin();
    for (const name of files.filter((file) => LIST.test(file) && !pulling.has(file))) void pullListed(name);
  };
  const take = async (name: string): Promise<void> => {
    const now = stateOf(join(directory, name));
    const before = index.archives[name];
    if (now === undefined || isSame(bad.get(name), now) || (isSame(before, now) && before?.images.every((id) => index.images.has(id)) === true)) return;
    bad.delete(name);
    try {
      const images = await options.importArchive(join(directory, name));
      index.archives[name] = { ...now, images: images.map(({ id }) => id) };
      log.info('image archive imported', { file: name, images: images.flatMap(({ tags, id }) => (tags.length > 0 ? tags : [id])).join(' ') });
    } catch (error) {
      bad.set(name, now); // said once, and not again before it is another file
      log.warn('image archive cannot be imported', { file: name, error: messageOf(error) });
    }
  };
  const pullListed = async (name: string, retryMs = RETRY_FIRST_MS): Promise<void> => {
    pulling.add(name);
    const path = join(directory, name);
    const state = stateOf(path);
    const ids: string[] = [];
    let failed = false;
    for (const image of namesIn(path)) {
      try {
        ids.push((options.shelf.find(image) ?? (await options.pull(image, stopped.signal))).id);
      } catch (error) {
        failed = true;
        if (!stopped.signal.aborted) log.warn('a listed image cannot be pulled', { file: name, image, error: messageOf(error) });
      }
    }
    pulling.delete(name);
    if (stopped.signal.aborted || state === undefined) return;
    index.archives[name] = { ...state, images: ids };
    options.shelf.pin();
    if (failed) clock.setTimer(retryMs, () => { if (!stopped.signal.aborted && !pulling.has(name)) void pullListed(name, Math.min(retryMs * 2, RETRY_MAX_MS)); });
  };
  const again = (): void => {
    timer?.cancel();
    timer = clock.setTimer(QUIET_MS, () => {
      work = work.then(look).catch((error: unknown) => log.warn('the folder of images cannot be read', { directory, error: messageOf(error) }));
    });
  };
  return {
    async start() {
      watcher = watch(directory, (_event, name) => { if (name !== null && (ARCHIVE.test(name) || LIST.test(name))) again(); });
      watcher.unref();
      watcher.on('error', (error) => log.warn('image archives are only read at the start', { error: messageOf(error) }));
      work = work.then(look);
      await work;
    },
    stop() {
      stopped.abort(new Error('the node is stopping'));
      watcher?.close();
      timer?.cancel();
    },
  };
}

type FileState = Omit<ArchiveRecord, 'images'>;

function stateOf(path: string): FileState | undefined {
  try {
    const { size, mtimeMs } = statSync(path);
    return { sizeBytes: size, modifiedAt: mtimeMs };
  } catch {
    return undefined; // gone since it was listed
  }
}

function isSame(before: FileState | undefined, now: FileState): boolean {
  return before?.sizeBytes === now.sizeBytes && before.modifiedAt === now.modifiedAt;
}

function namesIn(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}
