// Pods on a runtime that speaks CRI v1 (containerd, CRI-O), by the same ports as the built-in one. The runtime has its own state, network (CNI)
// and images; nothing is kept beside it. Loaded only where `--container-runtime-endpoint` is given.
import { delay, type Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { RegistrySettings } from '../../images/registry-settings.ts';
import type { ImageStore } from '../../images/image-store.ts';
import type { CniNetwork } from '../../network/cni/network.ts';
import { createOnce } from '../once.ts';
import { RuntimeError, type ContainerConfig, type ContainerStatus, type Runtime, type RuntimeEvent, type RuntimeHandler, type SandboxConfig, type SandboxStatus } from '../runtime.ts';
import { createCriClient, isNotFound, unlessGone, type CriClient } from './client.ts';
import { connectTo } from './connect.ts';
import { CODE, GrpcError } from '../../grpc/client.ts';
import { createCriImages } from './images.ts';
import { createMirror, type Mirror } from './mirror.ts';
import { containerMessage, resourcesMessage, sandboxMessage } from './requests.ts';
import { statsOf } from './stats.ts';
import { attach, exec } from './streams.ts';
import { createWatch } from './watch.ts';

const REACHED_WITHIN_MS = 60_000;
const AGAIN_MS = 500;
const SYSTEMD_DRIVER = 0;

export interface CriOptions {
  /** `unix:///run/containerd/containerd.sock` */
  endpoint: string;
  registries: RegistrySettings;
  clock: Clock;
  log: Log;
  /** How long it is waited for. Default a minute: one that is started beside Skiff may come a little later. */
  reachedWithinMs?: number;
  /** Where pods get Skiff's own network: made ready before the first sandbox, with those that stand. Absent: the user's CNI plugins. */
  network?: CniNetwork;
}

export function createCri(options: CriOptions): { runtime: Runtime; images: ImageStore } {
  const client = createCriClient(options.endpoint, options.clock);
  return { runtime: createRuntime(client, options), images: reachedFirst(createCriImages({ ...options, client }), () => reach(client, options)) };
}

/** Images come before the runtime in a node's order. */
function reachedFirst(images: ImageStore, reached: () => Promise<unknown>): ImageStore {
  return {
    ...images,
    async start() {
      await reached();
      await images.start();
    },
  };
}

async function reach(client: CriClient, { endpoint, clock, log, reachedWithinMs = REACHED_WITHIN_MS }: CriOptions): Promise<{ name: string; version: string }> {
  const until = clock.monotonicMs() + reachedWithinMs;
  for (let told = false; ; told = true) {
    try {
      const { runtimeName, runtimeVersion } = await client.call('version', {});
      return { name: runtimeName, version: runtimeVersion };
    } catch (error) {
      if (clock.monotonicMs() > until) throw new Error(`--container-runtime-endpoint ${endpoint}: nothing there speaks CRI v1 (is it running?): ${messageOf(error)}`, { cause: error });
      if (!told) log.warn('waiting for the container runtime', { endpoint, error: messageOf(error) });
      await delay(clock, AGAIN_MS);
    }
  }
}

/** Runtimes of before 2024 do not tell: then the kubelet's setting holds, which must agree with theirs. */
async function cgroupDriverOf(client: CriClient): Promise<Pick<Runtime['info'], 'cgroupDriver'>> {
  try {
    const { linux } = await client.call('runtimeConfig', {});
    return linux === undefined ? {} : { cgroupDriver: linux.cgroupDriver === SYSTEMD_DRIVER ? 'systemd' : 'cgroupfs' };
  } catch (error) {
    if (error instanceof GrpcError && error.code === CODE.unimplemented) return {};
    throw error;
  }
}

/** Older runtimes name none: then they have none of what is asked for. */
async function handlersOf(client: CriClient): Promise<RuntimeHandler[]> {
  const { handlers } = await client.call('status', {});
  return handlers.map(({ name, features }) => ({ name, recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts === true, userNamespaces: features?.userNamespaces === true }));
}

/** As containerd tells of its configuration; the places everybody else uses. */
async function cniPlaces(client: CriClient): Promise<{ confDir: string; binDir: string }> {
  const { info } = await client.call('status', { verbose: true });
  const { cni } = JSON.parse(info['config'] ?? '{}') as { cni?: { confDir?: string; binDir?: string; binDirs?: string[] } };
  return { confDir: cni?.confDir ?? '/etc/cni/net.d', binDir: cni?.binDir ?? cni?.binDirs?.[0] ?? '/opt/cni/bin' };
}

function createRuntime(client: CriClient, options: CriOptions): Runtime {
  const listeners = new Set<(event: RuntimeEvent) => void>();
  let handlers: readonly RuntimeHandler[] = [];
  const info: Runtime['info'] = { name: 'cri', version: 'unknown' };
  const mirror = createMirror(client, info, (event) => {
    for (const listener of listeners) listener(event);
  });
  const watch = createWatch({ ...options, client, mirror });
  const sandbox = (id: string): SandboxStatus => mirror.sandboxes.get(id) ?? missing('sandbox', id);
  const container = (id: string): ContainerStatus => mirror.containers.get(id) ?? missing('container', id);
  return {
    info,
    handlers: () => handlers,
    problem: watch.problem,
    async start() {
      Object.assign(info, await reach(client, options), await cgroupDriverOf(client));
      handlers = await handlersOf(client);
      await mirror.refresh();
      if (options.network !== undefined) await options.network.start(await cniPlaces(client), new Set(mirror.sandboxes.keys()));
      watch.start();
    },
    async stop() {
      watch.stop();
      await options.network?.stop();
      client.close();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    ...sandboxCalls(client, mirror),
    ...containerCalls(client, mirror, container),
    exec: (id, execOptions) => as('ExecError', () => exec(client, id, execOptions)),
    attach: (id, attachOptions) => as('ExecError', () => attach(client, id, attachOptions)),
    connect: async (sandboxId, port) => connectTo(client, sandbox(sandboxId), port),
    stats: (id) => as('ExecError', () => statsOf(client, id === undefined ? [...mirror.containers.values()] : [container(id)], options.clock)),
  };
}

function sandboxCalls(client: CriClient, mirror: Mirror): Pick<Runtime, 'runSandbox' | 'stopSandbox' | 'removeSandbox' | 'listSandboxes'> {
  const lookAtAll = async (sandboxId: string): Promise<void> => {
    const inside = [...mirror.containers.values()].filter((container) => container.sandboxId === sandboxId);
    await Promise.all([mirror.lookAtSandbox(sandboxId), ...inside.map(({ id }) => mirror.look(id))]);
  };
  const once = createOnce();
  return {
    runSandbox: (config) => as('CreatePodSandboxError', async () => {
      const { id } = await client.call('runSandbox', { config: sandboxMessage(config), ...(config.runtimeHandler !== undefined && { runtimeHandler: config.runtimeHandler }) }).catch(async (error: unknown) => {
        await mirror.refresh(); // it may have left a part that is to be removed, and whose name is taken
        throw error;
      });
      return (await mirror.lookAtSandbox(id)) ?? missing('sandbox', id);
    }),
    stopSandbox: (id) => as('ExecError', () => once(`stop ${id}`, async () => {
      await unlessGone(client.call('stopSandbox', { id }));
      await lookAtAll(id);
    })),
    removeSandbox: (id) => as('ExecError', () => once(`remove ${id}`, async () => {
      if (!mirror.sandboxes.has(id)) return;
      await unlessGone(client.call('stopSandbox', { id }));
      await unlessGone(client.call('removeSandbox', { id }));
      for (const container of mirror.containers.values()) if (container.sandboxId === id) mirror.forget(container.id);
      mirror.forget(id);
    })),
    listSandboxes: () => [...mirror.sandboxes.values()],
  };
}

type ContainerCalls = 'createContainer' | 'startContainer' | 'stopContainer' | 'removeContainer' | 'listContainers' | 'status' | 'updateResources' | 'reopenLog';

function containerCalls(client: CriClient, mirror: Mirror, container: (id: string) => ContainerStatus): Pick<Runtime, ContainerCalls> {
  const once = createOnce();
  return {
    createContainer: (sandboxId, config) => as('CreateContainerError', async () => {
      const { config: sandbox } = mirror.sandboxes.get(sandboxId) ?? missing('sandbox', sandboxId);
      const id = await create(client, { sandboxId, config, sandbox });
      await mirror.look(id);
      return id;
    }),
    startContainer: (id) => as('RunContainerError', async () => {
      try {
        await client.call('startContainer', { id });
      } finally {
        await mirror.look(id);
      }
    }),
    stopContainer: (id, timeoutMs) => as('ExecError', async () => {
      const state = mirror.containers.get(id)?.state;
      if (state === undefined || state === 'exited') return;
      if (state !== 'created') await unlessGone(client.call('stopContainer', { id, timeout: Math.ceil(timeoutMs / 1000) }, { extraMs: timeoutMs }));
      await mirror.look(id);
    }),
    removeContainer: (id) => as('ExecError', () => once(id, async () => {
      await unlessGone(client.call('removeContainer', { id }));
      mirror.forget(id);
    })),
    listContainers: (sandboxId) => [...mirror.containers.values()].filter((one) => sandboxId === undefined || one.sandboxId === sandboxId),
    status: (id) => mirror.containers.get(id),
    updateResources: (id, resources) => as('ExecError', async () => {
      const { config } = container(id);
      await client.call('updateResources', { id, linux: resourcesMessage(resources) });
      mirror.replaceConfig(id, { ...config, resources: { ...config.resources, ...resources } });
    }),
    reopenLog: (id) => as('ExecError', () => client.call('reopenLog', { id }).then(() => {})),
  };
}

async function create(client: CriClient, { sandboxId, config, sandbox }: { sandboxId: string; config: ContainerConfig; sandbox: SandboxConfig }): Promise<string> {
  const sandboxConfig = sandboxMessage(sandbox, sandbox.privileged === true || config.security.privileged);
  try {
    return (await client.call('createContainer', { sandboxId, config: containerMessage(config, sandbox), sandboxConfig })).id;
  } catch (error) {
    if (isNotFound(error) && messageOf(error).includes(config.imageId)) throw new RuntimeError('CreateContainerError', `image ${config.imageId} is not here: ${messageOf(error)}`, { cause: error });
    throw error;
  }
}

/** Errors as the port has them: what was not found and what took too long by their own names, anything else by what was tried. */
async function as<T>(reason: RuntimeError['reason'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
    const known = error.code === CODE.notFound ? 'NotFound' : error.code === CODE.deadlineExceeded ? 'DeadlineExceeded' : reason;
    throw new RuntimeError(known, error.message, { cause: error });
  }
}

function missing(what: string, id: string): never {
  throw new RuntimeError('NotFound', `${what} "${id}" not found`);
}
