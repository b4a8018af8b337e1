// Asks the kubelet of this machine who has which devices: `node pod-resources.ts List` prints pods with their containers' devices as JSON.
import { systemClock } from '../../internal/base/clock.ts';
import { createGrpcClient } from '../../agents/grpc/client.ts';
import { createCodec, type MessageTable } from '../../agents/grpc/messages.ts';

const MESSAGES = {
  List: { pods: [1, ['Pod']] },
  Pod: { name: [1, 'text'], namespace: [2, 'text'], containers: [3, ['Container']] },
  Container: { name: [1, 'text'], devices: [2, ['Devices']], claims: [5, ['Claim']] },
  Claim: { name: [2, 'text'], namespace: [3, 'text'], resources: [4, ['Resource']] },
  Resource: { driver: [2, 'text'], pool: [3, 'text'], device: [4, 'text'] },
  Devices: { resource: [1, 'text'], ids: [2, ['text']] },
} as const satisfies MessageTable;

const client = createGrpcClient('/var/lib/kubelet/pod-resources/kubelet.sock', systemClock);
const { pods } = createCodec(MESSAGES).decode('List', await client.call(`/v1.PodResourcesLister/${process.argv[2] ?? ''}`, new Uint8Array(), { timeoutMs: 10_000 }));
client.close();
console.log(JSON.stringify(pods.map((pod) => ({ ...pod, containers: pod.containers.map(({ name, devices, claims }) => ({ name, devices: devices.map(({ resource, ids }) => `${resource} ${ids.join()}`), ...(claims.length > 0 && { claims: claims.flatMap((claim) => claim.resources.map(({ driver, pool, device }) => `${claim.name} ${driver}/${pool}/${device}`)) }) })) }))));
