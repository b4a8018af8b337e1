// Which ids of the host the users of a pod of its own (`hostUsers: false`) are: a range of `idsPerPod`, aligned, that no other pod of this node has.
// It is written below the pod's folder before anything is made with it, in the form that upstream's kubelet has there, and kept until the pod has
// ended; what is free is found from those files each time, so nothing is remembered and nothing can leak.
//
// The ranges lie in what the host gives its user `kubelet` (getsubids, /etc/subuid), if there is such a user; else anywhere above the host's own ids.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { findProgram, tryCommand } from '../../internal/base/command.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';
import type { Random } from '../../internal/base/random.ts';
import type { IdRange } from '../runtime/runtime.ts';

export interface RangeOptions {
  /** Holds `pods`. */
  kubeletDir: string;
  idsPerPod: number;
  maxPods: number;
  random: Random;
  /** The host's text files. */
  read?(path: string): string | undefined;
  /** Default: the host's own. */
  getsubids?: string;
}

const USER = 'kubelet';
const IDS_END = 2 ** 32;

/** What the pod has, chosen now if it has none. Its folder must be there. */
export async function rangeOf(podUid: string, options: RangeOptions): Promise<IdRange> {
  const { kubeletDir } = options;
  const own = readRange(fileOf(kubeletDir, podUid));
  if (own !== undefined) return own;
  const range = choose(await spaceOf(options), options); // from here on without a pause: the file tells the next one
  const mapping = [{ hostId: range.hostId, containerId: 0, length: range.length }];
  writeFileAtomically(fileOf(kubeletDir, podUid), JSON.stringify({ uidMappings: mapping, gidMappings: mapping }));
  return range;
}

/** A pod that has none is no failure. */
export function releaseRange(podUid: string, { kubeletDir }: Pick<RangeOptions, 'kubeletDir'>): void {
  rmSync(fileOf(kubeletDir, podUid), { force: true });
}

function fileOf(kubeletDir: string, podUid: string): string {
  return `${kubeletDir}/pods/${podUid}/userns`;
}

function choose({ hostId, length }: IdRange, { kubeletDir, idsPerPod, random }: RangeOptions): IdRange {
  const taken = readdirSync(`${kubeletDir}/pods`).flatMap((uid) => readRange(fileOf(kubeletDir, uid)) ?? []);
  const slots = Math.floor(length / idsPerPod);
  // From anywhere: what a pod may have left behind is not the next one's.
  const first = Math.floor(random.fraction() * slots);
  for (let tries = 0; tries < slots; tries++) {
    const range = { hostId: hostId + ((first + tries) % slots) * idsPerPod, length: idsPerPod };
    if (!taken.some((other) => other.hostId < range.hostId + range.length && range.hostId < other.hostId + other.length)) return range;
  }
  throw new Error('create user namespace: could not find an empty slot to allocate a user namespace');
}

interface Mappings {
  uidMappings?: { hostId: number; containerId: number; length: number }[];
  gidMappings?: unknown[];
}

function readRange(path: string): IdRange | undefined {
  const text = readFileIfThere(path);
  if (text === undefined) return undefined;
  const { uidMappings = [], gidMappings = [] } = parse(path, text);
  const [mapping] = uidMappings;
  if (mapping === undefined || uidMappings.length !== 1) throw new Error(`user namespace: ${path}: invalid user namespace configuration: no more than one mapping allowed.`);
  if (JSON.stringify(uidMappings) !== JSON.stringify(gidMappings)) throw new Error(`user namespace: ${path}: invalid user namespace configuration: GID and UID mapping should be identical`);
  if (mapping.containerId !== 0) throw new Error(`user namespace: ${path}: invalid user namespace configuration: UID 0 must be mapped`);
  return { hostId: mapping.hostId, length: mapping.length };
}

function parse(path: string, text: string): Mappings {
  try {
    return JSON.parse(text) as Mappings;
  } catch (error) {
    throw new Error(`user namespace: ${path}: invalid user namespace mappings file: ${messageOf(error)}`, { cause: error });
  }
}

/** Where the ranges may lie. */
async function spaceOf(options: RangeOptions): Promise<IdRange> {
  const { idsPerPod, maxPods, read = readFileIfThere } = options;
  const given = (read('/etc/passwd') ?? '').split('\n').some((line) => line.startsWith(`${USER}:`)) ? await givenTo(options, read) : undefined;
  if (given === undefined) return { hostId: idsPerPod, length: IDS_END - idsPerPod };
  const { hostId, length } = given;
  if (hostId % idsPerPod !== 0) throw new Error(`kubelet user assigned ID ${String(hostId)} is not a multiple of ${String(idsPerPod)}`);
  if (hostId < idsPerPod) throw new Error(`kubelet user assigned ID ${String(hostId)} must be greater or equal to ${String(idsPerPod)}`);
  if (length % idsPerPod !== 0) throw new Error(`kubelet user assigned IDs length ${String(length)} is not a multiple of ${String(idsPerPod)}`);
  if (length / idsPerPod < maxPods) throw new Error(`kubelet user assigned IDs are not enough to support ${String(maxPods)} pods`);
  return given;
}

/** By getsubids, which knows of other sources too; by the files where it is not there. */
async function givenTo({ getsubids = findProgram('getsubids') }: RangeOptions, read: (path: string) => string | undefined): Promise<IdRange | undefined> {
  if (getsubids === undefined || !existsSync(getsubids)) {
    const [uids, gids] = ['/etc/subuid', '/etc/subgid'].map((path) => (read(path) ?? '').split('\n').filter((line) => line.startsWith(`${USER}:`)).map((line) => line.split(':').slice(1).join(' ')).join('\n'));
    return uids === '' && gids === '' ? undefined : same(uids ?? '', gids ?? '');
  }
  const ask = async (what: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tryCommand(getsubids, [...args, USER]);
    if (code !== 0) throw new Error(`error retrieving additional ${what} for user "${USER}": ${stderr.trim() || `exit ${String(code)}`}`);
    return stdout.trim().replace(/^0: \S+ /, '');
  };
  return same(await ask('uids'), await ask('gids', '-g'));
}

function same(uids: string, gids: string): IdRange {
  if (uids !== gids) throw new Error(`mismatched subuids and subgids for user "${USER}"`);
  if (uids.includes('\n')) throw new Error(`error parsing line ${JSON.stringify(uids)}: it must contain only one line`);
  const [, hostId, length] = /^(\d+)\s+(\d+)$/.exec(uids) ?? [];
  if (hostId === undefined || length === undefined) throw new Error(`invalid line ${JSON.stringify(uids)}`);
  return { hostId: Number(hostId), length: Number(length) };
}
