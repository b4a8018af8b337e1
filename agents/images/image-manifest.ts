// What an image consists of: from an index or a Docker list to this machine's manifest, its config and its layers. Pure but for reading.
import { hash } from 'node:crypto';
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

/** Entries of one architecture, best first: what this machine's processor runs, by its version where there are several. */
const VARIANTS: Readonly<Record<string, readonly (string | undefined)[]>> = { amd64: [undefined, 'v1'], arm64: ['v8', undefined], arm: ['v7', undefined, 'v6', 'v5'] };

/** The digest that a registry and an archive name these bytes by. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${hash('sha256', bytes)}`;
}

export function parseDocument(body: Buffer, what: string): unknown {
  try {
    const document = JSON.parse(body.toString()) as unknown;
    if (typeof document === 'object' && document !== null) return document;
  } catch { /* told below */ }
  throw new ImageError('ErrImagePull', `${what}: what the registry sent is no manifest: ${JSON.stringify(body.subarray(0, 100).toString())}`);
}

/** The entry of an index for this machine; undefined when the document is a manifest itself. */
export function chooseManifest(document: unknown, what: string, architecture = architectureOf(process.arch)): Descriptor | undefined {
  const { manifests } = document as { manifests?: Descriptor[] };
  if (!Array.isArray(manifests)) return undefined;
  const variants = VARIANTS[architecture] ?? [undefined];
  const rank = ({ platform }: Descriptor): number => {
    const at = variants.indexOf(platform?.variant === '' ? undefined : platform?.variant);
    return platform === undefined ? variants.length + 1 : at < 0 ? variants.length : at;
  };
  const fits = manifests.filter(({ platform }) => platform === undefined || (platform.os === 'linux' && platform.architecture === architecture));
  const [best] = fits.sort((a, b) => rank(a) - rank(b));
  if (best === undefined) throw new ImageError('ErrImagePull', `no match for platform in manifest: ${what} has nothing for linux/${architecture}: not found`);
  checkDigest(best.digest, what);
  return best;
}

/** Images may be of another system than the machine only by mistake: they would not run. */
function checkPlatform({ os, architecture }: { os?: string; architecture?: string }, what: string): void {
  const own = architectureOf(process.arch);
  if ((os ?? 'linux') === 'linux' && [own, undefined, ''].includes(architecture)) return;
  throw new ImageError('ErrImagePull', `no match for platform in manifest: ${what} is for ${os ?? 'linux'}/${architecture ?? ''}, this node is linux/${own}: not found`);
}

function architectureOf(arch: string): string {
  return arch === 'x64' ? 'amd64' : arch;
}

export function parseManifest(document: unknown, what: string): ImageManifest {
  const { config, layers, schemaVersion } = document as Partial<ImageManifest> & { schemaVersion?: number };
  if (schemaVersion === 1) throw new ImageError('ErrImagePull', `${what} has a manifest of Docker's schema 1, which is not supported (nor by other runtimes any more): push the image again with a current tool`);
  if (config?.digest === undefined || !Array.isArray(layers)) throw new ImageError('ErrImagePull', `${what} has no image manifest that is known (schema version ${String(schemaVersion)})`);
  for (const { digest } of [config, ...layers]) checkDigest(digest, what);
  const foreign = layers.find(({ mediaType = '' }) => /foreign|nondistributable/.test(mediaType));
  if (foreign !== undefined) throw new ImageError('ErrImagePull', `${what} has a layer that its registry does not give out: ${foreign.digest} is of type ${String(foreign.mediaType)}`);
  return { config, layers };
}

function checkDigest(digest: unknown, what: string): void {
  if (typeof digest !== 'string' || !DIGEST.test(digest)) throw new ImageError('ErrImagePull', `${what} names a digest that is none: ${JSON.stringify(digest)}`);
}

interface RawConfig {
  os?: string;
  architecture?: string;
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
  const { config: given, rootfs, ...platform } = parseDocument(bytes, what) as RawConfig;
  const config = given ?? {};
  checkPlatform(platform, what);
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
