// What NodeRestriction says of a kubelet's requests about pods: mirrors of its static pods, which refer to nothing that the API would have to
// hand out, and the status, end and eviction of pods bound to it.
import { sameSemantically } from '../api/json-equality.ts';
import type { KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import { configMapNames, secretNames } from '../authz/node-pods.ts';
import { notFound } from '../base/errors.ts';
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import type { Store } from '../store/store.ts';
import { shownName, type AdmissionRequest } from './admission.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const PODS = { group: '', resource: 'pods' };

export function checkNodePod(request: AdmissionRequest, node: string, store: Store): void {
  const { subresource, operation } = request;
  switch (subresource) {
    case '': return operation === 'CREATE' ? checkMirror(request, node, store) : checkDeletion(request, node, store);
    case 'status': return checkStatus(request, node);
    case 'eviction': return checkOwn(request, store, { node, why: `node ${node} can only evict pods with spec.nodeName set to itself` });
    default: throw refusal(request, `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`);
  }
}

function refusal({ kind, name, object }: AdmissionRequest, why: string): Error {
  return forbidden(kind, name || shownName(object?.metadata ?? {}), why);
}

function checkDeletion(request: AdmissionRequest, node: string, store: Store): void {
  if (request.operation !== 'DELETE') throw refusal(request, `unexpected operation ${JSON.stringify(request.operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods`);
  checkOwn(request, store, { node, why: `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself` });
}

function checkOwn(request: AdmissionRequest, store: Store, { node, why }: { node: string; why: string }): void {
  const { namespace, name } = request;
  const pod = store.newest(PODS, { namespace, name }) as Pod | undefined;
  if (pod === undefined) throw notFound({ group: '', resource: 'pod' }, name);
  if (pod.spec.nodeName !== node) throw refusal(request, why);
}

function checkStatus(request: AdmissionRequest, node: string): void {
  const [before, after] = [request.old as Pod | undefined, request.object as Pod];
  if (before === undefined) throw refusal(request, `unexpected operation ${JSON.stringify(request.operation)}`);
  if (before.spec.nodeName !== node) throw refusal(request, `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`);
  if (!sameSemantically(before.metadata.labels ?? {}, after.metadata.labels ?? {})) throw refusal(request, `node ${JSON.stringify(node)} cannot update labels through pod status`);
  if (!sameSemantically(before.status?.resourceClaimStatuses, after.status?.resourceClaimStatuses)) throw refusal(request, `node ${JSON.stringify(node)} cannot update resource claim statues`);
  if (!sameSemantically(before.status?.extendedResourceClaimStatus, after.status?.extendedResourceClaimStatus)) throw refusal(request, `node ${JSON.stringify(node)} cannot update extended resource claim status`);
}

function checkMirror(request: AdmissionRequest, node: string, store: Store): void {
  const pod = request.object as Pod;
  const who = `node ${JSON.stringify(node)}`;
  if (pod.metadata.annotations?.[MIRROR] === undefined) throw refusal(request, `pod does not have ${JSON.stringify(MIRROR)} annotation, ${who} can only create mirror pods`);
  if (pod.spec.nodeName !== node) throw refusal(request, `${who} can only create pods with spec.nodeName set to itself`);
  checkOwner(request, node, store);
  const reference = apiReference(pod);
  if (reference !== undefined) throw refusal(request, `${who} can not create pods that reference ${reference}`);
}

function checkOwner(request: AdmissionRequest, node: string, store: Store): void {
  const who = `node ${JSON.stringify(node)}`;
  const [owner, another] = (request.object as KubeObject).metadata.ownerReferences ?? [];
  if (another !== undefined) throw refusal(request, `${who} can only create pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) throw refusal(request, `${who} can only create pods with an owner reference set to itself`);
  if (owner.controller !== true) throw refusal(request, `${who} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) throw refusal(request, `${who} must not set blockOwnerDeletion on an owner reference`);
  const self = store.newest({ group: '', resource: 'nodes' }, { namespace: '', name: node }) as Node | undefined;
  if (self === undefined) throw notFound({ group: '', resource: 'node' }, node);
  if (owner.uid !== self.metadata.uid) throw refusal(request, `node ${node} UID mismatch: expected ${owner.uid} got ${self.metadata.uid ?? ''}`);
}

/** By the source of a volume: what the API would have to be asked for. */
const VOLUMES: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via configmap volumes)', secret: 'secrets (via secret volumes)', csi: 'csidrivers (via CSI volumes)', glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims', ephemeral: 'persistentvolumeclaims (via ephemeral volumes)', azureFile: 'secrets (via azureFile volumes)',
};
const PROJECTED: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via projected volumes)', secret: 'secrets (via projected volumes)', serviceAccountToken: 'serviceaccounts (via projected volumes)', clusterTrustBundle: 'clustertrustbundles', podCertificate: 'podcertificates',
};

function apiReference(pod: Pod): string | undefined {
  const { spec } = pod;
  if (spec.serviceAccountName) return 'serviceaccounts';
  if (secretNames(pod).length > 0) return 'secrets';
  if (configMapNames(pod).length > 0) return 'configmaps';
  if ((spec.resourceClaims ?? []).length > 0) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const found = sourceIn(volume, VOLUMES) ?? (volume.projected?.sources ?? []).map((source) => sourceIn(source, PROJECTED)).find((each) => each !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sourceIn(value: object, known: Readonly<Record<string, string>>): string | undefined {
  const source = Object.keys(known).find((name) => (value as Record<string, unknown>)[name] !== undefined);
  return source === undefined ? undefined : known[source];
}
