// Where the terminal addon (node-pty's native part) is: in the package when run from source; out of the executable it must be extracted, since
// a shared library is loaded from a file.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getRawAsset, isSea } from 'node:sea';
import { writeFileAtomically } from '../internal/base/files.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

const ASSET = 'pty.node';

export function terminalAddon(): string {
  if (!isSea()) return createRequire(process.argv[1] ?? '/').resolve(`@lydell/node-pty-linux-${process.arch}/${ASSET}`);
  const path = `/run/skiff/addon-${SKIFF_VERSION_TEXT}-${ASSET}`;
  if (!existsSync(path)) writeFileAtomically(path, new Uint8Array(getRawAsset(ASSET)), { mode: 0o755, sync: false });
  return path;
}
