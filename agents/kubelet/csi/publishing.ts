// What a driver is told when it publishes a volume to a pod, beyond the volume itself: secrets, who the pod is, tokens in the pod's name; as the driver's
// CSIDriver object asks for (upstream: pkg/volume/csi/csi_mounter.go).
import { quantityValue } from '../../../internal/api/quantity.ts';
import type { CSIDriver, PersistentVolume, Pod, SecretReference } from '../../../internal/kinds/generated/api-types.ts';
import { CSIDRIVERS, SECRETS } from '../../../internal/kinds/generated/resources.ts';
import type { ObjectSource } from '../objects.ts';
import type { TokenSource } from '../volumes/token-source.ts';
import type { Driver } from './driver.ts';

export type LifecycleMode = 'Persistent' | 'Ephemeral';

/** A driver may have no such object: then everything is at its default. */
export function driverObject(objects: ObjectSource, name: string): Promise<CSIDriver | undefined> {
  return objects.get(CSIDRIVERS, '', name);
}

export function isAttachable(object: CSIDriver | undefined): boolean {
  return object?.spec.attachRequired !== false;
}

export async function secretValues(objects: ObjectSource, reference: SecretReference | undefined, what: string): Promise<Record<string, string>> {
  if (reference === undefined) return {};
  const { namespace = '', name = '' } = reference;
  const secret = await objects.get(SECRETS, namespace, name);
  if (secret === undefined) throw new Error(`fetching ${what} ${namespace}/${name} failed: kubernetes.io/csi: failed to find the secret ${name} in the namespace ${namespace} with error: secrets ${JSON.stringify(name)} not found`);
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

export interface Asked {
  context: Record<string, string>;
  secrets: Record<string, string>;
}

/** Adds what the driver asks for to what the volume says. */
export async function withPodInfo(asked: Asked, { object, pod, mode, tokens }: { object: CSIDriver | undefined; pod: Pod; mode: LifecycleMode; tokens: TokenSource }): Promise<Asked> {
  const info = object?.spec.podInfoOnMount === true ? podInfo(pod, mode) : {};
  const issued = await serviceAccountTokens(object, pod, tokens);
  const inSecrets = object?.spec.serviceAccountTokenInSecrets === true;
  return { context: { ...asked.context, ...info, ...(!inSecrets && issued) }, secrets: { ...asked.secrets, ...(inSecrets && issued) } };
}

function podInfo({ metadata, spec }: Pod, mode: LifecycleMode): Record<string, string> {
  return {
    'csi.storage.k8s.io/pod.name': metadata.name, 'csi.storage.k8s.io/pod.namespace': metadata.namespace ?? '', 'csi.storage.k8s.io/pod.uid': metadata.uid,
    'csi.storage.k8s.io/serviceAccount.name': spec.serviceAccountName ?? '', 'csi.storage.k8s.io/ephemeral': String(mode === 'Ephemeral'),
  };
}

async function serviceAccountTokens(object: CSIDriver | undefined, pod: Pod, tokens: TokenSource): Promise<Record<string, string>> {
  const { tokenRequests = [] } = object?.spec ?? {};
  if (tokenRequests.length === 0) return {};
  const all: Record<string, { token: string; expirationTimestamp: string }> = {};
  for (const { audience, expirationSeconds } of tokenRequests) {
    const { token, expirationTimestamp } = await tokens.tokenFor(pod, { path: '', audience, ...(expirationSeconds !== undefined && { expirationSeconds }) });
    all[audience] = { token, expirationTimestamp };
  }
  return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(all) };
}

export function checkMode(object: CSIDriver | undefined, mode: LifecycleMode, driver: string): void {
  if (object === undefined && mode === 'Persistent') return;
  if (object === undefined) throw new Error(`kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "${mode}" not supported by driver ${driver} (no CSIDriver object)`);
  const { volumeLifecycleModes = ['Persistent'] } = object.spec;
  if (!volumeLifecycleModes.includes(mode)) throw new Error(`kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "${mode}" not supported by driver ${driver} (only supports [${volumeLifecycleModes.map((each) => JSON.stringify(each)).join(' ')}])`);
}

/** Whether the node is to hand the files to the pod's group: drivers that do it themselves, and those that want nobody to, are left alone. */
export async function ownsByGroup(driver: Driver, { object, volume, fsType, readOnly }: { object: CSIDriver | undefined; volume: PersistentVolume | undefined; fsType: string; readOnly: boolean }): Promise<boolean> {
  const { fsGroupPolicy = 'ReadWriteOnceWithFSType' } = object?.spec ?? {};
  if (readOnly || fsGroupPolicy === 'None' || (await driver.can('volumeMountGroup'))) return false;
  if (fsGroupPolicy === 'File') return true;
  if (fsType === '') return false;
  return volume === undefined || volume.spec.accessModes?.some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod') === true;
}

export function capacityOf({ spec }: PersistentVolume): number {
  return quantityValue(spec.capacity?.['storage'] ?? '0');
}
