// Local volumes, given back: when the claim has gone and the policy is Delete, the node's kubelet removes the folder, and only then the PersistentVolume
// goes. While the node is away it stays, and is tried again as soon as the node is back. Of a node that is no longer in the cluster nothing can be
// removed: what lies on its disk is left to whoever has the disk.
import { messageOf } from '../../base/errors.ts';
import { copy } from '../../api/meta.ts';
import type { KubeletCalls } from '../../api/kubelet-calls.ts';
import { wake, type Acting, type Plan } from '../../informer/loop.ts';
import type { Index, Views } from '../../informer/view.ts';
import type { Node, PersistentVolume } from '../../kinds/generated/api-types.ts';
import { NODES, PERSISTENTVOLUMES } from '../../kinds/generated/resources.ts';
import { LOCAL_PROVISIONER } from '../../kinds/storage/local-storage.ts';
import { VOLUME_ANNOTATION } from '../../kinds/core/volume-binding.ts';
import type { ControllerLoop } from '../action.ts';
import { FOLDER_FINALIZER } from './local-provisioning.ts';

export interface ReclaimingState {
  volume: PersistentVolume;
  /** Where the folder is; undefined when no such node is in the cluster. */
  node: Node | undefined;
}

export type ReclaimingAction =
  | { type: 'removeFolder'; volume: PersistentVolume; node: string; path: string }
  | { type: 'letGo'; volume: PersistentVolume }
  | { type: 'delete'; volume: PersistentVolume };

/** A folder may be deep. */
const TIMEOUT_MS = 600_000;
const BY_HOSTNAME: Index<Node> = { name: 'hostname', values: ({ metadata }) => [metadata.labels?.['kubernetes.io/hostname'] ?? metadata.name] };

export function localReclaimingLoop(kubelets: KubeletCalls): ControllerLoop<ReclaimingState, ReclaimingAction> {
  return {
    name: 'local-path-provisioner',
    user: 'system:serviceaccount:kube-system:persistent-volume-binder',
    wakes: [
      wake(PERSISTENTVOLUMES, (volume) => (isGoing(volume) ? [volume.metadata.name] : [])),
      wake(NODES, (node, views, previous) => (isReady(node) && (previous === undefined || !isReady(previous)) ? goingOn(node, views) : [])),
    ],
    observe(name, views) {
      const volume = views.of(PERSISTENTVOLUMES).get('', name);
      if (volume === undefined || !isGoing(volume)) return undefined;
      return { volume, node: views.of(NODES).by(BY_HOSTNAME, hostnameOf(volume))[0] };
    },
    plan,
    act: (action, acting) => act(action, acting, kubelets),
  };
}

/** Whether its claim has gone, and with it the use of it. */
function isGoing({ metadata, status }: PersistentVolume): boolean {
  if (metadata.annotations?.[VOLUME_ANNOTATION.provisionedBy] !== LOCAL_PROVISIONER || status?.phase === 'Bound') return false;
  return metadata.deletionTimestamp !== undefined || status?.phase === 'Released' || status?.phase === 'Failed';
}

function goingOn(node: Node, views: Views): string[] {
  const hostnames = BY_HOSTNAME.values(node);
  return views.of(PERSISTENTVOLUMES).list().filter((volume) => isGoing(volume) && hostnames.includes(hostnameOf(volume))).map(({ metadata }) => metadata.name);
}

function hostnameOf({ spec }: PersistentVolume): string {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchExpressions = [] }) => matchExpressions).find(({ key }) => key === 'kubernetes.io/hostname')?.values?.[0] ?? '';
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}

export function plan({ volume, node }: ReclaimingState): Plan<ReclaimingAction> {
  const isHeld = volume.metadata.finalizers?.includes(FOLDER_FINALIZER) === true;
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return { actions: isHeld ? [{ type: 'letGo', volume }] : [] };
  const path = volume.spec.local?.path ?? volume.spec.hostPath?.path;
  const isThere = node !== undefined && path !== undefined && (isHeld || volume.metadata.deletionTimestamp === undefined);
  if (!isHeld && volume.metadata.deletionTimestamp !== undefined) return { actions: [] };
  return {
    actions: [
      ...(isThere ? [{ type: 'removeFolder', volume, node: node.metadata.name, path } as const] : []),
      ...(volume.metadata.deletionTimestamp === undefined ? [{ type: 'delete', volume } as const] : []),
      ...(isHeld ? [{ type: 'letGo', volume } as const] : []),
    ],
  };
}

async function act(action: ReclaimingAction, { client, event }: Acting, kubelets: KubeletCalls): Promise<void> {
  const { volume } = action;
  const key = { namespace: '', name: volume.metadata.name };
  switch (action.type) {
    case 'removeFolder':
      try {
        await kubelets.call(action.node, { method: 'DELETE', path: `/localVolumes?path=${encodeURIComponent(action.path)}`, timeoutMs: TIMEOUT_MS });
      } catch (error) {
        event(volume, 'Warning', 'VolumeFailedDelete', `node ${action.node}: ${messageOf(error)}`);
        throw error;
      }
      return;
    case 'delete':
      await client.delete(PERSISTENTVOLUMES, key, { preconditions: { uid: volume.metadata.uid } });
      return;
    case 'letGo': {
      const next = copy(await client.get(PERSISTENTVOLUMES, key));
      if (next.metadata.uid !== volume.metadata.uid) return;
      next.metadata.finalizers = (next.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FOLDER_FINALIZER);
      await client.update(PERSISTENTVOLUMES, next);
    }
  }
}
