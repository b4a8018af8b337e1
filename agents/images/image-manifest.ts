// What an image consists of: from an index or a Docker list to this machine's manifest, its config and its layers. Pure but for reading.
import { ImageError, type ImageConfig } from './image-store.ts';

/** Digests become names of folders: what a registry or an archive says is one has to be. */
const DIGEST = /^sha256:[a-f0-9]{64}$/;

export interface Descriptor {
  mediaType?: string;
  digest: string;
  size?: number;
  platform?: { os?: string; architecture?: string; variant?: string };
  annotations?: Record<string, string>;
}

export interface ImageManifest {
  config: Descriptor;
  layers: Descriptor[];
}

export interface ParsedConfig {
  config: ImageConfig;
  diffIds: string[];
}

/** The entry of an index for this machine; undefined when the document is a manifest itself. */
export function chooseManifest(document: unknown, what: string): Descriptor | undefined {
  const { manifests } = document as { manifests?: Descriptor[] };
  if (manifests === undefined) return undefined;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const fits = manifests.filter(({ platform }) => platform === undefined || (platform.os === 'linux' && platform.architecture === architecture));
  const best = fits.find(({ platform }) => platform !== undefined && [undefined, '', 'v8'].includes(platform.variant)) ?? fits[0];
  if (best !== undefined) checkDigest(best.digest, what);
  if (best === undefined) throw new ImageError('ErrImagePull', `no match for platform in manifest: ${what} has nothing for linux/${architecture}`);
  return best;
}

export function parseManifest(document: unknown, what: string): ImageManifest {
  const { config, layers, schemaVersion } = document as Partial<ImageManifest> & { schemaVersion?: number };
  if (config?.digest === undefined || !Array.isArray(layers)) throw new ImageError('ErrImagePull', `${what} has no image manifest that is known (schema version ${String(schemaVersion)})`);
  for (const { digest } of [config, ...layers]) checkDigest(digest, what);
  return { config, layers };
}

function checkDigest(digest: unknown, what: string): void {
  if (typeof digest !== 'string' || !DIGEST.test(digest)) throw new ImageError('ErrImagePull', `${what} names a digest that is none: ${JSON.stringify(digest)}`);
}

interface RawConfig {
  config?: {
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    Env?: string[] | null;
    WorkingDir?: string;
    User?: string;
    StopSignal?: string;
    Volumes?: Record<string, unknown> | null;
    Labels?: Record<string, string> | null;
  };
  rootfs?: { diff_ids?: string[] };
}

export function parseImageConfig(bytes: Buffer, what: string): ParsedConfig {
  const { config = {}, rootfs } = JSON.parse(bytes.toString()) as RawConfig;
  if (!Array.isArray(rootfs?.diff_ids)) throw new ImageError('ErrImagePull', `${what} is not a container image: its config lists no layers`);
  for (const diffId of rootfs.diff_ids) checkDigest(diffId, what);
  return {
    diffIds: rootfs.diff_ids,
    config: {
      entrypoint: config.Entrypoint ?? [],
      cmd: config.Cmd ?? [],
      env: config.Env ?? [],
      workingDir: config.WorkingDir ?? '',
      user: config.User ?? '',
      ...(config.StopSignal !== undefined && config.StopSignal !== '' && { stopSignal: config.StopSignal }),
      volumes: Object.keys(config.Volumes ?? {}),
      labels: config.Labels ?? {},
    },
  };
}
