// One device plugin that serves: what it offers, its list of devices as it changes, and the calls that hand devices out. (Device plugin API, v1beta1.)
import { delay, type Clock } from '../../../internal/base/clock.ts';
import { CODE, createGrpcClient } from '../../grpc/client.ts';
import { GrpcError } from '../../grpc/error.ts';
import { decode, encode, type Message } from './messages.ts';

export type Device = Message<'Device'>;

export interface DevicePlugin {
  readonly preStartRequired: boolean;
  readonly preferredAllocationAvailable: boolean;
  /** What one container gets with these devices: a ContainerAllocateResponse, as it came. */
  allocate(ids: readonly string[]): Promise<Uint8Array>;
  preferred(request: { available: readonly string[]; mustInclude: readonly string[]; size: number }): Promise<string[]>;
  preStart(ids: readonly string[]): Promise<void>;
  /** Ends the watch of its devices, without a word to `onEnd`. */
  stop(): void;
}

export interface PluginEvents {
  onDevices(devices: Device[]): void;
  /** It serves no more. */
  onEnd(error: unknown): void;
}

const SERVICE = '/v1beta1.DevicePlugin';
const CONNECT_MS = 10_000;
const CONNECT_EVERY_MS = 250;
/** Upstream sets no end to it; a plugin that takes longer holds up every pod that wants devices. */
const ALLOCATE_TIMEOUT_MS = 300_000;
const PRE_START_TIMEOUT_MS = 30_000;

/** Resolves when the plugin has said what it offers; its devices come by the events. */
export async function connectPlugin(socket: string, { clock, onDevices, onEnd }: PluginEvents & { clock: Clock }): Promise<DevicePlugin> {
  const client = createGrpcClient(socket, clock);
  const stopped = new AbortController();
  const call = (method: string, request: Uint8Array, timeoutMs = ALLOCATE_TIMEOUT_MS): Promise<Uint8Array> => client.call(`${SERVICE}/${method}`, request, { timeoutMs, signal: stopped.signal });

  /** It may register a moment before it serves. */
  async function options(deadline: number): Promise<Message<'DevicePluginOptions'>> {
    try {
      return decode('DevicePluginOptions', await call('GetDevicePluginOptions', encode('Empty', {}), CONNECT_MS));
    } catch (error) {
      if (!(error instanceof GrpcError) || error.code !== CODE.unavailable || clock.monotonicMs() >= deadline) throw error;
      await delay(clock, CONNECT_EVERY_MS);
      return options(deadline);
    }
  }

  const offered = await options(clock.monotonicMs() + CONNECT_MS).catch((error: unknown) => {
    client.close();
    throw error;
  });
  const watched = client.stream(`${SERVICE}/ListAndWatch`, encode('Empty', {}), (message) => onDevices(decode('ListAndWatchResponse', message).devices), stopped.signal);
  void watched.then(() => new Error('ListAndWatch ended'), (error: unknown) => error).then((why) => {
    client.close();
    if (!stopped.signal.aborted) onEnd(why);
  });
  return {
    ...offered,
    async allocate(ids) {
      const [response] = decode('AllocateResponse', await call('Allocate', encode('AllocateRequest', { containers: [{ ids }] }))).containers;
      if (response === undefined) throw new Error('no containers return in allocation response');
      return response;
    },
    async preferred({ available, mustInclude, size }) {
      const request = encode('PreferredAllocationRequest', { containers: [{ available, mustInclude, size }] });
      return decode('PreferredAllocationResponse', await call('GetPreferredAllocation', request)).containers[0]?.ids ?? [];
    },
    preStart: async (ids) => void await call('PreStartContainer', encode('DeviceIds', { ids }), PRE_START_TIMEOUT_MS),
    stop: () => stopped.abort(),
  };
}
