// Device plugins (v1beta1): the socket they register at, and what the kubelet asks of them. Until one registers, or has been here before, there is this
// file, a socket and nothing else.
//
//   <directory>/kubelet.sock     Register; taken anew at each start, which is how plugins learn that they must register again
//   <directory>/*.sock           the plugins' own; removed at each start
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createGrpcServer } from '../../grpc/server.ts';
import type { PluginHandler } from '../plugins/registration.ts';
import type { DeviceAllocations, DeviceDesk, DevicesOptions } from './desk.ts';
import type { Amounts } from './inventory.ts';

export interface Devices extends DeviceAllocations {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** For plugins that register by a socket of their own. */
  readonly handler: PluginHandler;
  /** Nothing that a kubelet left is here: the node is a new one, whatever the API says of its devices. */
  readonly isNew: boolean;
  /** Undefined while there is nothing to tell. */
  desk(): DeviceDesk | undefined;
}

const NO_AMOUNTS: Amounts = { capacity: {}, allocatable: {} };

export function createDevices(options: DevicesOptions): Devices {
  const { directory } = options;
  let desk: DeviceDesk | undefined;
  let isNew = false;
  const opened = async (): Promise<DeviceDesk> => {
    const { createDeviceDesk } = await import('./desk.ts');
    return (desk ??= createDeviceDesk(options));
  };
  const server = createGrpcServer(join(directory, 'kubelet.sock'), {
    async '/v1beta1.Registration/Register'(request) {
      const { register } = await import('./register.ts');
      return register(request, { directory, desk: await opened() });
    },
  }, { keepsAlive: false });
  return {
    async start() {
      mkdirSync(directory, { recursive: true, mode: 0o750 });
      const left = readdirSync(directory);
      isNew = left.length === 0;
      for (const name of left) if (statSync(join(directory, name), { throwIfNoEntry: false })?.isSocket() === true) rmSync(join(directory, name), { force: true });
      if (left.includes('kubelet_internal_checkpoint')) await opened();
      await server.start();
    },
    async stop() {
      await server.stop();
      desk?.stop();
    },
    handler: {
      validate: async (info) => (await import('./register.ts')).validate(info),
      register: async ({ name, endpoint }) => (await opened()).connect(name, endpoint),
      deregister: async ({ name }) => (await opened()).disconnect(name),
    },
    get isNew() {
      return isNew;
    },
    amounts: () => desk?.amounts() ?? NO_AMOUNTS,
    held: (resource) => desk?.held(resource) ?? 0,
    concerns: (pod) => desk?.concerns(pod) === true,
    allocate: async (pod) => (await opened()).allocate(pod),
    prepare: async (pod, container) => desk?.prepare(pod, container),
    statuses: (uid, container) => desk?.statuses(uid, container) ?? [],
    desk: () => desk,
  };
}
