// A container: its image, its configuration, its creation and its start. What goes wrong is a StartError with the reason that the waiting
// state shows; Events as upstream's.
import { messageOf } from '../../../internal/base/errors.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { SERVICES } from '../../../internal/kinds/generated/resources.ts';
import { RuntimeError } from '../../runtime/runtime.ts';
import { environmentOf } from '../environment/environment.ts';
import { serviceEnvironment } from '../environment/service-environment.ts';
import { runPostStart } from '../hooks.ts';
import type { NodeContext } from '../node-context.ts';
import type { PodContainer } from '../pod-spec.ts';
import { StartError } from '../start-error.ts';
import { withCdiDevices } from '../devices/container-devices.ts';
import { containerConfig } from './container-config.ts';
import { containerMounts } from './container-mounts.ts';
import { ensureImage, isPresent, type PullBackOff } from './image.ts';
import type { Ground } from './step.ts';
import { mountMissing } from './volumes.ts';

export interface ContainerStart {
  pod: Pod;
  container: PodContainer;
  attempt: number;
  /** Resolves when volumes and sandbox stand; undefined when they do not come. */
  ground: Promise<Ground | undefined>;
  pullBackOffs: Map<string, PullBackOff>;
  /** Id of the container whose processes an ephemeral one joins. */
  targetId?: string;
  signal: AbortSignal;
}

/** Gives the id, or undefined when there was nothing to stand on. */
export async function startContainer(start: ContainerStart, node: NodeContext): Promise<string | undefined> {
  const { pod, container, signal } = start;
  const { name } = container.spec;
  const failed = (error: unknown, fallback: string): never => {
    signal.throwIfAborted();
    const failure = error instanceof StartError ? error : new StartError(reasonOf(error) ?? fallback, messageOf(error), { cause: error });
    node.event(pod, 'Warning', 'Failed', `Error: ${failure.reason === 'ErrImagePull' || failure.reason === 'ImagePullBackOff' || failure.reason === 'ErrImageNeverPull' || failure.reason === 'InvalidImageName' ? failure.reason : failure.message}`, name);
    throw failure;
  };
  // A pull goes on beside the making of the ground; what is there already waits for it, as upstream's events tell it.
  if (isPresent(container.spec, node) && (await start.ground)?.sandbox === undefined) return undefined;
  const image = await ensureImage({ pod, container: name, image: container.spec.image ?? '', policy: container.spec.imagePullPolicy, backOffs: start.pullBackOffs, signal }, node).catch((error: unknown) => failed(error, 'ErrImagePull'));
  const ground = await start.ground;
  if (ground?.sandbox === undefined || image === undefined) return undefined;
  signal.throwIfAborted();
  await pullImageVolumes(start, ground, node).catch((error: unknown) => failed(error, 'ErrImagePull'));
  const sandbox = ground.sandbox;
  const podIps = sandbox.config.hostNetwork ? node.nodeIps : sandbox.ips;
  const prepared = await prepare(start, { ground, podIps }, node).catch((error: unknown) => failed(error, 'CreateContainerConfigError'));
  if (prepared === undefined) return undefined;
  const { mounts: { mounts, devices, messageFile }, environment, given } = prepared;
  const volumeGroups = ground.volumes.flatMap(({ group }) => group ?? []);
  const config = await Promise.resolve().then(() => containerConfig({ ...start, image, mounts, devices, messageFile, environment, given, volumeGroups }, node)).catch((error: unknown) => failed(error, 'CreateContainerConfigError'));
  if (config === undefined) return undefined;
  signal.throwIfAborted();
  const id = await node.runtime.createContainer(sandbox.id, config).catch((error: unknown) => failed(error, 'CreateContainerError'));
  if (id === undefined) return undefined;
  return launch(start, { id, podIps }, node, failed);
}

async function launch({ pod, container, signal }: ContainerStart, { id, podIps }: { id: string; podIps: readonly string[] }, node: NodeContext, failed: (error: unknown, fallback: string) => never): Promise<string> {
  const { name } = container.spec;
  node.event(pod, 'Normal', 'Created', 'Container created', name);
  if (signal.aborted) {
    await node.runtime.removeContainer(id);
    throw signal.reason;
  }
  await node.runtime.startContainer(id).catch((error: unknown) => failed(error, 'RunContainerError'));
  node.event(pod, 'Normal', 'Started', 'Container started', name);
  await runPostStart({ pod, container: container.spec, id, podIps }, node);
  return id;
}

async function prepare({ pod, container }: ContainerStart, { ground, podIps }: { ground: Ground; podIps: readonly string[] }, node: NodeContext) {
  const [given, cdiDevices] = [await node.devices.prepare(pod, container.spec), await node.claims.cdiDevices(pod, container.spec)];
  if (container.kind === 'ephemeral') await mountMissing(container.spec, { ground, pod }, node);
  const services = node.views.of(SERVICES);
  await services.synced;
  const environment = await environmentOf({
    fields: { pod, podIps, hostIps: node.nodeIps, allocatable: node.allocatable() }, container: container.spec, objects: node.objects,
    services: serviceEnvironment(services.list(), pod.metadata.namespace ?? '', pod.spec.enableServiceLinks !== false),
    volumePath: (name) => ground.volumes.find((volume) => volume.name === name)?.hostPath,
  });
  return { environment, given: cdiDevices.length === 0 ? given : withCdiDevices(given, cdiDevices), mounts: await containerMounts({ pod, container: container.spec, volumes: ground.volumes, podIps, lookup: environment.lookup }, node) };
}

async function pullImageVolumes({ pod, container, pullBackOffs, signal }: ContainerStart, { volumes }: Ground, node: NodeContext): Promise<void> {
  for (const mount of container.spec.volumeMounts ?? []) {
    const volume = volumes.find(({ name }) => name === mount.name);
    if (volume?.image === undefined) continue;
    const policy = pod.spec.volumes?.find(({ name }) => name === mount.name)?.image?.pullPolicy;
    await ensureImage({ pod, container: '', image: volume.image, policy, backOffs: pullBackOffs, signal }, node);
  }
}

function reasonOf(error: unknown): string | undefined {
  return error instanceof RuntimeError ? error.reason : undefined;
}
