// The messages of the device plugin API, v1beta1.
import { createCodec, type Incoming, type MessageTable } from '../../grpc/messages.ts';

const MESSAGES = {
  Empty: {},
  DevicePluginOptions: { preStartRequired: [1, 'boolean'], preferredAllocationAvailable: [2, 'boolean'] },
  RegisterRequest: { version: [1, 'text'], endpoint: [2, 'text'], resourceName: [3, 'text'], options: [4, 'DevicePluginOptions'] },
  ListAndWatchResponse: { devices: [1, ['Device']] },
  Device: { id: [1, 'text'], health: [2, 'text'], topology: [3, 'TopologyInfo'] },
  TopologyInfo: { nodes: [1, ['NumaNode']] },
  NumaNode: { id: [1, 'integer'] },
  PreferredAllocationRequest: { containers: [1, ['ContainerPreferredAllocationRequest']] },
  ContainerPreferredAllocationRequest: { available: [1, ['text']], mustInclude: [2, ['text']], size: [3, 'integer'] },
  PreferredAllocationResponse: { containers: [1, ['DeviceIds']] },
  AllocateRequest: { containers: [1, ['DeviceIds']] },
  /** Also PreStartContainerRequest and ContainerPreferredAllocationResponse. */
  DeviceIds: { ids: [1, ['text']] },
  AllocateResponse: { containers: [1, ['bytes']] },
  ContainerAllocateResponse: { envs: [1, 'map'], mounts: [2, ['Mount']], devices: [3, ['DeviceSpec']], annotations: [4, 'map'], cdiDevices: [5, ['CdiDevice']] },
  Mount: { containerPath: [1, 'text'], hostPath: [2, 'text'], readOnly: [3, 'boolean'] },
  DeviceSpec: { containerPath: [1, 'text'], hostPath: [2, 'text'], permissions: [3, 'text'] },
  CdiDevice: { name: [1, 'text'] },
} as const satisfies MessageTable;

export type Message<K extends keyof typeof MESSAGES> = Incoming<typeof MESSAGES, K>;

export const { encode, decode } = createCodec(MESSAGES);
