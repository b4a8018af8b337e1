// Routes to the pods of other nodes, kept by a loop over the Nodes: each has its podCIDR and its address.
//
//   host-gw   route PODCIDR via NODEIP: nodes share a subnet, nothing is wrapped
//   vxlan     one link, skiff.vxlan, that learns nothing: what another node's end is called and where it is follows from its address and podCIDR, so
//             neighbour, forwarding entry and route are written when the Node appears and go when it goes
//
// All of ours carry their own routing protocol number, so that after a restart what is stale is found and taken away, and nobody else's
// routes are touched. A kernel without vxlan is told of clearly, and nodes of one subnet are then reached as with host-gw.
import { command, tryCommand } from '../../internal/base/command.ts';
import type { Component } from '../../internal/base/component.ts';
import { wake, type Loop } from '../../internal/informer/loop.ts';
import type { Views } from '../../internal/informer/view.ts';
import type { Node } from '../../internal/kinds/generated/api-types.ts';
import { NODES } from '../../internal/kinds/generated/resources.ts';
import type { Neighbourhood, Place } from './neighbourhood.ts';
import { ensureVxlan, vxlanLines, VXLAN_LINK } from './vxlan.ts';

export const BACKENDS = ['vxlan', 'host-gw', 'none'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface RoutesOptions {
  nodeName: string;
  backend: Backend;
  /** Runs a loop: cmd gives views, client, clock, random and log to it. */
  run(loop: Loop): Component;
}

const KEY = 'routes';
/** Ours, of the free ones (iproute2's rt_protos). */
export const ROUTE_PROTOCOL = '83';
const RESYNC_MS = 5 * 60_000;

export function createRoutes({ nodeName, backend, run }: RoutesOptions): Component {
  return run(routesLoop(nodeName, backend) as Loop);
}

export function routesLoop(nodeName: string, backend: Backend): Loop<Neighbourhood, Neighbourhood> {
  const told = new Set<string>();
  return {
    name: 'routes',
    concurrency: 1,
    // Heartbeats change Nodes all the time and routes never.
    wakes: [wake(NODES, (node, views, previous) => (previous !== undefined && samePlace(placeOf(node), placeOf(previous)) && isThere(views, node) ? [] : [KEY]))],
    resync: { everyMs: RESYNC_MS, keys: () => [KEY] },
    observe: (_key, views) => observe(views, nodeName),
    plan: (state) => ({ actions: [state] }),
    act: (state, { log }) => apply(state, backend, (message, fields) => {
      if (told.has(message + String(fields['node']))) return;
      told.add(message + String(fields['node']));
      log.warn(message, fields);
    }),
  };
}

function observe(views: Views, nodeName: string): Neighbourhood | undefined {
  const places = views.of(NODES).list().map(placeOf).filter((place) => place !== undefined);
  const own = places.find(({ name }) => name === nodeName);
  return own === undefined ? undefined : { own, peers: places.filter(({ name }) => name !== nodeName) };
}

function placeOf({ metadata: { name }, spec, status }: Node): Place | undefined {
  const ip = status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address;
  return ip === undefined || !spec?.podCIDR ? undefined : { name, ip, podCidr: spec.podCIDR };
}

function isThere(views: Views, { metadata: { name } }: Node): boolean {
  return views.of(NODES).get('', name) !== undefined;
}

function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a?.ip === b?.ip && a?.podCidr === b?.podCidr;
}

async function apply(state: Neighbourhood, backend: Backend, warn: (message: string, fields: Record<string, unknown>) => void): Promise<void> {
  const { own, peers } = state;
  const stale = async (): Promise<string[]> => (await ourRoutes()).filter((cidr) => !peers.some(({ podCidr }) => podCidr === cidr)).map((cidr) => `route del ${cidr} proto ${ROUTE_PROTOCOL}`);
  if (backend === 'vxlan' && (peers.length > 0 || (await hasVxlan()))) {
    const missing = await ensureVxlan(own);
    if (missing === undefined) {
      const { ip, bridge } = await vxlanLines(state, ROUTE_PROTOCOL);
      await batch('ip', [...(await stale()), ...ip]);
      return batch('bridge', bridge);
    }
    warn(`this kernel has no vxlan (${missing}): nodes of one subnet are reached by plain routes, others not at all; load the module, or start the server with --network-backend host-gw`, {});
  }
  const lines = await Promise.all(peers.map(async (peer) => {
    if (await isNear(peer.ip)) return [`route replace ${peer.podCidr} via ${peer.ip} proto ${ROUTE_PROTOCOL}`];
    warn('the pods of a node cannot be reached: it is not in this node\'s subnet, and without vxlan there is no way around', { node: peer.name, address: peer.ip });
    return [];
  }));
  await batch('ip', [...(await stale()), ...lines.flat()]);
}

/** Goes through all lines, and throws if any failed. */
async function batch(program: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await command(program, ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

async function ourRoutes(): Promise<string[]> {
  const routes = JSON.parse((await command('ip', ['-json', 'route', 'show', 'proto', ROUTE_PROTOCOL])) || '[]') as { dst: string }[];
  return routes.map(({ dst }) => dst);
}

async function hasVxlan(): Promise<boolean> {
  return (await tryCommand('ip', ['link', 'show', VXLAN_LINK])).code === 0;
}

/** Reached without a router in between. */
async function isNear(address: string): Promise<boolean> {
  const { code, stdout } = await tryCommand('ip', ['-json', 'route', 'get', address]);
  const [route] = code === 0 ? (JSON.parse(stdout || '[]') as { gateway?: string; dev?: string }[]) : [];
  return route !== undefined && route.gateway === undefined;
}
