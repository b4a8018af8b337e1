// Who a container's process is: the pod says numbers, the image names or numbers; names are looked up in the image's own files.
import type { SecurityConfig } from '../runtime.ts';
import { readInRoot } from './rooted-path.ts';

export interface ProcessUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  /** From the image's passwd; `/` when it is not there. */
  home: string;
}

/** Throws with the text for the container's waiting state when a name is not in the image. */
export function userOf(root: string, imageUser: string, security: SecurityConfig): ProcessUser {
  const users = tableOf(root, 'etc/passwd');
  const groups = tableOf(root, 'etc/group');
  const [imageName = '', imageGroup = ''] = imageUser.split(':');
  const fromImage = security.runAsUser === undefined && security.runAsUserName === undefined;
  const name = security.runAsUser !== undefined ? String(security.runAsUser) : security.runAsUserName ?? (imageName === '' ? '0' : imageName);
  const row = users.find((fields) => fields[0] === name) ?? users.find((fields) => fields[2] === name);
  const uid = numberOr(name, row?.[2]);
  if (uid === undefined) throw new Error(`unable to find user ${name}: no matching entries in passwd file`);
  const gid = security.runAsGroup ?? (fromImage && imageGroup !== '' ? groupOf(groups, imageGroup) : Number(row?.[3] ?? 0));
  // The image's groups hold where the pod does not choose the group strictly: as engines do, by the user's name.
  const listed = security.supplementalGroupsPolicy === 'Strict' || row === undefined ? [] : groups.filter((fields) => (fields[3] ?? '').split(',').includes(row[0] ?? '')).map((fields) => Number(fields[2]));
  return { uid, gid, additionalGids: [...new Set([gid, ...listed, ...security.supplementalGroups])].filter(Number.isInteger).sort((a, b) => a - b), home: row?.[5] ?? '/' };
}

function groupOf(groups: string[][], name: string): number {
  const row = groups.find((fields) => fields[0] === name) ?? groups.find((fields) => fields[2] === name);
  const gid = numberOr(name, row?.[2]);
  if (gid === undefined) throw new Error(`unable to find group ${name}: no matching entries in group file`);
  return gid;
}

function numberOr(name: string, found: string | undefined): number | undefined {
  if (found !== undefined) return Number(found);
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

function tableOf(root: string, path: string): string[][] {
  return (readInRoot(root, path) ?? '').split('\n').filter((line) => line !== '').map((line) => line.trim().split(':'));
}
