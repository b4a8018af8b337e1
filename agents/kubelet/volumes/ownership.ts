// fsGroup: everything in a volume belongs to the group and is open to it (read-write, or read-only), directories pass the group on.
import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';

export interface OwnershipOptions {
  readOnly: boolean;
  /** Leave all as it is when the volume's root is right already (fsGroupChangePolicy OnRootMismatch). */
  onRootMismatch?: boolean;
}

export function applyFsGroup(path: string, fsGroup: number | undefined, options: OwnershipOptions): void {
  if (fsGroup === undefined) return;
  if (options.onRootMismatch === true && isRight(path, fsGroup, options)) return;
  apply(path, fsGroup, options);
}

function apply(path: string, group: number, options: OwnershipOptions): void {
  const info = lstatSync(path);
  lchownSync(path, info.uid, group);
  if (info.isSymbolicLink()) return;
  chmodSync(path, (info.mode & 0o7777) | maskOf(info.isDirectory(), options));
  if (info.isDirectory()) for (const name of readdirSync(path)) apply(join(path, name), group, options);
}

function isRight(path: string, group: number, options: OwnershipOptions): boolean {
  const info = lstatSync(path);
  const mask = maskOf(info.isDirectory(), options);
  return info.gid === group && (info.mode & mask) === mask;
}

function maskOf(directory: boolean, { readOnly }: OwnershipOptions): number {
  return (readOnly ? 0o440 : 0o660) | (directory ? 0o2110 : 0);
}

/** The user of all containers, when they all name the same: whose the service-account token is then. */
export function commonUser(pod: Pod): number | undefined {
  const users = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser);
  const [first] = users;
  return users.every((user) => user === first) ? first : undefined;
}
