// Blobs on their way: what has come of a large one is kept on disk under its digest until its layer stands, so that a pull goes on where it was after
// a restart, a kill -9 or a power cut. What was kept is believed only when the whole has its digest: if not, it goes, and all is fetched once more.
// Nobody comes back for some (a pod that went, an image that moved on): those go after a day, or when the disk is short.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../internal/base/clock.ts';

export interface KeptBlobs {
  /** One reading of a blob: what is here, then what `fetch` brings from there on. */
  source(blob: { digest: string; size?: number }, fetch: (offset: number) => AsyncIterable<Buffer>): KeptBlob;
  /** Removes what nobody has added to for long, or all that nobody adds to now; gives the bytes it freed. */
  clean(all?: boolean): number;
}

export interface KeptBlob {
  open(): AsyncIterable<Buffer>;
  /** All of it came and was right: what is kept of it need not get to the disk any more. */
  whole(): void;
  /** Its layer stands (also where it was never opened), or not; true when it should be opened once more, as a part of what came was from before. */
  settle(used: boolean): boolean;
}

/** Smaller ones are fetched again sooner than kept. */
const KEPT_BYTES_MIN = 1 << 20;
export const KEPT_MS = 24 * 3_600_000;
const PIECE_BYTES = 256 << 10;

export function createKeptBlobs(directory: string, clock: Clock): KeptBlobs {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const busy = new Set<string>();
  const remove = (name: string): void => rmSync(join(directory, name), { force: true });
  return {
    source({ digest, size = 0 }, fetch) {
      const name = digest.slice('sha256:'.length);
      if (size < KEPT_BYTES_MIN) return { open: () => fetch(0), whole: () => {}, settle: () => false };
      const reading: Reading = { hadBytes: 0, brokeOff: false };
      let mine: boolean | undefined;
      return {
        async *open() {
          mine = !busy.has(name);
          if (!mine) return yield* fetch(0);
          busy.add(name);
          try {
            yield* readOn(join(directory, name), { size, reading, fetch });
          } finally {
            busy.delete(name);
          }
        },
        whole() {
          if (mine === true) remove(name);
        },
        settle(used) {
          if (!(mine ?? !busy.has(name))) return false;
          // What broke off goes on another time. What came whole and was no use is wrong, or there is no room for it.
          if (used || !reading.brokeOff) remove(name);
          return !used && !reading.brokeOff && reading.hadBytes > 0;
        },
      };
    },
    clean(all = false) {
      let freed = 0;
      for (const name of readdirSync(directory).filter((entry) => !busy.has(entry))) {
        const { size, mtimeMs } = statSync(join(directory, name));
        if (!all && clock.now() - mtimeMs < KEPT_MS) continue;
        remove(name);
        freed += size;
      }
      return freed;
    },
  };
}

interface Reading {
  /** Of those that were here when it was opened. */
  hadBytes: number;
  /** The registry, or who waited, gave up. */
  brokeOff: boolean;
}

async function* readOn(path: string, { size, reading, fetch }: { size: number; reading: Reading; fetch: (offset: number) => AsyncIterable<Buffer> }): AsyncGenerator<Buffer> {
  Object.assign(reading, { hadBytes: 0, brokeOff: false });
  let file: FileHandle | undefined = await open(path, 'a+', 0o600);
  try {
    const { size: here } = await file.stat();
    if (here > size) await file.truncate();
    else reading.hadBytes = here;
    yield* pieces(file, reading.hadBytes);
    if (reading.hadBytes === size) return;
    for await (const piece of broken(fetch(reading.hadBytes), reading)) {
      if (file !== undefined && !(await written(file, piece))) {
        await file.close();
        file = undefined;
        rmSync(path, { force: true }); // no room to keep it: it comes through all the same
      }
      yield piece;
    }
  } finally {
    await file?.close();
  }
}

async function* pieces(file: FileHandle, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < sizeBytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, sizeBytes - offset));
    const { bytesRead } = await file.read(piece, 0, piece.length, offset);
    if (bytesRead === 0) throw new Error('a kept blob has become shorter');
    offset += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Notes that it was the source which failed, not those who read. */
async function* broken(source: AsyncIterable<Buffer>, reading: Reading): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await iterator.next().catch((error: unknown) => {
        reading.brokeOff = true;
        throw error;
      });
      if (done === true) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function written(file: FileHandle, piece: Buffer): Promise<boolean> {
  try {
    await file.appendFile(piece);
    return true;
  } catch {
    return false;
  }
}
