// How the machine's processors are put together, of sysfs. Sockets and cores that it does not number count as one each.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import { readFileIfThere } from '../../../internal/base/files.ts';

export interface Topology {
  threads: number;
  cores: number;
  sockets: number;
  /** Of mainframes (s390x); elsewhere 0. */
  books: number;
  drawers: number;
}

export function topology(root = '/sys/devices/system/cpu'): Topology {
  const processors = readdirSync(root).filter((name) => /^cpu\d+$/.test(name));
  const of = (name: string, file: string): string | undefined => readFileIfThere(join(root, name, 'topology', file))?.trim();
  const distinct = (file: string): number => new Set(processors.map((name) => of(name, file)).filter((id) => id !== undefined && id !== '-1')).size;
  const cores = new Set(processors.map((name) => `${of(name, 'physical_package_id') ?? ''} ${of(name, 'core_id') ?? name}`)).size;
  return { threads: availableParallelism(), cores, sockets: Math.max(1, distinct('physical_package_id')), books: distinct('book_id'), drawers: distinct('drawer_id') };
}
