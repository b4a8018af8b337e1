// Node IPAM: gives every node a /24 of the cluster's pod addresses, the lowest free one. Nodes that have one keep it.
import { wake, type Plan } from '../informer/loop.ts';
import type { Node } from '../kinds/generated/api-types.ts';
import { NODES } from '../kinds/generated/resources.ts';
import { controllerLoop, note, type Action, type ControllerLoop } from './action.ts';

const KEY = 'nodes';
/** Prefix length of a node's share. */
const NODE_MASK = 24;

export interface IpamState {
  nodes: Node[];
  clusterCidr: string;
}

// One key for all nodes: two shares are never computed side by side.
export function nodeIpamLoop(clusterCidr: string): ControllerLoop<IpamState> {
  return controllerLoop<IpamState>({
    name: 'node-ipam-controller',
    user: 'system:serviceaccount:kube-system:node-controller',
    wakes: [wake(NODES, (_node, views) => (views.of(NODES).list().some((node) => (node.spec.podCIDR ?? '') === '') ? [KEY] : []))],
    observe: (_key, views) => ({ nodes: views.of(NODES).list(), clusterCidr }),
    plan,
  });
}

export function plan({ nodes, clusterCidr }: IpamState): Plan<Action> {
  const taken = new Set(nodes.flatMap(({ spec }) => spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR])));
  const free = freeShares(clusterCidr, NODE_MASK, taken);
  const waiting = nodes.filter(({ spec, metadata }) => (spec.podCIDR ?? '') === '' && metadata.deletionTimestamp === undefined);
  return { actions: waiting.map((node) => share(node, free.next().value)) };
}

function share(node: Node, podCIDR: string | undefined): Action {
  if (podCIDR === undefined) return { type: 'event', note: note(node, 'Normal', 'CIDRNotAvailable', `Node ${node.metadata.name} status is now: CIDRNotAvailable`) };
  const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR, podCIDRs: [podCIDR] } };
  return { type: 'patch', resource: NODES, key: { namespace: '', name: node.metadata.name }, patch: { type: 'strategic', body } };
}

function* freeShares(clusterCidr: string, mask: number, taken: ReadonlySet<string>): Generator<string, undefined> {
  const [base = '', prefix = '16'] = clusterCidr.split('/');
  const first = base.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  for (let index = 0; index < 2 ** (mask - Number(prefix)); index++) {
    const address = first + index * 2 ** (32 - mask);
    const cidr = `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}/${String(mask)}`;
    if (!taken.has(cidr)) yield cidr;
  }
  return undefined;
}
