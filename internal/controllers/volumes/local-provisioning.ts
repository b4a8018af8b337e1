// Local volumes, made: a claim of our provisioner for which the scheduler has chosen a node gets a folder there (the node's kubelet makes it), and then
// a PersistentVolume that leads to it, so that one never stands without the other.
import { messageOf } from '../../base/errors.ts';
import { copy, parseKey, type Draft } from '../../api/meta.ts';
import type { KubeletCalls } from '../../api/kubelet-calls.ts';
import { wake, type Acting, type Plan } from '../../informer/loop.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/api-types.ts';
import { NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES } from '../../kinds/generated/resources.ts';
import { LOCAL_PROVISIONER } from '../../kinds/storage/local-storage.ts';
import { classNameOf, VOLUME_ANNOTATION } from '../../kinds/core/volume-binding.ts';
import type { ControllerLoop } from '../action.ts';
import { claimKey } from './claim-use.ts';

export interface ProvisioningState {
  claim: PersistentVolumeClaim;
  storageClass: StorageClass | undefined;
  /** The one that was chosen, if it is there. */
  node: Node | undefined;
  isMade: boolean;
}

export type ProvisioningAction =
  | { type: 'make'; claim: PersistentVolumeClaim; node: string; folder: string; volume: Draft<PersistentVolume> }
  /** The scheduler is to choose another node. */
  | { type: 'reschedule'; claim: PersistentVolumeClaim }
  | { type: 'refuse'; claim: PersistentVolumeClaim; message: string };

/** On volumes of the Delete policy: nobody deletes one whose folder is still there. External provisioners' own name for it. */
export const FOLDER_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';
const NAME_MAX = 255;
const TIMEOUT_MS = 30_000;

export function localProvisioningLoop(kubelets: KubeletCalls): ControllerLoop<ProvisioningState, ProvisioningAction> {
  return {
    name: 'local-path-provisioner',
    user: 'system:serviceaccount:kube-system:persistent-volume-binder',
    wakes: [wake(PERSISTENTVOLUMECLAIMS, (claim) => (isOurs(claim) ? [claimKey(claim)] : []))],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const claim = views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name);
      if (claim === undefined || !isOurs(claim)) return undefined;
      const chosen = claim.metadata.annotations?.[VOLUME_ANNOTATION.selectedNode] ?? '';
      return { claim, storageClass: views.of(STORAGECLASSES).get('', classNameOf(claim)), node: views.of(NODES).get('', chosen), isMade: views.of(PERSISTENTVOLUMES).get('', volumeName(claim)) !== undefined };
    },
    plan,
    act: (action, acting) => act(action, acting, kubelets),
  };
}

function isOurs({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (spec.volumeName ?? '') === '' && metadata.deletionTimestamp === undefined && metadata.annotations?.[VOLUME_ANNOTATION.provisioner] === LOCAL_PROVISIONER;
}

export function plan({ claim, storageClass, node, isMade }: ProvisioningState): Plan<ProvisioningAction> {
  if (isMade || storageClass?.provisioner !== LOCAL_PROVISIONER) return { actions: [] };
  const wrong = problemOf(claim);
  if (wrong !== undefined) return { actions: [{ type: 'refuse', claim, message: wrong }] };
  if (node === undefined) return { actions: [{ type: 'reschedule', claim }] };
  const folder = folderName(claim);
  return { actions: [{ type: 'make', claim, node: node.metadata.name, folder, volume: volumeOf(claim, storageClass, node) }] };
}

function problemOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  if (metadata.annotations?.[VOLUME_ANNOTATION.selectedNode] === undefined) return `no node was chosen: a StorageClass of ${LOCAL_PROVISIONER} needs volumeBindingMode WaitForFirstConsumer, as folders are made on the node where the pod goes`;
  if (spec.volumeMode === 'Block') return 'local folders are no block devices: volumeMode Block is not supported';
  const shared = (spec.accessModes ?? []).filter((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod');
  if (shared.length > 0) return `local folders are of one node: accessModes ${shared.join(', ')} not supported, only ReadWriteOnce and ReadWriteOncePod`;
  return spec.selector === undefined ? undefined : 'claim Selector is not supported';
}

function volumeName({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}

/** Found by people: which volume, and whose. */
function folderName(claim: PersistentVolumeClaim): string {
  return `${volumeName(claim)}_${claim.metadata.namespace ?? ''}_${claim.metadata.name}`.slice(0, NAME_MAX);
}

/** Without its path, which the node gives. */
function volumeOf(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): Draft<PersistentVolume> {
  const { namespace = '', name, uid, resourceVersion } = claim.metadata;
  const hostname = node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name;
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  return {
    apiVersion: 'v1', kind: 'PersistentVolume',
    metadata: {
      name: volumeName(claim), annotations: { [VOLUME_ANNOTATION.provisionedBy]: LOCAL_PROVISIONER, 'local.path.provisioner/selected-node': node.metadata.name },
      ...(policy === 'Delete' && { finalizers: [FOLDER_FINALIZER] }),
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '0' }, accessModes: [...(claim.spec.accessModes ?? [])], volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: policy, storageClassName: classNameOf(claim), ...(storageClass.mountOptions !== undefined && { mountOptions: [...storageClass.mountOptions] }),
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] }] } },
    },
  };
}

async function act(action: ProvisioningAction, acting: Acting, kubelets: KubeletCalls): Promise<void> {
  const { claim } = action;
  if (action.type === 'refuse') return acting.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass ${JSON.stringify(classNameOf(claim))}: ${action.message}`);
  if (action.type === 'reschedule') {
    const next = copy(claim);
    delete next.metadata.annotations?.[VOLUME_ANNOTATION.selectedNode];
    await acting.client.update(PERSISTENTVOLUMECLAIMS, next);
    return;
  }
  try {
    acting.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim ${JSON.stringify(claimKey(claim))}`);
    const path = await kubelets.call(action.node, { method: 'PUT', path: `/localVolumes/${encodeURIComponent(action.folder)}`, timeoutMs: TIMEOUT_MS });
    const { volume } = action;
    await acting.client.create(PERSISTENTVOLUMES, { ...volume, spec: { ...volume.spec, local: { path } } });
    acting.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName(claim)}`);
  } catch (error) {
    acting.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass ${JSON.stringify(classNameOf(claim))}: node ${action.node}: ${messageOf(error)}`);
    throw error;
  }
}
