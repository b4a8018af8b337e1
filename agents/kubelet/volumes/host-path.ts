// hostPath: a path of the node as it is, checked against (or made by) its type.
import { chmodSync, closeSync, mkdirSync, openSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { unlessErrno } from '../../../internal/base/errors.ts';
import { NO_LEDGER, type Ledger } from '../../../internal/base/ledger.ts';
import { checkAnswers } from './remote.ts';
import type { VolumeKind } from './volume.ts';

const CHECKS: Record<string, [is: (info: Stats) => boolean, what: string]> = {
  Directory: [(info) => info.isDirectory(), 'directory'],
  File: [(info) => info.isFile(), 'file'],
  Socket: [(info) => info.isSocket(), 'socket file'],
  CharDevice: [(info) => info.isCharacterDevice(), 'character device'],
  BlockDevice: [(info) => info.isBlockDevice(), 'block device'],
};

export const HOST_PATH: VolumeKind = {
  directory: 'host-path',
  matches: ({ hostPath }) => hostPath !== undefined,
  async mount({ name, hostPath }, { ledger }) {
    const path = hostPath?.path ?? '';
    await checkAnswers(path);
    prepareHostPath(path, hostPath?.type ?? '', ledger);
    return { name, hostPath: path, readOnly: false };
  },
};

export function prepareHostPath(path: string, type: string, ledger: Ledger = NO_LEDGER): void {
  if (type === '' || type.endsWith('OrCreate')) ledger.making(path, 'volume');
  if (type === 'DirectoryOrCreate' && statOf(path) === undefined) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
  }
  if (type === 'FileOrCreate' && statOf(path) === undefined) {
    if (statOf(dirname(path)) === undefined) throw new Error(`hostPath type check failed: ${path} is not a file`);
    closeSync(openSync(path, 'a', 0o644));
  }
  // No type: no check; what is not there is made a directory when the container is created, as Docker did and everyone since.
  const check = CHECKS[type.replace('OrCreate', '')];
  if (check === undefined) {
    if (type === '' && statOf(path) === undefined) mkdirSync(path, { recursive: true });
    return;
  }
  const info = statOf(path);
  if (info === undefined || !check[0](info)) throw new Error(`hostPath type check failed: ${path} is not a ${check[1]}`);
}

function statOf(path: string): Stats | undefined {
  return unlessErrno(['ENOENT', 'ENOTDIR'], () => statSync(path));
}
