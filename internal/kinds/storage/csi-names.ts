// Names that control plane, nodes and drivers' own parts make from a CSI volume, each by itself, so that they must be the same everywhere (upstream: pkg/volume/csi).
import { hash } from 'node:crypto';

/** In Node.status: volumesInUse, volumesAttached. */
export function attachedVolumeName(driver: string, handle: string): string {
  return `kubernetes.io/csi/${driver}^${handle}`;
}

/** Of the VolumeAttachment. */
export function attachmentName({ driver, handle, node }: { driver: string; handle: string; node: string }): string {
  return `csi-${hash('sha256', `${handle}${driver}${node}`)}`;
}

/** What `attachmentName` gives, of whatever volume. */
export const ATTACHMENT_NAME = /^csi-[0-9a-f]{64}$/;

/** The handle of a volume that a pod brings with it. */
export function inlineHandle(podUid: string, volume: string): string {
  return `csi-${hash('sha256', `${podUid}${volume}`)}`;
}
