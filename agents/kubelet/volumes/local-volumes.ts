// Folders of local volumes, below one folder of the node: made and removed when the server asks (controllers/volumes/local-provisioning.ts). Names are one part of
// a path, and nothing outside that folder is touched; what is mounted anywhere below a volume keeps it.
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Ledger } from '../../../internal/base/ledger.ts';
import { mountPointsUnder } from './mount-table.ts';
import { removeTree } from './remove-tree.ts';

export interface LocalVolumes {
  /** Idempotent. Gives the path. */
  make(name: string): string;
  /** As `make` gave it. Nothing there is no error. */
  remove(path: string): Promise<void>;
  /** What a stop in the middle of a removal left. */
  finish(): Promise<void>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const NAME_MAX = 255;
const GOING = '.going-';

export function createLocalVolumes({ root, ledger }: { root: string; ledger: Ledger }): LocalVolumes {
  return {
    make(name) {
      checkName(name);
      ledger.making(root, 'volume');
      mkdirSync(root, { recursive: true, mode: 0o700 });
      const path = join(root, name);
      if (!existsSync(path)) {
        ledger.making(path, 'volume');
        mkdirSync(path);
      }
      if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a directory`);
      chmodSync(path, 0o777); // any user of any container may be its first
      return path;
    },
    async remove(path) {
      checkName(basename(path));
      if (dirname(path) !== root) throw new Error(`${path} is not below ${root}, where this node keeps local volumes`);
      if (!existsSync(root)) throw new Error(`${root} is not there`);
      const going = join(root, `${GOING}${basename(path)}`.slice(0, NAME_MAX));
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
        const [inside] = mountPointsUnder(realpathSync(root)).filter((point) => point === join(realpathSync(root), basename(path)) || point.startsWith(`${join(realpathSync(root), basename(path))}/`));
        if (inside !== undefined) throw new Error(`${inside} is mounted`);
        if (existsSync(going)) await removeTree(going);
        renameSync(path, going);
      }
      await removeTree(going);
    },
    async finish() {
      if (!existsSync(root)) return;
      for (const name of readdirSync(root)) if (name.startsWith(GOING)) await removeTree(join(root, name));
    },
  };
}

function checkName(name: string): void {
  if (!NAME.test(name) || name.length > NAME_MAX) throw new Error(`${JSON.stringify(name)} cannot be the name of a volume's folder`);
}
