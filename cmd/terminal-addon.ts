// Where the terminal addon (node-pty's native part) is: in the package when run from source; of the executable, with the programs that it carries.
import { createRequire } from 'node:module';
import { carriedFile } from './programs/carried.ts';

const FILE = 'pty.node';

export function terminalAddon(): string {
  return carriedFile(FILE) ?? createRequire(process.argv[1] ?? '/').resolve(`@lydell/node-pty-linux-${process.arch}/${FILE}`);
}
