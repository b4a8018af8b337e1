// The image of a container (or of an image volume): there already, or pulled as its policy says, with the pod's pull secrets. Failed pulls
// back off as restarts do, for each pod and image.
import { formatDuration } from '../../../internal/api/duration.ts';
import type { Container, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { SECRETS } from '../../../internal/kinds/generated/resources.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { ImageError, type Image, type PullProgress, type RegistryAuth } from '../../images/image-store.ts';
import type { NodeContext } from '../node-context.ts';
import { BACKOFF_INITIAL_MS, BACKOFF_MAX_MS } from '../plan.ts';
import { StartError } from '../start-error.ts';
import { credentialsIn } from './pull-secrets.ts';

const PROGRESS_EVERY_MS = 30_000;

export interface PullBackOff {
  durationMs: number;
  until: number;
  /** `ErrImagePull: …` of the last attempt. */
  last: string;
}

export interface ImageRequest {
  pod: Pod;
  /** Empty for an image volume. */
  container: string;
  image: string;
  policy: Container['imagePullPolicy'];
  backOffs: Map<string, PullBackOff>;
  signal: AbortSignal;
}

export async function ensureImage(request: ImageRequest, node: NodeContext): Promise<Image> {
  const { pod, image, container } = request;
  const policy = request.policy ?? 'IfNotPresent';
  const present = policy === 'Always' ? undefined : node.images.find(image);
  if (present !== undefined) {
    node.imageUsed(present);
    node.event(pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`, container);
    return present;
  }
  if (policy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    node.event(pod, 'Warning', 'ErrImageNeverPull', message, container);
    throw new StartError('ErrImageNeverPull', message);
  }
  const backOff = request.backOffs.get(image);
  if (backOff !== undefined && node.clock.now() < backOff.until) {
    const message = `Back-off pulling image "${image}"`;
    node.event(pod, 'Normal', 'BackOff', message, container);
    throw new StartError('ImagePullBackOff', `${message}: ${backOff.last}`);
  }
  return pull(request, node);
}

async function pull(request: ImageRequest, node: NodeContext): Promise<Image> {
  const { pod, image, container, signal, backOffs } = request;
  node.event(pod, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
  const begun = node.clock.monotonicMs();
  const progress = tellProgress(request, node);
  try {
    const pulled = await node.images.pull(image, await credentialsFor(pod, image, node), signal, progress.seen);
    node.imageUsed(pulled);
    const took = formatDuration(Math.round(node.clock.monotonicMs() - begun));
    node.event(pod, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${String(pulled.sizeBytes)} bytes.`, container);
    backOffs.delete(image);
    return pulled;
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof ImageError ? error.reason : 'ErrImagePull';
    if (reason === 'InvalidImageName') {
      const message = `Failed to apply default image tag "${image}": ${messageOf(error)}`;
      node.event(pod, 'Warning', 'InspectFailed', message, container);
      throw new StartError(reason, message, { cause: error });
    }
    node.event(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${messageOf(error)}`, container);
    const durationMs = Math.min((backOffs.get(image)?.durationMs ?? BACKOFF_INITIAL_MS / 2) * 2, BACKOFF_MAX_MS);
    backOffs.set(image, { durationMs, until: node.clock.now() + durationMs, last: `${reason}: ${messageOf(error)}` });
    throw new StartError(reason, messageOf(error), { cause: error });
  } finally {
    progress.end();
  }
}

/** Events while a pull takes long: how much has come. One that has stopped coming says nothing new. */
function tellProgress({ pod, image, container }: ImageRequest, node: NodeContext): { seen(progress: PullProgress): void; end(): void } {
  let [now, told]: [PullProgress, number] = [{ doneBytes: 0, totalBytes: 0 }, 0];
  const tell = (): void => {
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
    if (now.doneBytes > told) node.event(pod, 'Normal', 'Pulling', `Pulling image "${image}": ${megabytes(now.doneBytes)} of ${megabytes(now.totalBytes)} MB`, container);
    told = now.doneBytes;
    timer = node.clock.setTimer(PROGRESS_EVERY_MS, tell);
  };
  let timer = node.clock.setTimer(PROGRESS_EVERY_MS, tell);
  return { seen: (progress) => { now = progress; }, end: () => timer.cancel() };
}

/** What the pod's pull secrets hold for the image's registry. */
async function credentialsFor(pod: Pod, image: string, { objects }: NodeContext): Promise<RegistryAuth[]> {
  const texts: string[] = [];
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    const secret = await objects.get(SECRETS, pod.metadata.namespace ?? '', name);
    const text = secret?.data?.['.dockerconfigjson'] ?? secret?.data?.['.dockercfg'];
    if (text !== undefined) texts.push(Buffer.from(text, 'base64').toString());
  }
  return texts.length === 0 ? [] : credentialsIn(texts, image);
}
