// A disk's file system: made where the disk is blank, looked over and mended where it is not, then mounted. What holds anything that blkid knows is never
// formatted: its mount fails when it is not what was asked for (upstream: mount-utils, whose texts these are). Nothing here is broken off when the pod
// ends: a disk is not left half formatted or half mended.
import { findProgram, tryCommand, type CommandResult } from '../../../internal/base/command.ts';

export interface Disk {
  device: string;
  /** An existing folder. */
  target: string;
  fsType: string;
  options: readonly string[];
}

/** Of a disk that is large and slow. */
const PATIENCE_MS = 30 * 60_000;
const FSCK_UNCORRECTED = 4;
/** blkid has looked, and found nothing that it knows. */
const BLKID_NOTHING = 2;
const FSTYPE = /^[a-z0-9][a-z0-9._-]*$/i;
const FORCED: Readonly<Record<string, readonly string[]>> = { ext3: ['-F', '-m0'], ext4: ['-F', '-m0'], xfs: ['-f'] };

export async function formatAndMount({ device, target, fsType, options }: Disk): Promise<void> {
  if (!FSTYPE.test(fsType)) throw new Error(`fsType ${JSON.stringify(fsType)} is not the name of a file system`);
  const readOnly = options.includes('ro');
  const all = [...options, 'defaults'].join(',');
  if ((await formatOf(device)) === '') {
    if (readOnly) throw new Error(`cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`);
    const result = await run(`mkfs.${fsType}`, [...(FORCED[fsType] ?? []), device]);
    if (result.code !== 0) throw new Error(`format of disk ${JSON.stringify(device)} failed: type:(${JSON.stringify(fsType)}) target:(${JSON.stringify(target)}) options:(${JSON.stringify(all)}) errcode:(exit status ${String(result.code)}) output:(${outputOf(result)}) `);
  } else if (!readOnly) await repair(device);
  const args = ['-t', fsType, '-o', all, device, target];
  const result = await run('mount', args);
  if (result.code !== 0) throw new Error(`mount failed: exit status ${String(result.code)}\nMounting command: mount\nMounting arguments: ${args.join(' ')}\nOutput: ${outputOf(result)}`);
}

/** '': nothing. Partitions are a format too, of which none can be mounted. Not by what blkid remembers: by what is there. */
async function formatOf(device: string): Promise<string> {
  const result = await run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', device]);
  if (result.code === BLKID_NOTHING) return '';
  if (result.code !== 0) throw new Error(`failed to get disk format of disk ${device}: exit status ${String(result.code)}`);
  const found = new Map(result.stdout.split('\n').filter((line) => line !== '').map((line): [string, string] => {
    const [key = '', value, ...more] = line.split('=');
    if (value === undefined || more.length > 0) throw new Error(`failed to get disk format of disk ${device}: blkid returns invalid output: ${result.stdout}`);
    return [key, value];
  }));
  return found.has('PTTYPE') ? 'unknown data, probably partitions' : found.get('TYPE') ?? '';
}

/** A node without fsck, and what fsck cannot look at, is left to mount. */
async function repair(device: string): Promise<void> {
  if (findProgram('fsck') === undefined) return;
  const result = await run('fsck', ['-a', device]);
  if (result.code === FSCK_UNCORRECTED) throw new Error(`'fsck' found errors on device ${device} but could not correct them: ${outputOf(result)}`);
}

async function run(name: string, args: readonly string[]): Promise<CommandResult> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`${name} is not on this node: a disk that is a volume needs it`);
  return tryCommand(program, args, { timeoutMs: PATIENCE_MS, group: true });
}

function outputOf({ stdout, stderr }: CommandResult): string {
  return `${stdout}${stderr}`;
}
