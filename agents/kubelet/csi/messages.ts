// As much of CSI 1 (csi.proto) as a kubelet says and hears: the Node service.
import { createCodec, type Incoming, type Outgoing as OutgoingOf } from '../../grpc/messages.ts';

const MESSAGES = {
  Empty: {},
  Topology: { segments: [1, 'map'] },
  NodeInfo: { nodeId: [1, 'text'], maxVolumesPerNode: [2, 'integer'], accessibleTopology: [3, 'Topology'] },
  Rpc: { type: [1, 'integer'] },
  Capability: { rpc: [1, 'Rpc'] },
  Capabilities: { capabilities: [1, ['Capability']] },
  BlockAccess: {},
  MountAccess: { fsType: [1, 'text'], mountFlags: [2, ['text']], volumeMountGroup: [3, 'text'] },
  AccessMode: { mode: [1, 'integer'] },
  VolumeCapability: { block: [1, 'BlockAccess'], mount: [2, 'MountAccess'], accessMode: [3, 'AccessMode'] },
  Stage: { volumeId: [1, 'text'], publishContext: [2, 'map'], stagingTargetPath: [3, 'text'], volumeCapability: [4, 'VolumeCapability'], secrets: [5, 'map'], volumeContext: [6, 'map'] },
  Unstage: { volumeId: [1, 'text'], stagingTargetPath: [2, 'text'] },
  Publish: {
    volumeId: [1, 'text'], publishContext: [2, 'map'], stagingTargetPath: [3, 'text'], targetPath: [4, 'text'], volumeCapability: [5, 'VolumeCapability'], readonly: [6, 'boolean'],
    secrets: [7, 'map'], volumeContext: [8, 'map'],
  },
  Unpublish: { volumeId: [1, 'text'], targetPath: [2, 'text'] },
  GetStats: { volumeId: [1, 'text'], volumePath: [2, 'text'], stagingTargetPath: [3, 'text'] },
  Usage: { available: [1, 'integer'], total: [2, 'integer'], used: [3, 'integer'], unit: [4, 'integer'] },
  Condition: { abnormal: [1, 'boolean'], message: [2, 'text'] },
  Stats: { usage: [1, ['Usage']], condition: [2, 'Condition'] },
  CapacityRange: { requiredBytes: [1, 'integer'], limitBytes: [2, 'integer'] },
  Expand: { volumeId: [1, 'text'], volumePath: [2, 'text'], capacityRange: [3, 'CapacityRange'], stagingTargetPath: [4, 'text'], volumeCapability: [5, 'VolumeCapability'], secrets: [6, 'map'] },
  Expanded: { capacityBytes: [1, 'integer'] },
} as const;

type Messages = typeof MESSAGES;
export type MessageName = keyof Messages;
export type Outgoing<K extends MessageName> = OutgoingOf<Messages, K>;
export type Message<K extends MessageName> = Incoming<Messages, K>;

export const { encode, decode } = createCodec(MESSAGES);
