// A plugin introduces itself: GetInfo, the handler of its type, and the answer that it waits for. What went wrong is both told to it and thrown.
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { createGrpcClient, type GrpcClient } from '../../grpc/client.ts';
import { createCodec, type MessageTable } from '../../grpc/messages.ts';
import type { PluginHandler, PluginInfo, PluginType } from './registration.ts';

const MESSAGES = {
  InfoRequest: {},
  PluginInfo: { type: [1, 'text'], name: [2, 'text'], endpoint: [3, 'text'], versions: [4, ['text']] },
  RegistrationStatus: { registered: [1, 'boolean'], error: [2, 'text'] },
} as const satisfies MessageTable;
const codec = createCodec(MESSAGES);
const SERVICE = '/pluginregistration.Registration';
const INFO_TIMEOUT_MS = 1000;
const NOTIFY_TIMEOUT_MS = 5000;

/** Registers the plugin behind the socket with the handler of its type. */
export async function introduce(socket: string, { handlers, clock }: { handlers: ReadonlyMap<PluginType, PluginHandler>; clock: Clock }): Promise<PluginInfo> {
  const client = createGrpcClient(socket, clock);
  try {
    const told = codec.decode('PluginInfo', await client.call(`${SERVICE}/GetInfo`, codec.encode('InfoRequest', {}), { timeoutMs: INFO_TIMEOUT_MS }).catch(because(`failed to get plugin info using RPC GetInfo at socket ${socket}, err`)));
    const info: PluginInfo = { ...told, type: told.type as PluginType, endpoint: told.endpoint === '' ? socket : told.endpoint };
    const handler = handlers.get(info.type);
    if (handler === undefined) return await refuse(client, `no handler registered for plugin type: ${info.type} at socket ${socket}`);
    await attempt(client, 'plugin validation failed with err', () => handler.validate(info));
    await attempt(client, 'plugin registration failed with err', () => handler.register(info));
    await notify(client, { registered: true, error: '' }).catch(async (error: unknown) => {
      await handler.deregister(info);
      return because(`failed to send registration status at socket ${socket}, err`)(error);
    });
    return info;
  } finally {
    client.close();
  }
}

async function attempt(client: GrpcClient, what: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await refuse(client, `${what}: ${messageOf(error)}`, error);
  }
}

async function refuse(client: GrpcClient, why: string, cause?: unknown): Promise<never> {
  const error = `RegisterPlugin error -- ${why}`;
  await notify(client, { registered: false, error }).catch(because(`${why}; the plugin could not be told`));
  throw new Error(error, { cause });
}

async function notify(client: GrpcClient, status: { registered: boolean; error: string }): Promise<void> {
  await client.call(`${SERVICE}/NotifyRegistrationStatus`, codec.encode('RegistrationStatus', status), { timeoutMs: NOTIFY_TIMEOUT_MS });
}

function because(what: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`RegisterPlugin error -- ${what}: ${messageOf(error)}`, { cause: error });
  };
}
