// Huge pages in cgroups: what is not asked for is forbidden to pods and containers, and not limited above them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, readFileIfThere } from '../../../internal/base/files.ts';
import { CGROUP_MOUNT, type CgroupRoot } from '../../cgroup-root.ts';

/** As much as can be written there, and as every kubelet writes it. */
const UNLIMITED_BYTES = 2 ** 62;
const FOLDER = '/sys/kernel/mm/hugepages';

/** Sizes of this machine's huge pages as resources name them (`2Mi`), where cgroups can limit them; else none. */
export function hugepageSizes({ version, controllers, directory }: CgroupRoot): string[] {
  const limitable = version === 1 ? controllers.includes('hugetlb') && existsSync(join(CGROUP_MOUNT, 'hugetlb')) : readFileSync(join(directory(''), 'cgroup.controllers'), 'utf8').trim().split(' ').includes('hugetlb');
  return limitable ? pageKilobytes().map(sizeName) : [];
}

/** What this machine has of each size: `{ 'hugepages-2Mi': '32768Ki' }`. */
export function hugepageCapacity(): Record<string, string> {
  return Object.fromEntries(pageKilobytes().map((kilobytes) => {
    const count = Number(readFileIfThere(join(FOLDER, `hugepages-${String(kilobytes)}kB`, 'nr_hugepages')) ?? '0');
    return [`hugepages-${sizeName(kilobytes)}`, count === 0 ? '0' : `${String(count * kilobytes)}Ki`];
  }));
}

function pageKilobytes(): number[] {
  return namesIn(FOLDER).map((name) => Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? '0')).filter((kilobytes) => kilobytes > 0);
}

function sizeName(kilobytes: number): string {
  return kilobytes >= 1 << 20 ? `${String(kilobytes >> 20)}Gi` : kilobytes >= 1024 ? `${String(kilobytes >> 10)}Mi` : `${String(kilobytes)}Ki`;
}

/** `asked`: how many bytes of `hugepages-2Mi`. */
export function hugepageLimits(sizes: readonly string[], asked: (resource: string) => number): Record<string, number> {
  return Object.fromEntries(sizes.map((size) => [inFiles(size), asked(`hugepages-${size}`)]));
}

export function unlimitedHugepages(sizes: readonly string[]): Record<string, number> {
  return Object.fromEntries(sizes.map((size) => [inFiles(size), UNLIMITED_BYTES]));
}

/** `2Mi` is `2MB` in the names of files. */
function inFiles(size: string): string {
  return size.replace(/i$/, 'B');
}
