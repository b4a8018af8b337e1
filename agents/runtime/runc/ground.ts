// What every part of the runtime stands on: options, records, folders, and the one road for state changes and events.
import type { Clock } from '../../../internal/base/clock.ts';
import { tryCommand, type CommandResult } from '../../../internal/base/command.ts';
import type { Limit } from '../../../internal/base/limit.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { Random } from '../../../internal/base/random.ts';
import type { ImageStore } from '../../images/image-store.ts';
import type { PodNetwork } from '../../network/pod-network.ts';
import type { RuntimeEvent } from '../runtime.ts';
import type { Cgroups } from './cgroups.ts';
import type { ContainerRecord, Layout, Records } from './records.ts';

export interface RuncRuntimeOptions {
  dataDir: string;
  /** On a tmpfs, e.g. /run/skiff/<hash of dataDir>: what must not outlive a boot. */
  runDir: string;
  images: ImageStore;
  network: PodNetwork;
  clock: Clock;
  random: Random;
  log: Log;
  /** Name or path: `runc`, `crun`. */
  ociRuntime: string;
  /** Path of node-pty's native part. */
  terminalAddon?: () => string;
}

export interface Ground extends RuncRuntimeOptions {
  layout: Layout;
  records: Records;
  cgroups: Cgroups;
  bootId: string;
  emit(event: RuntimeEvent): void;
  /** Resolves as soon as its exit is recorded. */
  exited(record: ContainerRecord): Promise<void>;
  /** By a pod's cgroup: how many kills for want of memory have been told of containers. */
  oomKillsTold: Map<string, number>;
  /** Containers whose start is under way: their end is told after it. */
  starting: Set<string>;
  /** At most so many creations at once: more would only be slower. */
  limit: Limit;
  /** Whether the OCI runtime is runc itself, whose containers wait at a fifo (begin.ts). */
  hasFifos(): boolean;
  /** runc with our --root. */
  runc(...args: string[]): Promise<CommandResult>;
}

export function runcWith(ociRuntime: string, root: string): Ground['runc'] {
  return (...args) => tryCommand(ociRuntime, ['--root', root, ...args]);
}

/** runc's last words, without its log dressing: what a container's waiting state shows. */
export function wordsOf(said: string): string {
  const last = said.trim().split('\n').at(-1) ?? '';
  const logged = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1];
  return logged === undefined ? last : logged.replace(/\\(.)/g, '$1');
}

/** Why a run of it failed. */
export function failureOf({ stderr, code }: CommandResult): string {
  return wordsOf(stderr) || `exit ${String(code)}`;
}
