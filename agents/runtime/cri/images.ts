// The images of a CRI runtime. Mirrors, rewrites and TLS of registries are its own configuration (containerd: certs.d); credentials that
// registries.yaml has for a registry are given along. The list is kept as it was last seen, since the port answers at once.
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { formatImageName, isImageId, parseImageName } from '../../images/image-name.ts';
import { ImageError, type Image, type ImageStore, type RegistryAuth } from '../../images/image-store.ts';
import type { RegistrySettings } from '../../images/registry-settings.ts';
import { isNotFound, unlessGone, type CriClient } from './client.ts';
import { CODE, GrpcError } from '../../grpc/client.ts';
import type { Message, Outgoing } from './messages.ts';

/** Others may pull and remove beside us. */
const ROUND_MS = 60_000;

export interface CriImagesOptions {
  client: CriClient;
  registries: RegistrySettings;
  clock: Clock;
}

export function createCriImages({ client, registries, clock }: CriImagesOptions): ImageStore {
  let images = new Map<string, Image>();
  let timer: { cancel(): void } | undefined;
  const refresh = async (): Promise<void> => {
    const { images: listed } = await client.call('listImages', {});
    images = new Map(listed.map((image) => [image.id, imageOf(image)]));
  };
  const round = (): void => {
    timer = clock.setTimer(ROUND_MS, () => void refresh().catch(() => {}).finally(round)); // the runtime's watch says what is wrong with it
  };
  const find = (image: string): Image | undefined => {
    if (isImageId(image)) return images.get(image);
    const name = formatImageName(parseImageName(image));
    return [...images.values()].find(({ tags, digests }) => tags.includes(name) || digests.includes(name));
  };
  return {
    async start() {
      await refresh();
      round();
    },
    stop() {
      timer?.cancel();
      return Promise.resolve();
    },
    find,
    list: () => [...images.values()],
    async pull(image, auth, signal) {
      const name = parseImageName(image);
      const { auth: own, bearer, refreshToken } = registries.configs[name.registry] ?? {};
      const nodes: Credentials[] = [...(own === undefined ? [] : [own]), ...(refreshToken === undefined ? [] : [{ identityToken: refreshToken }]), ...(bearer === undefined ? [] : [{ registryToken: bearer }])];
      const { id, used } = await pullWith(client, image, [...auth, ...nodes, undefined], signal);
      const given = auth.find((one) => one === used);
      const { image: pulled } = await client.call('imageStatus', { image: { image: id } });
      if (pulled === undefined) throw new ImageError('ImageInspectError', `image "${image}" was pulled as ${id} and is not here`);
      await refresh();
      return { ...images.get(pulled.id) ?? imageOf(pulled), ...(given !== undefined && { auth: given }) };
    },
    layers: () => [],
    release: () => {},
    async remove(image) {
      await unlessGone(client.call('removeImage', { image: { image } }));
      await refresh();
    },
  };
}

type Credentials = RegistryAuth | { registryToken: string } | { identityToken: string };

/** Credentials in turn; the last word is about the first that was refused. */
async function pullWith(client: CriClient, image: string, credentials: readonly (Credentials | undefined)[], signal?: AbortSignal): Promise<{ id: string; used: Credentials | undefined }> {
  let refused: unknown;
  for (const auth of credentials) {
    signal?.throwIfAborted();
    try {
      const request: Outgoing<'PullImageRequest'> = { image: { image }, ...(auth !== undefined && { auth }) };
      return { id: (await client.call('pullImage', request, signal === undefined ? {} : { signal })).imageRef, used: auth };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      refused ??= error;
      if (!isRefusal(error)) break;
    }
  }
  const down = refused instanceof GrpcError && refused.code === CODE.unavailable;
  throw new ImageError(down ? 'RegistryUnavailable' : 'ErrImagePull', messageOf(refused), { cause: refused });
}

function isRefusal(error: unknown): boolean {
  return !isNotFound(error) && /401|403|unauthorized|forbidden|denied|authorization/i.test(messageOf(error));
}

function imageOf({ id, repoTags, repoDigests, size, uid, username, pinned }: Message<'Image'>): Image {
  const user = uid === undefined ? username : String(uid.value);
  return { id, tags: repoTags, digests: repoDigests, sizeBytes: size, pinned, config: { entrypoint: [], cmd: [], env: [], workingDir: '', user: user === '0' && username !== '' ? username : user, volumes: [], labels: {} } };
}
