// Unpacked layers on disk, named by the digest of their uncompressed tar (diff id), ready as overlay lower directories. A directory without
// `.tmp` in its name is whole: it was verified and synced before it got its name (a power cut else leaves a tree of empty files).
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startChild } from '../../internal/base/child.ts';
import { command } from '../../internal/base/command.ts';
import { readFileIfThere, syncDirectory } from '../../internal/base/files.ts';
import { createLimit, type Limit } from '../../internal/base/limit.ts';
import { decompressed } from './compression.ts';
import { withinDisk } from './disk-reserve.ts';
import { ImageError } from './image-store.ts';
import { withOverlayWhiteouts, type Tally } from './whiteouts.ts';

export interface LayerSource {
  /** Digest of the bytes as they come, when it is known. */
  digest?: string;
  diffId: string;
  open(): AsyncIterable<Buffer>;
  /** Told when all of it was read and has the digests. */
  whole?(): void;
  /** Told whether the layer stands now; true when it is to be opened once more. */
  settle?(used: boolean): boolean;
  /** Whose turns it takes while it is made. Default: at once. */
  turn?: Limit;
}

export interface LayerStore {
  directory(diffId: string): string;
  has(diffId: string): boolean;
  /** Makes the layer unless it is here; concurrent calls share the work. Gives its size, or undefined when an image lists it already. */
  ensure(source: LayerSource): Promise<number | undefined>;
  /** An image lists them now: they stay for its sake. */
  listed(diffIds: readonly string[]): void;
  /** Removes half-made layers and those not in `keep`, but whole ones of a pull that broke off since then. */
  clean(keep: ReadonlySet<string>, since?: number): void;
  remove(diffId: string): Promise<void>;
}

// Short: overlay's mount options end at one page, and an image may have 127 layers.
const NAME_LENGTH = 24;
const GATHERED_BYTES = 32 << 10;
/** tar and this process take turns less often so. */
const TAR_INPUT_BYTES = 512 << 10;
/** Beside a layer until an image lists it, with its size: another life of the node takes it up. */
const NEW = '.new';
/** Of all pulls: each has its own turns, so that one which waits for its registry keeps no other waiting. */
const UNPACKS_MAX = 12;
const atOnce: Limit = (work) => work();
/** Of the process: a store that is being left must not undo what the next one makes. */
let temporaries = 0;

export function createLayerStore(root: string): LayerStore {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const inFlight = new Map<string, Promise<number>>();
  const limit = createLimit(UNPACKS_MAX);
  const syncAll = createSharedSync(root);
  const store: LayerStore = {
    directory: (diffId) => join(root, nameOf(diffId)),
    has: (diffId) => existsSync(store.directory(diffId)),
    async ensure(source) {
      const { turn = atOnce } = source;
      // What another pull is making may fail for its own reasons: then it is made here.
      for (let running = inFlight.get(source.diffId); running !== undefined; running = inFlight.get(source.diffId)) {
        const sizeBytes = await running.catch(() => undefined);
        if (sizeBytes !== undefined) return sizeBytes;
      }
      if (store.has(source.diffId)) {
        source.settle?.(true); // a power cut may leave a layer and what it was made of
        return sizeOfNew(store.directory(source.diffId));
      }
      const target = store.directory(source.diffId);
      const work = turn(() => limit(() => makeLayer(source, { temporary: `${target}.${String(temporaries++)}.tmp`, target, syncAll, root })));
      inFlight.set(source.diffId, work);
      try {
        return await work;
      } finally {
        inFlight.delete(source.diffId);
      }
    },
    listed: (diffIds) => diffIds.forEach((diffId) => rmSync(`${store.directory(diffId)}${NEW}`, { force: true })),
    clean(keep, since = Infinity) {
      const names = new Set([...keep].map(nameOf));
      for (const entry of readdirSync(root).filter((name) => name.endsWith(NEW))) {
        const name = entry.slice(0, -NEW.length);
        if (names.has(name) || statSync(join(root, entry)).mtimeMs < since || !existsSync(join(root, name))) continue;
        names.add(name).add(entry);
      }
      for (const entry of readdirSync(root)) if (!names.has(entry)) rmSync(join(root, entry), { recursive: true, force: true });
    },
    async remove(diffId) {
      const doomed = `${store.directory(diffId)}.${String(temporaries++)}.tmp`;
      if (!store.has(diffId)) return;
      renameSync(store.directory(diffId), doomed); // at once gone for others; the slow part follows
      store.listed([diffId]);
      await removeTree(doomed);
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

/** Of a whole layer that no image lists yet. */
function sizeOfNew(directory: string): number | undefined {
  const text = readFileIfThere(`${directory}${NEW}`) ?? '';
  return text === '' ? undefined : Number(text);
}

async function makeLayer(source: LayerSource, options: MakeOptions): Promise<number> {
  const { temporary, target, root, syncAll } = options;
  try {
    mkdirSync(temporary, { recursive: true });
    const sizeBytes = await unpack(source, temporary);
    source.whole?.(); // before the sync, which would bring to the disk what is removed right after
    writeFileSync(`${target}${NEW}`, String(sizeBytes), { mode: 0o600 });
    await syncAll();
    renameSync(temporary, target);
    syncDirectory(root);
    source.settle?.(true);
    return sizeBytes;
  } catch (error) {
    await removeTree(temporary);
    if (source.settle?.(false) !== true) throw error;
    return makeLayer(source, options);
  }
}

async function unpack(source: LayerSource, directory: string): Promise<number> {
  const tally: Tally = { sizeBytes: 0 };
  const packed = createHash('sha256');
  const unpacked = createHash('sha256');
  const tar = startChild('tar', ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--warning=no-timestamp', '-xpf', '-'], { cwd: directory, streams: ['input', 'none', 'output'], inputBytes: TAR_INPUT_BYTES });
  const [stdin, , stderr] = tar.streams as [Socket, undefined, Socket];
  const complaints: Buffer[] = [];
  const said = once(stderr.on('data', (chunk: Buffer) => complaints.push(chunk)), 'close');
  const failure = await pipeline(Readable.from(gathered(withinDisk(rewritten(source, { packed, unpacked, tally }), `layer ${source.diffId}`, directory))), stdin).then(() => undefined, (error: unknown) => error as NodeJS.ErrnoException);
  if (failure !== undefined) stdin.destroy();
  const [{ code }] = await Promise.all([tar.ended, said]);
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
  try {
    yield* withOverlayWhiteouts(plain, tally);
    // What stands after the archive's end belongs to the digests as well.
    for await (const rest of plain) void rest;
  } finally {
    await plain.return(undefined); // it was read by hand: an error in the midst of it would leave files open
  }
}

/** Thousands of small files are thousands of small pieces: written one by one they take their time. */
async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < GATHERED_BYTES) continue;
    yield held.length === 1 ? piece : Buffer.concat(held);
    [held, heldBytes] = [[], 0];
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

async function* hashing(source: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

function verify(expected: string | undefined, hex: string): void {
  if (expected !== undefined && expected !== `sha256:${hex}`) throw new ImageError('ErrImagePull', `layer ${expected} arrived with digest sha256:${hex}`);
}

/** By a program: folders may be deeper than a path is long, and more than one would wait for. */
async function removeTree(path: string): Promise<void> {
  await command('rm', ['-rf', path]);
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
