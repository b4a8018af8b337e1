// A CSI driver of this node: the calls of its Node service. What it can do is asked once for each life of it.
import type { Clock } from '../../../internal/base/clock.ts';
import { createGrpcClient, type GrpcClient } from '../../grpc/client.ts';
import { CODE, GrpcError } from '../../grpc/error.ts';
import { decode, encode, type Message, type MessageName, type Outgoing } from './messages.ts';

/** Numbers of NodeServiceCapability.RPC.Type. */
const CAPABILITY = { stageUnstage: 1, volumeStats: 2, expand: 3, volumeCondition: 4, singleNodeMultiWriter: 5, volumeMountGroup: 6 } as const;
export type Capability = keyof typeof CAPABILITY;

const TIMEOUT_MS = 120_000;
/** After one of these nobody knows whether the driver is still at it: what was begun must be taken back by name, not forgotten. */
const UNCERTAIN: readonly number[] = [CODE.cancelled, CODE.deadlineExceeded, CODE.unavailable, CODE.resourceExhausted, CODE.aborted];

export interface Driver {
  readonly name: string;
  readonly endpoint: string;
  readonly versions: readonly string[];
  nodeInfo(): Promise<Message<'NodeInfo'>>;
  can(capability: Capability): Promise<boolean>;
  stage(request: Outgoing<'Stage'>): Promise<void>;
  unstage(request: Outgoing<'Unstage'>): Promise<void>;
  publish(request: Outgoing<'Publish'>): Promise<void>;
  unpublish(request: Outgoing<'Unpublish'>): Promise<void>;
  stats(request: Outgoing<'GetStats'>): Promise<Message<'Stats'>>;
  expand(request: Outgoing<'Expand'>): Promise<void>;
  close(): void;
}

export interface DriverOptions {
  name: string;
  endpoint: string;
  versions: readonly string[];
  clock: Clock;
}

export function createDriver({ name, endpoint, versions, clock }: DriverOptions): Driver {
  const client: GrpcClient = createGrpcClient(endpoint, clock);
  let capabilities: Promise<ReadonlySet<number>> | undefined;

  async function call<Q extends MessageName, A extends MessageName>(method: string, ask: { name: Q; message: Outgoing<Q> }, answer: A): Promise<Message<A>> {
    return decode(answer, await client.call(`/csi.v1.Node/${method}`, encode(ask.name, ask.message), { timeoutMs: TIMEOUT_MS }).catch(inWords));
  }

  async function askCapabilities(): Promise<ReadonlySet<number>> {
    const told = await call('NodeGetCapabilities', { name: 'Empty', message: {} }, 'Capabilities');
    return new Set(told.capabilities.map(({ rpc }) => rpc?.type ?? 0));
  }

  return {
    name, endpoint, versions,
    nodeInfo: () => call('NodeGetInfo', { name: 'Empty', message: {} }, 'NodeInfo'),
    async can(capability) {
      capabilities ??= askCapabilities().catch((error: unknown) => {
        capabilities = undefined;
        throw error;
      });
      return (await capabilities).has(CAPABILITY[capability]);
    },
    stage: async (message) => void (await call('NodeStageVolume', { name: 'Stage', message }, 'Empty')),
    unstage: async (message) => void (await call('NodeUnstageVolume', { name: 'Unstage', message }, 'Empty')),
    publish: async (message) => void (await call('NodePublishVolume', { name: 'Publish', message }, 'Empty')),
    unpublish: async (message) => void (await call('NodeUnpublishVolume', { name: 'Unpublish', message }, 'Empty')),
    stats: (message) => call('NodeGetVolumeStats', { name: 'GetStats', message }, 'Stats'),
    expand: async (message) => void (await call('NodeExpandVolume', { name: 'Expand', message }, 'Expanded')),
    close: () => client.close(),
  };
}

const CODE_NAMES: Readonly<Record<number, string>> = {
  1: 'Canceled', 2: 'Unknown', 3: 'InvalidArgument', 4: 'DeadlineExceeded', 5: 'NotFound', 6: 'AlreadyExists', 7: 'PermissionDenied', 8: 'ResourceExhausted', 9: 'FailedPrecondition', 10: 'Aborted',
  11: 'OutOfRange', 12: 'Unimplemented', 13: 'Internal', 14: 'Unavailable', 15: 'DataLoss', 16: 'Unauthenticated',
};

/** As gRPC's own libraries print a status: people search for these words. */
function inWords(error: unknown): never {
  if (!(error instanceof GrpcError)) throw error;
  throw new GrpcError(error.code, `rpc error: code = ${CODE_NAMES[error.code] ?? `Code(${String(error.code)})`} desc = ${error.message}`, { cause: error });
}

/** Whether the call that failed so is over for sure. */
export function isFinal(error: unknown): boolean {
  return error instanceof GrpcError && !UNCERTAIN.includes(error.code);
}

const MODES: Readonly<Record<string, number>> = { ReadWriteOnce: 1, ReadOnlyMany: 3, ReadWriteMany: 5, ReadWriteOncePod: 1 };
/** For drivers that tell one writer from several on a node. */
const FINE_MODES: Readonly<Record<string, number>> = { ...MODES, ReadWriteOnce: 7, ReadWriteOncePod: 6 };

export interface Access {
  block: boolean;
  /** The first counts. */
  accessModes: readonly string[] | undefined;
  fsType?: string | undefined;
  mountOptions?: readonly string[] | undefined;
  /** Only for drivers that set the group by themselves. */
  fsGroup?: number | undefined;
}

export async function volumeCapability(driver: Driver, { block, accessModes, fsType = '', mountOptions = [], fsGroup }: Access): Promise<Outgoing<'VolumeCapability'>> {
  const modes = (await driver.can('singleNodeMultiWriter')) ? FINE_MODES : MODES;
  const accessMode = { mode: modes[accessModes?.[0] ?? 'ReadWriteOnce'] ?? 0 };
  if (block) return { block: {}, accessMode };
  return { mount: { fsType, mountFlags: mountOptions, ...(fsGroup !== undefined && { volumeMountGroup: String(fsGroup) }) }, accessMode };
}
