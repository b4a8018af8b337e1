// Which pods are bound to a node, and what each of them refers to. The index is built at the first question (a cluster of one process never asks).
import { keyOf, type KubeObject, type ObjectKey } from '../api/meta.ts';
import type { Store } from '../store/store.ts';

const PODS = { group: '', resource: 'pods' };
type Pod = KubeObject & { spec?: PodSpec; status?: { resourceClaimStatuses?: { resourceClaimName?: string }[] } };
interface PodSpec {
  nodeName?: string;
  serviceAccountName?: string;
  imagePullSecrets?: { name?: string }[];
  volumes?: Record<string, unknown>[];
  resourceClaims?: { resourceClaimName?: string }[];
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: Container[];
}
interface Container {
  env?: { valueFrom?: { secretKeyRef?: { name?: string }; configMapKeyRef?: { name?: string } } }[];
  envFrom?: { secretRef?: { name?: string }; configMapRef?: { name?: string } }[];
}

export function createNodePods(store: Store): { of(node: string): KubeObject[] } {
  let byNode: Map<string, Map<string, KubeObject>> | undefined;
  const put = (object: KubeObject): void => {
    const node = (object as Pod).spec?.nodeName;
    if (node === undefined || byNode === undefined) return;
    let pods = byNode.get(node);
    if (pods === undefined) byNode.set(node, (pods = new Map()));
    pods.set(keyOf(object), object);
  };
  const build = (): void => {
    byNode = new Map();
    store.watch(PODS, store.revision, {
      onChange({ type, object }) {
        if (type !== 'DELETED') return put(object);
        byNode?.get((object as Pod).spec?.nodeName ?? '')?.delete(keyOf(object));
      },
    });
    store.list(PODS, { visit: (object) => (put(object), true) });
  };
  return {
    of(node) {
      if (byNode === undefined) build();
      return [...(byNode?.get(node)?.values() ?? [])];
    },
  };
}

export function references(pod: KubeObject, resource: string, { namespace, name }: ObjectKey, store: Store): boolean {
  const { spec = {}, metadata } = pod as Pod;
  if (resource === 'persistentvolumes') return volumeNames(pod, store).includes(name);
  if (resource === 'secrets' && volumeNames(pod, store).some((volume) => volumeNeedsSecret(store, volume, { namespace, name }))) return true;
  if (metadata.namespace !== namespace) return false;
  switch (resource) {
    case 'serviceaccounts': return spec.serviceAccountName === name;
    case 'persistentvolumeclaims': return claims(pod).includes(name);
    case 'resourceclaims': return resourceClaims(pod as Pod).includes(name);
    case 'secrets': return secretNames(pod).includes(name);
    case 'configmaps': return configMapNames(pod).includes(name);
    default: return false;
  }
}

export function secretNames(pod: KubeObject): string[] {
  const { spec = {} } = pod as Pod;
  const all = [...(spec.imagePullSecrets ?? []).map(({ name = '' }) => name), ...env(spec, 'secretKeyRef', 'secretRef'), ...names(spec.volumes, ['secretName', 'secretRef', 'nodePublishSecretRef', 'secret'])];
  return all.filter((name) => name !== '');
}

export function configMapNames(pod: KubeObject): string[] {
  const { spec = {} } = pod as Pod;
  return [...env(spec, 'configMapKeyRef', 'configMapRef'), ...names(spec.volumes, ['configMap'])].filter((name) => name !== '');
}

function env(spec: PodSpec, key: 'secretKeyRef' | 'configMapKeyRef', from: 'secretRef' | 'configMapRef'): string[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return containers.flatMap((container) => [...(container.env ?? []).map((one) => one.valueFrom?.[key]?.name ?? ''), ...(container.envFrom ?? []).map((one) => one[from]?.name ?? '')]);
}

/** Those it names, and those made for its ephemeral volumes. */
function claims({ metadata, spec }: Pod): string[] {
  const { volumes = [] } = spec ?? {};
  const all = volumes.map((volume) => (volume['ephemeral'] !== undefined ? `${metadata.name}-${String(volume['name'])}` : (volume['persistentVolumeClaim'] as { claimName?: string } | undefined)?.claimName ?? ''));
  return all.filter((name) => name !== '');
}

/** Those it names, and those made for it. */
function resourceClaims({ spec, status }: Pod): string[] {
  return [...spec?.resourceClaims ?? [], ...status?.resourceClaimStatuses ?? []].flatMap(({ resourceClaimName }) => resourceClaimName ?? []);
}

export function volumeNames(pod: KubeObject, store: Store): string[] {
  return claims(pod as Pod).flatMap((claim) => volumeOf(store, { namespace: pod.metadata.namespace ?? '', name: claim }) ?? []);
}

/** Secrets that the node, not the driver's controller, hands to a driver. */
const NODE_SECRETS = ['nodeStageSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function volumeNeedsSecret(store: Store, volume: string, { namespace, name }: ObjectKey): boolean {
  const found = store.get({ group: '', resource: 'persistentvolumes' }, { namespace: '', name: volume }) as (KubeObject & { spec?: { csi?: Partial<Record<(typeof NODE_SECRETS)[number], { namespace?: string; name?: string }>> } }) | undefined;
  return NODE_SECRETS.some((field) => found?.spec?.csi?.[field]?.name === name && found.spec.csi[field]?.namespace === namespace);
}

/** Names that stand under one of these fields, at any depth: `secret.secretName`, `projected.sources[].secret.name`, `csi.nodePublishSecretRef.name`. */
function names(value: unknown, fields: readonly string[], found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [field, child] of Object.entries(value)) {
    if (fields.includes(field)) {
      const named = typeof child === 'string' ? child : (child as { name?: string } | null)?.name;
      if (named !== undefined) found.add(named);
    }
    names(child, fields, found);
  }
  return found;
}

function volumeOf(store: Store, key: ObjectKey): string | undefined {
  const claim = store.get({ group: '', resource: 'persistentvolumeclaims' }, key) as (KubeObject & { spec?: { volumeName?: string } }) | undefined;
  return claim?.spec?.volumeName;
}
