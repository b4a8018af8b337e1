// Unpacked layers on disk, named by the digest of their uncompressed tar (diff id), ready as overlay lower directories. A directory without
// `.tmp` in its name is whole: it was verified and synced before it got its name (a power cut else leaves a tree of empty files).
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { command } from '../../internal/base/command.ts';
import { syncDirectory } from '../../internal/base/files.ts';
import { createLimit } from '../../internal/base/limit.ts';
import { ImageError } from './image-store.ts';
import { withOverlayWhiteouts, type Tally } from './whiteouts.ts';

export interface LayerSource {
  /** Digest of the bytes as they come, when it is known. */
  digest?: string;
  diffId: string;
  open(): AsyncIterable<Buffer>;
}

export interface LayerStore {
  directory(diffId: string): string;
  has(diffId: string): boolean;
  /** Makes the layer unless it is here; concurrent calls share the work. Gives its size, or undefined when it was here. */
  ensure(source: LayerSource): Promise<number | undefined>;
  /** Removes half-made layers and those not in `keep`. */
  clean(keep: ReadonlySet<string>): void;
  remove(diffId: string): Promise<void>;
}

// Short: overlay's mount options end at one page, and an image may have 127 layers.
const NAME_LENGTH = 24;
const UNPACKS_MAX = 3;
// No layer may take the last of the disk: the node's own state lies there too.
const LOOK_EVERY_BYTES = 32 << 20;
const RESERVE_SHARE = 0.05;
const RESERVE_BYTES_MAX = 1 << 30;
const RESERVE_FILES = 1000;

export function createLayerStore(root: string): LayerStore {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const inFlight = new Map<string, Promise<number>>();
  const limit = createLimit(UNPACKS_MAX);
  const syncAll = createSharedSync(root);
  let temporaries = 0;
  const store: LayerStore = {
    directory: (diffId) => join(root, nameOf(diffId)),
    has: (diffId) => existsSync(store.directory(diffId)),
    async ensure(source) {
      const running = inFlight.get(source.diffId);
      if (running !== undefined) return running;
      if (store.has(source.diffId)) return undefined;
      const temporary = `${store.directory(source.diffId)}.${String(temporaries++)}.tmp`;
      const work = limit(() => makeLayer(source, { temporary, target: store.directory(source.diffId), syncAll, root }));
      inFlight.set(source.diffId, work);
      try {
        return await work;
      } finally {
        inFlight.delete(source.diffId);
      }
    },
    clean(keep) {
      const names = new Set([...keep].map(nameOf));
      for (const entry of readdirSync(root)) if (!names.has(entry)) rmSync(join(root, entry), { recursive: true, force: true });
    },
    async remove(diffId) {
      const doomed = `${store.directory(diffId)}.${String(temporaries++)}.tmp`;
      if (!store.has(diffId)) return;
      renameSync(store.directory(diffId), doomed); // at once gone for others; the slow part follows
      await rm(doomed, { recursive: true, force: true });
    },
  };
  return store;
}

interface MakeOptions {
  temporary: string;
  target: string;
  root: string;
  syncAll(): Promise<void>;
}

async function makeLayer(source: LayerSource, { temporary, target, root, syncAll }: MakeOptions): Promise<number> {
  try {
    mkdirSync(temporary, { recursive: true });
    const sizeBytes = await unpack(source, temporary);
    await syncAll();
    renameSync(temporary, target);
    syncDirectory(root);
    return sizeBytes;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function unpack(source: LayerSource, directory: string): Promise<number> {
  const tally: Tally = { sizeBytes: 0 };
  const packed = createHash('sha256');
  const unpacked = createHash('sha256');
  const tar = spawn('tar', ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--warning=no-timestamp', '-xpf', '-'], { cwd: directory, stdio: ['pipe', 'ignore', 'pipe'] });
  const complaints: Buffer[] = [];
  tar.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    tar.on('error', reject);
    tar.on('close', resolve);
  });
  const failure = await pipeline(Readable.from(withinDisk(rewritten(source, { packed, unpacked, tally }), source, directory)), tar.stdin).then(() => undefined, (error: unknown) => error as NodeJS.ErrnoException);
  if (failure !== undefined) tar.stdin.destroy();
  const code = await ended;
  if (failure !== undefined && failure.code !== 'EPIPE') throw failure;
  if (code !== 0) throw new ImageError('ErrImagePull', `layer ${source.diffId} cannot be unpacked: ${Buffer.concat(complaints).toString().trim().slice(-1000)}`);
  verify(source.digest, packed.digest('hex'));
  verify(source.diffId, unpacked.digest('hex'));
  return tally.sizeBytes;
}

interface Hashes {
  packed: ReturnType<typeof createHash>;
  unpacked: ReturnType<typeof createHash>;
  tally: Tally;
}

async function* rewritten(source: LayerSource, { packed, unpacked, tally }: Hashes): AsyncGenerator<Buffer> {
  const plain = hashing(decompressed(hashing(source.open(), packed)), unpacked);
  yield* withOverlayWhiteouts(plain, tally);
  // What stands after the archive's end belongs to the digests as well.
  for await (const rest of plain) void rest;
}

/** Ends a layer that would fill the disk, however small it came. */
async function* withinDisk(pieces: AsyncIterable<Buffer>, { diffId }: LayerSource, directory: string): AsyncGenerator<Buffer> {
  let sinceLook = LOOK_EVERY_BYTES;
  for await (const piece of pieces) {
    sinceLook += piece.length;
    if (sinceLook >= LOOK_EVERY_BYTES) {
      sinceLook = 0;
      const { bavail, blocks, bsize, ffree, files } = statfsSync(directory);
      if (bavail * bsize < Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE)) throw new ImageError('ErrImagePull', `layer ${diffId} does not fit on the disk: no space left on device`);
      if (files > 0 && ffree < RESERVE_FILES) throw new ImageError('ErrImagePull', `layer ${diffId} does not fit on the disk: no inodes left on device`);
    }
    yield piece;
  }
}

async function* hashing(source: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** By the first bytes, not the media type: registries get that one wrong. */
export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 4) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const whole = (async function* (): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  })();
  const decoder = head.readUInt16BE(0) === 0x1f8b ? createGunzip() : head.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress() : undefined;
  if (decoder === undefined) return yield* whole;
  const failed = pipeline(Readable.from(whole), decoder).then(() => undefined, (error: unknown) => error);
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    throw (await failed) ?? error;
  }
}

function verify(expected: string | undefined, hex: string): void {
  if (expected !== undefined && expected !== `sha256:${hex}`) throw new ImageError('ErrImagePull', `layer ${expected} arrived with digest sha256:${hex}`);
}

function nameOf(diffId: string): string {
  if (!/^sha256:[a-f0-9]{64}$/.test(diffId)) throw new Error(`"${diffId}" is no digest`);
  return diffId.slice('sha256:'.length, 'sha256:'.length + NAME_LENGTH);
}

/** `sync -f` of the file system; calls that come while one runs share the next. */
function createSharedSync(root: string): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = async (): Promise<void> => void (await command('sync', ['-f', root]));
  return () => {
    if (running === undefined) {
      running = run().finally(() => { running = undefined; });
      return running;
    }
    next ??= running.catch(() => {}).then(() => {
      next = undefined;
      running = run().finally(() => { running = undefined; });
      return running;
    });
    return next;
  };
}
