// Typed calls of a CRI socket: RuntimeService and ImageService of runtime.v1, each with the time it is given.
import type { Clock } from '../../../internal/base/clock.ts';
import { createGrpcClient, GrpcError, CODE } from '../../grpc/client.ts';
import { decode, encode, type Message, type MessageName, type Outgoing } from './messages.ts';

const RUNTIME = '/runtime.v1.RuntimeService/';
const IMAGES = '/runtime.v1.ImageService/';
const SECOND = 1000;
const USUAL = 120 * SECOND;

const CALLS = {
  version: [`${RUNTIME}Version`, 'VersionRequest', 'VersionResponse', 10 * SECOND],
  status: [`${RUNTIME}Status`, 'StatusRequest', 'StatusResponse', 10 * SECOND],
  runtimeConfig: [`${RUNTIME}RuntimeConfig`, 'Empty', 'RuntimeConfigResponse', 10 * SECOND],
  // They may pull the pause image, and run CNI plugins.
  runSandbox: [`${RUNTIME}RunPodSandbox`, 'RunSandboxRequest', 'SandboxId', 2 * USUAL],
  stopSandbox: [`${RUNTIME}StopPodSandbox`, 'SandboxId', 'Empty', 2 * USUAL],
  removeSandbox: [`${RUNTIME}RemovePodSandbox`, 'SandboxId', 'Empty', USUAL],
  sandboxStatus: [`${RUNTIME}PodSandboxStatus`, 'SandboxStatusRequest', 'SandboxStatusResponse', USUAL],
  listSandboxes: [`${RUNTIME}ListPodSandbox`, 'Empty', 'ListSandboxesResponse', USUAL],
  createContainer: [`${RUNTIME}CreateContainer`, 'CreateContainerRequest', 'ContainerId', USUAL],
  startContainer: [`${RUNTIME}StartContainer`, 'ContainerId', 'Empty', USUAL],
  stopContainer: [`${RUNTIME}StopContainer`, 'StopContainerRequest', 'Empty', USUAL],
  removeContainer: [`${RUNTIME}RemoveContainer`, 'ContainerId', 'Empty', USUAL],
  listContainers: [`${RUNTIME}ListContainers`, 'ListContainersRequest', 'ListContainersResponse', USUAL],
  containerStatus: [`${RUNTIME}ContainerStatus`, 'ContainerStatusRequest', 'ContainerStatusResponse', USUAL],
  updateResources: [`${RUNTIME}UpdateContainerResources`, 'UpdateResourcesRequest', 'Empty', USUAL],
  reopenLog: [`${RUNTIME}ReopenContainerLog`, 'ContainerId', 'Empty', USUAL],
  execSync: [`${RUNTIME}ExecSync`, 'ExecSyncRequest', 'ExecSyncResponse', USUAL],
  exec: [`${RUNTIME}Exec`, 'ExecRequest', 'StreamUrl', USUAL],
  attach: [`${RUNTIME}Attach`, 'AttachRequest', 'StreamUrl', USUAL],
  listStats: [`${RUNTIME}ListContainerStats`, 'ListStatsRequest', 'ListStatsResponse', USUAL],
  listImages: [`${IMAGES}ListImages`, 'Empty', 'ListImagesResponse', USUAL],
  imageStatus: [`${IMAGES}ImageStatus`, 'ImageRequest', 'ImageStatusResponse', USUAL],
  pullImage: [`${IMAGES}PullImage`, 'PullImageRequest', 'PullImageResponse', 60 * USUAL],
  removeImage: [`${IMAGES}RemoveImage`, 'ImageRequest', 'Empty', USUAL],
} as const;

const STREAMS = {
  containerEvents: [`${RUNTIME}GetContainerEvents`, 'Empty', 'ContainerEvent'],
  containerdEvents: ['/containerd.services.events.v1.Events/Subscribe', 'SubscribeRequest', 'Envelope'],
} as const;

type Calls = typeof CALLS;
type Streams = typeof STREAMS;

export interface CriClient {
  /** `extraMs`: what the call itself is asked to wait. */
  call<C extends keyof Calls>(name: C, request: Outgoing<Calls[C][1]>, options?: { extraMs?: number; signal?: AbortSignal }): Promise<Message<Calls[C][2]>>;
  stream<S extends keyof Streams>(name: S, request: Outgoing<Streams[S][1]>, onMessage: (message: Message<Streams[S][2]>) => void, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** `endpoint`: `unix:///run/containerd/containerd.sock`, or the path alone. */
export function createCriClient(endpoint: string, clock: Clock): CriClient {
  const grpc = createGrpcClient(socketPathOf(endpoint), clock);
  return {
    async call(name, request, { extraMs = 0, signal } = {}) {
      const [method, input, output, timeoutMs] = CALLS[name];
      const answer = await grpc.call(method, encode(input as MessageName, request as Outgoing<MessageName>), { timeoutMs: timeoutMs + extraMs, ...(signal !== undefined && { signal }) });
      return decode(output as MessageName, answer) as Message<Calls[typeof name][2]>;
    },
    stream(name, request, onMessage, signal) {
      const [method, input, output] = STREAMS[name];
      return grpc.stream(method, encode(input as MessageName, request as Outgoing<MessageName>), (bytes) => onMessage(decode(output as MessageName, bytes) as Message<Streams[typeof name][2]>), signal);
    },
    close: () => grpc.close(),
  };
}

function socketPathOf(endpoint: string): string {
  return endpoint.replace(/^unix:(\/\/)?/, '');
}

export function isNotFound(error: unknown): boolean {
  return error instanceof GrpcError && error.code === CODE.notFound;
}

/** What is gone already is done. */
export async function unlessGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
