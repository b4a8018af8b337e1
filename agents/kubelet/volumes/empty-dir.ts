// emptyDir: a directory that goes when the pod has come to its end, though the pod may be there to be seen for long after; medium Memory is a tmpfs of its own, as large as sizeLimit and the pod's memory allow.
import { chmodSync, mkdirSync } from 'node:fs';
import { command } from '../../../internal/base/command.ts';
import { quantityValue } from '../../../internal/api/quantity.ts';
import type { EmptyDirVolumeSource, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { mountPointsUnder } from './mount-table.ts';
import { applyFsGroup } from './ownership.ts';
import { removeTree } from './remove-tree.ts';
import { volumeDirectory, type VolumeKind } from './volume.ts';

const PREFIX = 'hugepages-';

export const EMPTY_DIR: VolumeKind = {
  directory: 'empty-dir',
  matches: ({ emptyDir }) => emptyDir !== undefined,
  async mount({ name, emptyDir = {} }, { pod, podDirectory, fields, fsGroup, clock, signal }) {
    const path = volumeDirectory(podDirectory, 'empty-dir', name);
    mkdirSync(path, { recursive: true, mode: 0o750 });
    const medium = emptyDir.medium ?? '';
    if (medium !== '' && !mountPointsUnder(path).includes(path)) {
      const options = medium === 'Memory' ? ['-t', 'tmpfs', '-o', `size=${String(memorySize(emptyDir, pod, fields.allocatable))}`] : ['-t', 'hugetlbfs', '-o', `pagesize=${String(pageSize(medium, pod))}`];
      await command('mount', [...options, medium === 'Memory' ? 'tmpfs' : 'nodev', path]);
    }
    chmodSync(path, medium === 'Memory' ? 0o1777 : 0o777);
    await applyFsGroup(path, fsGroup, { readOnly: false }, { clock, signal });
    return { name, hostPath: path, readOnly: false };
  },
  async unmount({ name, emptyDir }, { podDirectory }) {
    const path = volumeDirectory(podDirectory, 'empty-dir', name);
    if ((emptyDir?.medium ?? '') !== '' && mountPointsUnder(path).includes(path)) await command('umount', ['-l', path]);
    // What a container has mounted in it is never walked into.
    if (mountPointsUnder(path).length === 0) await removeTree(path);
  },
};

/** In bytes: what the medium names, else the one size that the pod asks for. */
function pageSize(medium: string, { spec }: Pod): number {
  const asked = [spec, ...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) => Object.keys(resources?.requests ?? resources?.limits ?? {})).filter((name) => name.startsWith(PREFIX));
  const sizes = new Set(asked.map((name) => quantityValue(name.slice(PREFIX.length))));
  const wanted = medium === 'HugePages' ? sizes : new Set([...sizes].filter((size) => size === quantityValue(medium.slice('HugePages-'.length))));
  if (wanted.size > 1) throw new Error(`medium: ${medium} can't be used if container requests multiple huge page sizes`);
  const [size] = wanted;
  if (size === undefined) throw new Error(`medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`);
  return size;
}

/** The least of sizeLimit, the pod's memory limit (when every container has one) and what the node has. */
function memorySize({ sizeLimit }: EmptyDirVolumeSource, pod: Pod, allocatable: Readonly<Record<string, string>>): number {
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.['memory']);
  const podLimit = pod.spec.resources?.limits?.['memory'];
  const sum = podLimit !== undefined ? quantityValue(podLimit) : limits.every((limit) => limit !== undefined) ? limits.reduce((total, limit) => total + quantityValue(limit ?? '0'), 0) : Infinity;
  const wanted = sizeLimit === undefined || quantityValue(sizeLimit) === 0 ? Infinity : quantityValue(sizeLimit);
  return Math.min(wanted, sum, quantityValue(allocatable['memory'] ?? '0') || Infinity);
}
