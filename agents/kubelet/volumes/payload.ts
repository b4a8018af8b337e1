// What configMap, secret, downwardAPI and serviceAccountToken sources put into a volume: pure but for the fetching of what they name.
import { CONFIGMAPS, SECRETS } from '../../../internal/kinds/generated/resources.ts';
import { notFound } from '../../../internal/base/errors.ts';
import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Secret, ServiceAccountTokenProjection } from '../../../internal/kinds/generated/api-types.ts';
import { fieldValue, resourceFieldValue } from '../environment/field-value.ts';
import { findContainer } from '../pod-spec.ts';
import type { ProjectedFile } from './atomic-writer.ts';
import { commonUser } from './ownership.ts';
import type { VolumeContext } from './volume.ts';

export interface KeySource {
  name: string;
  items?: readonly KeyToPath[] | undefined;
  optional?: boolean | undefined;
}
export type Files = Map<string, ProjectedFile>;

export async function configMapFiles({ pod, objects }: VolumeContext, source: KeySource, mode: number): Promise<Files> {
  const map = await objects.get(CONFIGMAPS, pod.metadata.namespace ?? '', source.name);
  if (map === undefined && source.optional !== true) throw notFound({ group: '', resource: 'configmap' }, source.name);
  return select(contentOf(map), source, mode, 'configmap references non-existent config key: ');
}

export async function secretFiles({ pod, objects }: VolumeContext, source: KeySource, mode: number): Promise<Files> {
  const secret = await objects.get(SECRETS, pod.metadata.namespace ?? '', source.name);
  if (secret === undefined && source.optional !== true) throw notFound({ group: '', resource: 'secret' }, source.name);
  return select(contentOfSecret(secret), source, mode, 'references non-existent secret key: ');
}

function contentOf(map: ConfigMap | undefined): Map<string, Uint8Array> {
  const text = Object.entries(map?.data ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value)]);
  const binary = Object.entries(map?.binaryData ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value, 'base64')]);
  return new Map([...text, ...binary]);
}

function contentOfSecret(secret: Secret | undefined): Map<string, Uint8Array> {
  return new Map(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

function select(content: Map<string, Uint8Array>, source: KeySource, defaultMode: number, complaint: string): Files {
  if (source.items === undefined || source.items.length === 0) return new Map([...content].map(([key, data]) => [key, { data, mode: defaultMode }]));
  const files: Files = new Map();
  for (const { key, path, mode } of source.items) {
    const data = content.get(key);
    if (data === undefined) {
      if (source.optional === true) continue;
      throw new Error(`${complaint}${key}`);
    }
    files.set(cleanPath(path), { data, mode: mode ?? defaultMode });
  }
  return files;
}

export function downwardFiles({ pod, fields }: VolumeContext, items: readonly DownwardAPIVolumeFile[], defaultMode: number): Files {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    const container = resourceFieldRef === undefined ? undefined : findContainer(pod, resourceFieldRef.containerName ?? '')?.spec;
    if (resourceFieldRef !== undefined && container === undefined) throw new Error(`container ${resourceFieldRef.containerName ?? ''} not found`);
    const value = fieldRef !== undefined ? fieldValue(fields, fieldRef) : resourceFieldRef !== undefined && container !== undefined ? resourceFieldValue(fields, container, resourceFieldRef) : '';
    files.set(cleanPath(path), { data: Buffer.from(value), mode: mode ?? defaultMode });
  }
  return files;
}

/** The token is its user's alone: 0600 when the pod says whose it is, by a common user or fsGroup (which then adds its bits). */
export async function tokenFiles(context: VolumeContext, projection: ServiceAccountTokenProjection, defaultMode: number): Promise<{ files: Files; refreshAt: number }> {
  const { token, refreshAt } = await context.tokens.tokenFor(context.pod, projection);
  const uid = commonUser(context.pod);
  const mode = uid !== undefined || context.fsGroup !== undefined ? 0o600 : defaultMode;
  return { files: new Map([[cleanPath(projection.path), { data: Buffer.from(token), mode, ...(uid !== undefined && { uid }) }]]), refreshAt };
}

/** Validation has refused what leaves the volume; this is the second lock. */
function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || path.startsWith('/') || parts[0]?.startsWith('..') === true) throw new Error(`invalid path: ${path}`);
  return parts.join('/');
}
