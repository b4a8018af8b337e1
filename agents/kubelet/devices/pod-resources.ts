// Answers of the podresources API v1. There is no CPU and no memory manager here, so there are no CPUs and no memory of anyone's own, as upstream has it
// under the policies `none` and `None`.
import type { Container, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { createCodec, type MessageTable, type Outgoing } from '../../grpc/messages.ts';
import { containersOf } from '../pod-spec.ts';
import type { PodResourcesOptions } from './pod-resources-server.ts';

const MESSAGES = {
  GetRequest: { name: [1, 'text'], namespace: [2, 'text'] },
  GetResponse: { pod: [1, 'PodResources'] },
  ListResponse: { pods: [1, ['PodResources']] },
  AllocatableResponse: { devices: [1, ['ContainerDevices']] },
  PodResources: { name: [1, 'text'], namespace: [2, 'text'], containers: [3, ['ContainerResources']] },
  ContainerResources: { name: [1, 'text'], devices: [2, ['ContainerDevices']], claims: [5, ['DynamicResource']] },
  DynamicResource: { name: [2, 'text'], namespace: [3, 'text'], resources: [4, ['ClaimResource']] },
  ClaimResource: { cdiDevices: [1, ['CdiDevice']], driver: [2, 'text'], pool: [3, 'text'], device: [4, 'text'], shareId: [5, 'text'] },
  CdiDevice: { name: [1, 'text'] },
  ContainerDevices: { resource: [1, 'text'], ids: [2, ['text']], topology: [3, 'Topology'] },
  Topology: { nodes: [1, ['NumaNode']] },
  NumaNode: { id: [1, 'integer'] },
} as const satisfies MessageTable;
const { encode, decode } = createCodec(MESSAGES);

type Sent<K extends keyof typeof MESSAGES> = Outgoing<typeof MESSAGES, K>;

export function list(options: PodResourcesOptions): Uint8Array {
  options.devices.desk()?.collect();
  return encode('ListResponse', { pods: options.pods().map((pod) => resourcesOf(pod, options)) });
}

export function get(request: Uint8Array, options: PodResourcesOptions): Uint8Array {
  const { name, namespace } = decode('GetRequest', request);
  const pod = options.pods().find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (pod === undefined) throw new Error(`pod ${name} in namespace ${namespace} not found`);
  return encode('GetResponse', { pod: resourcesOf(pod, options) });
}

export function allocatable({ devices }: PodResourcesOptions): Uint8Array {
  const inventory = devices.desk()?.inventory;
  return encode('AllocatableResponse', {
    devices: (inventory?.resources() ?? []).flatMap((resource) => (inventory?.healthy(resource) ?? []).flatMap((id) => {
      const nodes = inventory?.device(resource, id)?.topology?.nodes ?? [];
      return nodes.length === 0 ? [deviceOf(resource, id, undefined)] : nodes.map((node) => deviceOf(resource, id, node.id));
    })),
  });
}

/** Init containers have ended by the time anyone may look, but for sidecars. */
function resourcesOf(pod: Pod, options: PodResourcesOptions): Sent<'PodResources'> {
  const containers = containersOf(pod).filter(({ kind }) => kind === 'main' || kind === 'sidecar');
  return { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', containers: containers.map(({ spec }) => ({ name: spec.name, devices: heldBy(pod.metadata.uid, spec.name, options), claims: claimsOf(pod, spec, options) })) };
}

function claimsOf(pod: Pod, container: Container, { claims }: PodResourcesOptions): Sent<'DynamicResource'>[] {
  return (claims.desk()?.devices(pod, container) ?? []).map(({ claim: { name, namespace }, devices }) => ({
    name, namespace,
    resources: devices.map(({ driver, pool, device, cdiIds, shareId }) => ({ cdiDevices: cdiIds.map((one) => ({ name: one })), driver, pool, device, ...(shareId !== '' && { shareId }) })),
  }));
}

function heldBy(uid: string, container: string, { devices }: PodResourcesOptions): Sent<'ContainerDevices'>[] {
  return (devices.desk()?.holdings.of(uid, container) ?? []).flatMap((holding) => Object.entries(holding.devices).flatMap(([node, ids]) => ids.map((id) => deviceOf(holding.resource, id, node === '-1' ? undefined : Number(node)))));
}

function deviceOf(resource: string, id: string, node: number | undefined): Sent<'ContainerDevices'> {
  return { resource, ids: [id], ...(node !== undefined && { topology: { nodes: [{ id: node }] } }) };
}
