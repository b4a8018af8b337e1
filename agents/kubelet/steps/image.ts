// The image of a container (or of an image volume): there already, or pulled as its policy says, with the pod's pull secrets. Failed pulls
// back off as restarts do, for each pod and image.
import { formatDuration } from '../../../internal/api/duration.ts';
import type { Container, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { parseImageName } from '../../images/image-name.ts';
import { ImageError, type Image, type PullProgress } from '../../images/image-store.ts';
import type { NodeContext } from '../node-context.ts';
import { BACKOFF_INITIAL_MS, BACKOFF_MAX_MS } from '../pod-state.ts';
import { credentialsFor } from '../pulling/credentials.ts';
import type { FoundCredential } from '../pulling/pull-secrets.ts';
import { StartError } from '../start-error.ts';
import { sizeLabel } from '../stats/counts.ts';

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

/** Nothing is to be pulled. */
export function isPresent({ image = '', imagePullPolicy }: Pick<Container, 'image' | 'imagePullPolicy'>, { images }: Pick<NodeContext, 'images'>): boolean {
  return imagePullPolicy !== 'Always' && isName(image) && images.find(image) !== undefined;
}

function isName(image: string): boolean {
  try {
    parseImageName(image);
    return true;
  } catch {
    return false; // ensureImage says what is wrong with it
  }
}

export async function ensureImage(request: ImageRequest, node: NodeContext): Promise<Image> {
  const { pod, image, container } = request;
  const policy = request.policy ?? 'IfNotPresent';
  checkName(request, node);
  const present = policy === 'Always' ? undefined : node.images.find(image);
  const credentials = once(() => credentialsFor(pod, image, node));
  if (present !== undefined && (await node.pullRecords.mayUse(image, present.id, credentials))) {
    node.imageUsed(present);
    node.event(pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`, container);
    return present;
  }
  // Nor is one told that an image is here which is not for it.
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
  return pull(request, await credentials(), node);
}

function checkName({ pod, image, container }: ImageRequest, node: NodeContext): void {
  try {
    parseImageName(image);
  } catch (error) {
    const message = `Failed to apply default image tag "${image}": ${messageOf(error)}`;
    node.event(pod, 'Warning', 'InspectFailed', message, container);
    throw new StartError('InvalidImageName', message, { cause: error });
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}

async function pull(request: ImageRequest, credentials: readonly FoundCredential[], node: NodeContext): Promise<Image> {
  const { pod, image, container, signal, backOffs } = request;
  node.event(pod, 'Normal', 'Pulling', `Pulling image "${image}"`, container);
  const begun = node.clock.monotonicMs();
  const progress = tellProgress(request, node);
  const recorded = node.pullRecords.pulling(image);
  try {
    const { pulled, tookMs } = await node.pullTurn(async () => {
      signal.throwIfAborted();
      const turnBegun = node.clock.monotonicMs();
      const auths = credentials.map(({ username, password }) => ({ username, password }));
      const pulled = await countedPull(() => node.images.pull(image, auths, signal, progress.seen), node);
      return { pulled, tookMs: node.clock.monotonicMs() - turnBegun };
    });
    recorded({ id: pulled.id, with: credentials.find(({ username, password }) => username === pulled.auth?.username && password === pulled.auth.password) });
    node.imageUsed(pulled);
    node.counts.observe('kubelet_image_pull_duration_seconds', tookMs / 1000, { image_size_in_bytes: sizeLabel(pulled.sizeBytes) });
    const [took, withWaiting] = [tookMs, node.clock.monotonicMs() - begun].map((ms) => formatDuration(Math.trunc(ms)));
    node.event(pod, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${String(took)} (${String(withWaiting)} including waiting). Image size: ${String(pulled.sizeBytes)} bytes.`, container);
    backOffs.delete(image);
    return pulled;
  } catch (error) {
    recorded();
    signal.throwIfAborted();
    const reason = error instanceof ImageError ? error.reason : 'ErrImagePull';
    node.event(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${reason === 'RegistryUnavailable' ? 'RegistryUnavailable: ' : ''}${messageOf(error)}`, container);
    const durationMs = Math.min((backOffs.get(image)?.durationMs ?? BACKOFF_INITIAL_MS / 2) * 2, BACKOFF_MAX_MS);
    const message = reason === 'RegistryUnavailable' ? `image pull failed for ${image} because the registry is unavailable: ${messageOf(error)}` : messageOf(error);
    backOffs.set(image, { durationMs, until: node.clock.now() + durationMs, last: `${reason}: ${message}` });
    throw new StartError(reason, message, { cause: error });
  } finally {
    progress.end();
  }
}

function countedPull<T>(work: () => Promise<T>, { counts }: NodeContext): Promise<T> {
  const labels = { operation_type: 'pull_image' };
  counts.count('kubelet_runtime_operations_total', labels);
  return counts.time('kubelet_runtime_operations_duration_seconds', labels, work).catch((error: unknown) => {
    counts.count('kubelet_runtime_operations_errors_total', labels);
    throw error;
  });
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
