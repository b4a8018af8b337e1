// configMap, secret, downwardAPI and projected volumes: files that follow the API's objects. All but configMaps are kept on tmpfs.
import { lchownSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Volume, VolumeProjection } from '../../../internal/kinds/generated/api-types.ts';
import { payloadStamp, writePayload } from './atomic-writer.ts';
import { applyFsGroupNow } from './ownership.ts';
import { configMapFiles, downwardFiles, secretFiles, tokenFiles, type Files } from './payload.ts';
import { volumeDirectory, type MountedVolume, type VolumeContext, type VolumeKind } from './volume.ts';

const DEFAULT_MODE = 0o644;

export const CONFIG_MAP: VolumeKind = {
  directory: 'configmap',
  matches: ({ configMap }) => configMap !== undefined,
  async mount({ name, configMap }, context) {
    const files = await configMapFiles(context, { name: configMap?.name ?? '', items: configMap?.items, optional: configMap?.optional }, configMap?.defaultMode ?? DEFAULT_MODE);
    const path = volumeDirectory(context.podDirectory, 'configmap', name);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return show(path, name, files, context);
  },
};

export const SECRET: VolumeKind = {
  directory: 'secret',
  matches: ({ secret }) => secret !== undefined,
  async mount({ name, secret }, context) {
    const files = await secretFiles(context, { name: secret?.secretName ?? '', items: secret?.items, optional: secret?.optional }, secret?.defaultMode ?? DEFAULT_MODE);
    return show(onTmpfs('secret', name, context), name, files, context);
  },
};

export const DOWNWARD_API: VolumeKind = {
  directory: 'downward-api',
  matches: ({ downwardAPI }) => downwardAPI !== undefined,
  async mount({ name, downwardAPI }, context) {
    return show(onTmpfs('downward-api', name, context), name, downwardFiles(context, downwardAPI?.items ?? [], downwardAPI?.defaultMode ?? DEFAULT_MODE), context);
  },
};

export const PROJECTED: VolumeKind = {
  directory: 'projected',
  matches: ({ projected }) => projected !== undefined,
  async mount({ name, projected }, context) {
    const all: Files = new Map();
    const refresh: number[] = [];
    for (const source of projected?.sources ?? []) {
      const { files, refreshAt } = await filesOf(source, context, projected?.defaultMode ?? DEFAULT_MODE);
      for (const [path, file] of files) all.set(path, file);
      if (refreshAt !== undefined) refresh.push(refreshAt);
    }
    const mounted = show(onTmpfs('projected', name, context), name, all, context);
    return refresh.length === 0 ? mounted : { ...mounted, refreshAt: Math.min(...refresh) };
  },
};

async function filesOf(source: VolumeProjection, context: VolumeContext, mode: number): Promise<{ files: Files; refreshAt?: number }> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) return { files: await configMapFiles(context, { ...configMap, name: configMap.name ?? '' }, mode) };
  if (secret !== undefined) return { files: await secretFiles(context, { ...secret, name: secret.name ?? '' }, mode) };
  if (downwardAPI !== undefined) return { files: downwardFiles(context, downwardAPI.items ?? [], mode) };
  if (serviceAccountToken !== undefined) return tokenFiles(context, serviceAccountToken, mode);
  throw new Error('projected volume source is not supported by this node');
}

function show(path: string, name: string, files: Files, { clock, fsGroup }: VolumeContext): MountedVolume {
  if (writePayload(path, files, payloadStamp(clock.now()), (directory) => applyFsGroupNow(directory, fsGroup, { readOnly: true }))) ownLinks(path, files, fsGroup);
  return { name, hostPath: path, readOnly: true };
}

/** The links that a container sees belong to whom their files do. */
function ownLinks(path: string, files: Files, fsGroup: number | undefined): void {
  for (const name of readdirSync(path)) if (lstatSync(join(path, name)).isSymbolicLink()) lchownSync(join(path, name), files.get(name)?.uid ?? 0, fsGroup ?? 0);
}

/** The files live on the node's one tmpfs (a mount for each volume would cost a process each); the usual place points there. */
function onTmpfs(kind: string, name: string, { podDirectory, memoryDirectory }: VolumeContext): string {
  const path = `${memoryDirectory}/${kind}/${name}`;
  const usual = volumeDirectory(podDirectory, kind, name);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  mkdirSync(dirname(usual), { recursive: true, mode: 0o755 });
  rmSync(usual, { force: true });
  symlinkSync(path, usual);
  return path;
}

export function followsObjects(volume: Volume): boolean {
  return volume.configMap !== undefined || volume.secret !== undefined || volume.downwardAPI !== undefined || volume.projected !== undefined;
}
