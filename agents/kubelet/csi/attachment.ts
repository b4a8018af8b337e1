// A volume that its driver has to attach is attached by others (the controller, and the driver's own part beside it). The node says first that it uses the
// volume, and only then believes that it is attached: the controller takes the word back first, and only then looks who uses it. So neither can miss the other.
import { delay, type Clock } from '../../../internal/base/clock.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { Views } from '../../../internal/informer/view.ts';
import { attachmentName } from '../../../internal/kinds/storage/csi-names.ts';
import type { Node } from '../../../internal/kinds/generated/api-types.ts';
import { NODES, VOLUMEATTACHMENTS } from '../../../internal/kinds/generated/resources.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { CODE } from '../../grpc/error.ts';
import type { Device } from './devices.ts';

export interface AttachmentOptions {
  client: Client;
  views: Views;
  clock: Clock;
  nodeName: string;
}

/** Upstream's: two attempts of a driver. */
const PATIENCE_MS = 123_000;

/** Gives what the driver's controller said to hand on (publish context). */
export async function waitForAttachment({ driver, handle, name }: Device, signal: AbortSignal, options: AttachmentOptions): Promise<Record<string, string>> {
  const { client, views, clock, nodeName } = options;
  const view = views.of(NODES, { fieldSelector: `metadata.name=${nodeName}` });
  const isThere = ({ status }: Node): boolean => status?.volumesInUse?.includes(name) === true && status.volumesAttached?.some((attached) => attached.name === name) === true;
  const now = view.get('', nodeName);
  if (now === undefined || !isThere(now)) await seen(view.subscribe, { isThere, signal, clock });
  const id = attachmentName({ driver, handle, node: nodeName });
  const attachment = await client.get(VOLUMEATTACHMENTS, { namespace: '', name: id }).catch((error: unknown) => {
    throw new Error(`volume ${handle} has GET error for volume attachment ${id}: ${messageOf(error)}`, { cause: error });
  });
  if (attachment.metadata.deletionTimestamp !== undefined) throw new Error('volume attachment is being deleted');
  const { attached, attachError, attachmentMetadata = {} } = attachment.status ?? { attached: false };
  if (attached) return { ...attachmentMetadata };
  throw new Error(attachError?.message ?? `volume ${handle} is not attached for volume attachment ${id}`);
}

export class AttachTimeout extends Error {
  override readonly name = 'AttachTimeout';
}

/** Whether the driver's controller said that the node is full (gRPC's ResourceExhausted). */
export async function isNodeFull({ driver, handle }: Device, { client, nodeName }: AttachmentOptions): Promise<boolean> {
  const attachment = await client.get(VOLUMEATTACHMENTS, { namespace: '', name: attachmentName({ driver, handle, node: nodeName }) }).catch(() => undefined);
  return attachment?.status?.attachError?.errorCode === CODE.resourceExhausted;
}

async function seen(subscribe: (onChange: (change: { object: Node }) => void) => () => void, { isThere, signal, clock }: { isThere(node: Node): boolean; signal: AbortSignal; clock: Clock }): Promise<void> {
  let end = (): void => {};
  const { promise: attached, resolve } = Promise.withResolvers<'attached'>();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error('the pod is going'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const patience = new AbortController();
  try {
    end = subscribe(({ object }) => { if (isThere(object)) resolve('attached'); });
    const outcome = await Promise.race([attached, aborted, delay(clock, PATIENCE_MS, patience.signal)]);
    if (outcome !== 'attached') throw new AttachTimeout('timed out waiting for the volume to be attached');
  } finally {
    end();
    patience.abort();
    signal.removeEventListener('abort', abort);
  }
}
