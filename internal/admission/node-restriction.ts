// NodeRestriction: a kubelet writes its own node, lease, and the pods bound to it, and nothing that would draw others' pods or secrets to it.
import type { KubeObject } from '../api/meta.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { nodeNameOf } from '../authz/node.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { checkNodeRequest } from './node-requests.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const RESTRICTED = 'node-restriction.kubernetes.io';

type Pod = KubeObject & { spec?: { nodeName?: string; serviceAccountName?: string } };
type Node = KubeObject & { spec?: { taints?: object[] } };

export function nodeRestriction(store: Store, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const { kind } = request;
      if (kind.group === '' && kind.resource === 'pods') checkPod(request, node, store);
      if (kind.group === '' && kind.resource === 'nodes') checkNode(request, node);
      checkNodeRequest(request, { node, store, authorizer });
    },
  };
}

function checkPod(request: AdmissionRequest, node: string, store: Store): void {
  const { operation, subresource, name, namespace, kind } = request;
  const existing = (request.old ?? store.newest(kind, { namespace, name })) as Pod | undefined;
  if (subresource === 'status' || (operation === 'DELETE' && subresource === '') || subresource === 'eviction') {
    if (existing !== undefined && existing.spec?.nodeName !== node) throw forbidden(kind, name, `node ${JSON.stringify(node)} can only ${subresource === 'status' ? 'update pod status for pods' : subresource === '' ? 'delete pods' : 'evict pods'} with spec.nodeName set to itself`);
    return;
  }
  if (operation !== 'CREATE' || subresource !== '') return;
  const pod = request.object as Pod;
  if (pod.metadata.annotations?.[MIRROR] === undefined) throw forbidden(kind, pod.metadata.name, `pod does not have ${JSON.stringify(MIRROR)} annotation, node ${JSON.stringify(node)} can only create mirror pods`);
  if (pod.spec?.nodeName !== node) throw forbidden(kind, pod.metadata.name, `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`);
  if (pod.spec.serviceAccountName) throw forbidden(kind, pod.metadata.name, `node ${JSON.stringify(node)} can not create pods that reference a service account`);
}

function checkNode({ operation, kind, object, old, name }: AdmissionRequest, node: string): void {
  const asked = name === '' ? (object?.metadata.name ?? '') : name;
  if (asked !== node) throw forbidden(kind, asked, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(asked)}`);
  if (operation === 'DELETE' || object === undefined) return;
  if (operation === 'UPDATE' && JSON.stringify((object as Node).spec?.taints) !== JSON.stringify((old as Node | undefined)?.spec?.taints)) {
    throw forbidden(kind, asked, `node ${JSON.stringify(node)} is not allowed to modify taints`);
  }
  const [before, after] = [old?.metadata.labels ?? {}, object.metadata.labels ?? {}];
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key] && (key.split('/')[0] ?? '').endsWith(RESTRICTED) && key.includes('/')).sort();
  if (changed.length > 0) throw forbidden(kind, asked, `is not allowed to modify labels: ${changed.join(', ')}`);
}
