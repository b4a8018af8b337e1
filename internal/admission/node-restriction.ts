// NodeRestriction: a kubelet writes its own node, lease, and the pods bound to it, and nothing that would draw others' pods or secrets to it.
// It is asked before validation, as upstream asks it among those that may change an object.
import { sameSemantically } from '../api/json-equality.ts';
import type { KubeObject } from '../api/meta.ts';
import { mayKubeletSet } from '../api/node-labels.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { nodeNameOf } from '../authz/node.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { checkNodePod } from './node-pods.ts';
import { checkNodeRequest } from './node-requests.ts';

type Node = KubeObject & { spec?: { taints?: object[]; configSource?: object } };
type Claim = KubeObject & { status?: object };

export function nodeRestriction(store: Store, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    mutate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const { kind } = request;
      if (node === '') throw forbidden(kind, request.name, `could not determine node from user ${JSON.stringify(request.user.username)}`);
      switch (`${kind.group}/${kind.resource}`) {
        case '/pods': return checkNodePod(request, node, store);
        case '/nodes': return checkNode(request, node);
        case '/persistentvolumeclaims': return checkClaim(request, node);
        default: return checkNodeRequest(request, { node, store, authorizer });
      }
    },
  };
}

function checkNode({ operation, kind, object, old, name }: AdmissionRequest, node: string): void {
  const refuse = (why: string): Error => forbidden(kind, name, why);
  if (name !== node) throw refuse(`node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  if (object === undefined || operation === 'CONNECT') return;
  const [after, before] = [object as Node, old as Node | undefined];
  const labels = refusedLabels(after.metadata.labels, before?.metadata.labels).join(', ');
  if (before === undefined) {
    if (after.spec?.configSource !== undefined) throw refuse(`node ${JSON.stringify(node)} is not allowed to create pods with a non-nil configSource`);
    if (labels !== '') throw refuse(`node ${JSON.stringify(node)} is not allowed to set the following labels: ${labels}`);
    return;
  }
  if (after.spec?.configSource !== undefined && !sameSemantically(after.spec.configSource, before.spec?.configSource)) throw refuse(`node ${JSON.stringify(node)} is not allowed to update configSource to a new non-nil configSource`);
  if (!sameSemantically(after.spec?.taints, before.spec?.taints)) throw refuse(`node ${JSON.stringify(node)} is not allowed to modify taints`);
  if (!sameSemantically(after.metadata.ownerReferences, before.metadata.ownerReferences)) throw refuse(`node ${JSON.stringify(node)} is not allowed to modify ownerReferences`);
  if (labels !== '') throw refuse(`is not allowed to modify labels: ${labels}`);
}

/** Those that change and are not the kubelet's to change. */
function refusedLabels(after: Readonly<Record<string, string>> = {}, before: Readonly<Record<string, string>> = {}): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key] && !mayKubeletSet(key)).sort();
}

/** What the growth of a volume changes of a claim's status, and no more. */
function checkClaim({ kind, name, subresource, operation, object, old }: AdmissionRequest, node: string): void {
  if (subresource !== 'status') throw forbidden(kind, name, 'may only update PVC status');
  if (operation !== 'UPDATE') throw forbidden(kind, name, `unexpected operation ${JSON.stringify(operation)}`);
  if (!sameSemantically(fixedPart(object), fixedPart(old))) throw forbidden(kind, name, `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`);
}

function fixedPart(claim: KubeObject | undefined): object {
  const { metadata, status } = claim as Claim;
  return { ...claim, metadata: { ...metadata, resourceVersion: undefined, managedFields: undefined }, status: { ...status, capacity: undefined, conditions: undefined, allocatedResourceStatuses: undefined, allocatedResources: undefined } };
}
