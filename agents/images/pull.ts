// One pull: from a name to a listed image. What the registry says is checked before it is believed; layers come some at a time.
import { createLimit } from '../../internal/base/limit.ts';
import type { Clock } from '../../internal/base/clock.ts';
import { chooseManifest, digestOf, parseDocument, parseImageConfig, parseManifest, type Descriptor, type ImageManifest } from './image-manifest.ts';
import { formatImageName, repositoryOf, type ImageName } from './image-name.ts';
import { ImageError, type PulledImage } from './image-store.ts';
import type { KeptBlobs } from './kept-blobs.ts';
import type { LayerStore } from './layer-store.ts';
import { createRepositoryClient, type RepositoryClient } from './registry-client.ts';
import { endpointsOf, type RegistrySettings } from './registry-settings.ts';
import type { PullWork } from './shared-pulls.ts';
import type { Shelf } from './shelf.ts';

const CONFIG_BYTES_MAX = 8 << 20;
const LAYERS_AT_ONCE = 3;
const INDEX_DEPTH_MAX = 4;

export interface PullOptions extends PullWork {
  registries: RegistrySettings;
  layers: LayerStore;
  blobs: KeptBlobs;
  shelf: Shelf;
  clock: Clock;
  idleTimeoutMs?: number;
}

export async function pullImage(name: ImageName, options: PullOptions): Promise<PulledImage> {
  const what = formatImageName(name);
  try {
    const client = createRepositoryClient({ ...options, endpoints: endpointsOf(options.registries, name.registry, name.repository), auths: options.auth });
    const { digest, manifest: { config, layers } } = await resolve(client, name, what);
    const parsed = await readConfig(client, config, what);
    if (layers.length !== parsed.diffIds.length) throw new ImageError('ErrImagePull', `${what} has ${String(layers.length)} layers and ${String(parsed.diffIds.length)} layer digests`);
    const count = counterOf(layers.filter((_, at) => !options.layers.has(parsed.diffIds[at] ?? '')), options.progress);
    const turn = createLimit(LAYERS_AT_ONCE);
    const sources = layers.map((layer, at) => {
      const blob = options.blobs.source(layer, (offset) => client.blob(layer, offset));
      return { digest: layer.digest, diffId: parsed.diffIds[at] ?? '', turn, open: () => count(blob.open()), whole: () => blob.whole(), settle: (used: boolean) => blob.settle(used) };
    });
    const tags = name.digest === undefined ? [what] : [];
    const image = await options.shelf.put({ id: config.digest, ...parsed, tags, digests: [`${repositoryOf(name)}@${digest}`], pinned: false }, sources);
    const auth = client.accepted();
    return { ...image, ...(auth !== undefined && { auth }) };
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason as Error;
    const reason = error instanceof ImageError ? error.reason : 'ErrImagePull';
    throw new ImageError(reason, `failed to pull and unpack image "${what}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** From what the tag points to down to this machine's manifest; indexes may stand in indexes. */
async function resolve(client: RepositoryClient, name: ImageName, what: string): Promise<{ digest: string; manifest: ImageManifest }> {
  const top = await client.manifest(name.digest ?? name.tag ?? 'latest');
  let document = parseDocument(top.body, what);
  for (let depth = 0; ; depth++) {
    const chosen = chooseManifest(document, what);
    if (chosen === undefined) return { digest: top.digest, manifest: parseManifest(document, what) };
    if (depth >= INDEX_DEPTH_MAX) throw new ImageError('ErrImagePull', `${what} has more than ${String(INDEX_DEPTH_MAX)} indexes in each other`);
    document = parseDocument((await client.manifest(chosen.digest)).body, what);
  }
}

/** Tells how much of all has come, as it comes. */
function counterOf(layers: readonly Descriptor[], progress: PullWork['progress']): (blob: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  const totalBytes = layers.reduce((sum, { size = 0 }) => sum + size, 0);
  let doneBytes = 0;
  return async function* count(blob) {
    for await (const chunk of blob) {
      doneBytes += chunk.length;
      progress({ doneBytes, totalBytes });
      yield chunk;
    }
  };
}

async function readConfig(client: RepositoryClient, config: Descriptor, what: string): Promise<ReturnType<typeof parseImageConfig>> {
  const chunks: Buffer[] = [];
  for await (const chunk of client.blob({ ...config, size: Math.min(config.size ?? Infinity, CONFIG_BYTES_MAX) })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const digest = digestOf(bytes);
  if (digest !== config.digest) throw new ImageError('ErrImagePull', `config ${config.digest} of ${what} arrived with digest ${digest}`);
  return parseImageConfig(bytes, what);
}
