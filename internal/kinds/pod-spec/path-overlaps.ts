// Files of one volume that would lie in each other's place (upstream: pkg/api/pod).
import type { Volume, VolumeProjection } from '../generated/api-types.ts';

interface File { path: string; source: string }

export function overlapWarnings(volumes: readonly Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const say = (what: string, files: readonly File[]): string[] => overlapsOf(files).map((overlap) => `volume ${JSON.stringify(name)} (${what}): overlapping paths: ${overlap}`);
    return [
      ...say(`ConfigMap ${JSON.stringify(configMap?.name ?? '')}`, filesOf(configMap?.items, '')), ...say(`Secret ${JSON.stringify(secret?.secretName ?? '')}`, filesOf(secret?.items, '')), ...say('DownwardAPI', filesOf(downwardAPI?.items, '')),
      ...(projected?.sources ?? []).flatMap((source) => (Object.values(source).every((value) => value === undefined) ? [`volume ${JSON.stringify(name)} (Projected) has no sources provided`] : [])),
      ...say('Projected', (projected?.sources ?? []).flatMap(projectedFiles)),
    ];
  });
}

function filesOf(items: readonly { path: string }[] = [], source: string): File[] {
  return items.map(({ path }) => ({ path: path ?? '', source }));
}

function projectedFiles({ configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle, podCertificate: certificate }: VolumeProjection): File[] {
  if (configMap?.items !== undefined) return filesOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`);
  if (secret?.items !== undefined) return filesOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`);
  if (downwardAPI?.items !== undefined) return filesOf(downwardAPI.items, 'DownwardAPI');
  if (token !== undefined) return [{ path: token.path, source: 'ServiceAccountToken' }];
  if (bundle !== undefined) return [{ path: bundle.path, source: `ClusterTrustBundle ${JSON.stringify(bundle.name ?? bundle.signerName ?? '')}` }];
  const parts = [[certificate?.certificateChainPath, 'chain'], [certificate?.keyPath, 'key'], [certificate?.credentialBundlePath, 'credential bundle']] as const;
  return parts.flatMap(([path, what]) => (path ? [{ path, source: `PodCertificate ${what}` }] : []));
}

function overlapsOf(files: readonly File[]): string[] {
  const bare = files.map(({ path, source }) => ({ path: path.replace(/\/+$/, ''), source }));
  return bare.flatMap((file, index) => bare.slice(0, index).filter((other) => overlap(file, other)).map((other) => `${shown(file)} with ${shown(other)}`));
}

function overlap({ path: a }: File, { path: b }: File): boolean {
  return a !== '' && b !== '' && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`));
}

function shown({ path, source }: File): string {
  return source === '' ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`;
}
