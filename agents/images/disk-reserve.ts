// No image may take the last of the disk: the node's own state lies there too. However small it comes, what it grows to is looked at as it grows.
import { statfsSync } from 'node:fs';
import { ImageError } from './image-store.ts';

const LOOK_EVERY_BYTES = 32 << 20;
const RESERVE_SHARE = 0.05;
const RESERVE_BYTES_MAX = 1 << 30;
const RESERVE_FILES = 1000;

/** Passes on what is written below `directory`, and ends it with an error that names `what` before the disk is full. */
export async function* withinDisk(pieces: AsyncIterable<Buffer>, what: string, directory: string): AsyncGenerator<Buffer> {
  let sinceLook = LOOK_EVERY_BYTES;
  for await (const piece of pieces) {
    sinceLook += piece.length;
    if (sinceLook >= LOOK_EVERY_BYTES) {
      sinceLook = 0;
      const { bavail, blocks, bsize, ffree, files } = statfsSync(directory);
      if (bavail * bsize < Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE)) throw new ImageError('ErrImagePull', `${what} does not fit on the disk: no space left on device`);
      if (files > 0 && ffree < RESERVE_FILES) throw new ImageError('ErrImagePull', `${what} does not fit on the disk: no inodes left on device`);
    }
    yield piece;
  }
}
