// The node authorizer: a kubelet may read what its own pods refer to, write its own node, lease and CSINode, and read its own pods. What is
// not about an object of its own goes by the ClusterRole system:node, as upstream.
import type { KubeObject } from '../api/meta.ts';
import type { Store } from '../store/store.ts';
import type { Attributes, Decision } from './attributes.ts';
import { createNodePods, references } from './node-pods.ts';
import { allows, type Rbac } from './rbac.ts';

const NODES_GROUP = 'system:nodes';
const PREFIX = 'system:node:';
const ROLE = { kind: 'ClusterRole', name: 'system:node' };

const yes: Decision = { allowed: true, reason: '' };
const no = (reason: string): Decision => ({ allowed: false, reason });

export interface NodeAuthorizer {
  /** undefined: not a node, no opinion. */
  authorize(attributes: Attributes): Decision | undefined;
}

/** The node whose identity the user has. */
export function nodeNameOf({ username, groups }: { username: string; groups: readonly string[] }): string | undefined {
  return username.startsWith(PREFIX) && groups.includes(NODES_GROUP) ? username.slice(PREFIX.length) : undefined;
}

export function createNodeAuthorizer(store: Store, rbac: Rbac): NodeAuthorizer {
  const pods = createNodePods(store);
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined) return undefined;
      if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.username)}`);
      const special = attributes.isResource ? SPECIAL[`${attributes.group}/${attributes.resource}`] : undefined;
      if (special !== undefined) return special(attributes, { node, store, podsOf: pods.of });
      return (rbac.rulesOfRole(ROLE, '') ?? []).some((rule) => allows(rule, attributes)) ? yes : no('');
    },
  };
}

interface Asking {
  node: string;
  store: Store;
  podsOf(node: string): KubeObject[];
}
type Rule = (attributes: Attributes, asking: Asking) => Decision | undefined;

const SPECIAL: Readonly<Record<string, Rule>> = {
  '/secrets': readReferenced('secrets'),
  '/configmaps': readReferenced('configmaps'),
  '/persistentvolumeclaims': (attributes, asking) => (attributes.subresource === 'status' ? writeReferenced(attributes, asking) : getReferenced('persistentvolumeclaims')(attributes, asking)),
  '/persistentvolumes': getReferenced('persistentvolumes'),
  'resource.k8s.io/resourceclaims': getReferenced('resourceclaims'),
  'resource.k8s.io/resourceslices': resourceSlices,
  'storage.k8s.io/volumeattachments': (attributes, { node, store }) => {
    if (attributes.verb !== 'get' || attributes.subresource !== '') return no('can only get individual resources of this type');
    const attachment = store.get(attributes, { namespace: '', name: attributes.name }) as (KubeObject & { spec?: { nodeName?: string } }) | undefined;
    return attachment?.spec?.nodeName === node ? yes : unrelated(node);
  },
  '/serviceaccounts': serviceAccounts,
  'coordination.k8s.io/leases': (attributes, { node }) => {
    if (!['get', 'create', 'update', 'patch', 'delete'].includes(attributes.verb)) return no('can only get, create, update, patch, or delete a node lease');
    if (attributes.namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace');
    return attributes.verb === 'create' || attributes.name === node ? yes : no('can only access node lease with the same name as the requesting node');
  },
  'storage.k8s.io/csinodes': (attributes, { node }) => {
    if (!['get', 'create', 'update', 'patch', 'delete'].includes(attributes.verb)) return no('can only get, create, update, patch, or delete a CSINode');
    if (attributes.subresource !== '') return no('cannot authorize CSINode subresources');
    return attributes.verb === 'create' || attributes.name === node ? yes : no('can only access CSINode with the same name as the requesting node');
  },
  '/nodes': nodes,
  '/pods': ownPods,
};

function readReferenced(resource: 'secrets' | 'configmaps'): Rule {
  return (attributes, asking) => {
    if (!['get', 'list', 'watch'].includes(attributes.verb)) return no('can only read resources of this type');
    if (attributes.subresource !== '') return no('cannot read subresource');
    if (attributes.namespace === '') return no('can only read namespaced object of this type');
    return attributes.name === '' ? no('No Object name found') : related(resource, attributes, asking);
  };
}

function getReferenced(resource: 'persistentvolumeclaims' | 'persistentvolumes' | 'resourceclaims'): Rule {
  return (attributes, asking) => {
    if (attributes.verb !== 'get') return no('can only get individual resources of this type');
    if (attributes.subresource !== '') return no('cannot get subresource');
    return attributes.name === '' ? no('No Object name found') : related(resource, attributes, asking);
  };
}

function writeReferenced(attributes: Attributes, asking: Asking): Decision {
  return ['update', 'patch'].includes(attributes.verb) ? related('persistentvolumeclaims', attributes, asking) : no('can only get/update/patch this type');
}

function serviceAccounts(attributes: Attributes, asking: Asking): Decision {
  if (attributes.verb === 'get' && attributes.subresource === '') return attributes.name === '' ? no('can only get individual service accounts') : related('serviceaccounts', attributes, asking);
  if (attributes.verb !== 'create' || attributes.name === '') return no('can only create tokens for individual service accounts');
  return attributes.subresource === 'token' ? related('serviceaccounts', attributes, asking) : no('can only create token subresource of serviceaccount');
}

/** Those of its own drivers, which it takes off when they are gone. */
function resourceSlices(attributes: Attributes, { node, store }: Asking): Decision {
  const { verb, name, subresource } = attributes;
  if (subresource !== '') return no('cannot authorize ResourceSlice subresources');
  if (verb === 'create') return yes;
  if (['list', 'watch', 'deletecollection'].includes(verb)) return selectsNode(attributes, node) ? yes : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
  if (!['get', 'update', 'patch', 'delete'].includes(verb)) return no('only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection');
  const slice = store.get({ group: 'resource.k8s.io', resource: 'resourceslices' }, { namespace: '', name }) as (KubeObject & { spec?: { nodeName?: string } }) | undefined;
  return slice?.spec?.nodeName === node ? yes : unrelated(node);
}

/** Which node it writes is NodeRestriction's to see. */
function nodes({ verb, name, subresource }: Attributes, { node }: Asking): Decision {
  if (['update', 'patch'].includes(verb) && (subresource === '' || subresource === 'status')) return yes;
  if (subresource !== '') return no('');
  if (verb === 'create') return yes;
  if (!['get', 'list', 'watch'].includes(verb)) return no('');
  return name === node ? yes : no(`node '${node}' cannot read ${name === '' ? 'all nodes' : `'${name}'`}, only its own Node object`);
}

/** Which pods it writes is NodeRestriction's to see. */
function ownPods(attributes: Attributes, { node, store }: Asking): Decision {
  const { verb, namespace, name, subresource } = attributes;
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? yes : no('');
  if (subresource === 'eviction') return verb === 'create' ? yes : no('');
  if (subresource !== '') return no('');
  if (verb === 'create' || verb === 'delete') return yes;
  if (!['get', 'list', 'watch'].includes(verb)) return no('');
  if (verb !== 'get' && selectsNode(attributes, node)) return yes;
  if (name === '') return no('can only list/watch pods with spec.nodeName field selector');
  const pod = store.get({ group: '', resource: 'pods' }, { namespace, name }) as (KubeObject & { spec?: { nodeName?: string } }) | undefined;
  return pod?.spec?.nodeName === node ? yes : unrelated(node);
}

function selectsNode({ fieldSelector }: Attributes, node: string): boolean {
  return fieldSelector.split(',').some((one) => one === `spec.nodeName=${node}` || one === `spec.nodeName==${node}`);
}

function related(resource: string, { namespace, name }: Attributes, { node, podsOf, store }: Asking): Decision {
  return podsOf(node).some((pod) => references(pod, resource, { namespace, name }, store)) ? yes : unrelated(node);
}

function unrelated(node: string): Decision {
  return no(`no relationship found between node '${node}' and this object`);
}
