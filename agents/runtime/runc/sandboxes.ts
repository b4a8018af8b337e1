// Making, stopping and removing sandboxes.
import { basename, join } from 'node:path';
import { messageOf } from '../../../internal/base/errors.ts';
import { RuntimeError, type SandboxConfig, type SandboxStatus } from '../runtime.ts';
import { removeContainer, stopContainer } from './container.ts';
import type { Ground } from './ground.ts';
import { startPause, stopPause } from './pause.ts';
import type { SandboxRecord } from './records.ts';
import { pinNamespaces, unpinNamespaces, writeSandboxFiles } from './sandbox.ts';

export async function runSandbox(ground: Ground, config: SandboxConfig): Promise<SandboxStatus> {
  const { records, clock, random, layout } = ground;
  checkHandler(ground, config);
  const record: SandboxRecord = { id: random.bytes(32).toString('hex'), config, state: 'making', ips: [], createdAt: clock.now(), bootId: ground.bootId };
  records.saveSandbox(record);
  try {
    writeSandboxFiles(join(layout.sandboxes, record.id), config);
    await ground.limit(() => pinNamespaces(join(layout.pins, record.id), config));
    await Promise.all([attachNetwork(ground, record), config.shareProcessNamespace && !config.hostPid ? startPause(ground, record) : undefined]);
    record.state = 'ready';
    records.saveSandbox(record);
    return statusOfSandbox(record);
  } catch (error) {
    await removeSandbox(ground, record).catch((also: unknown) => ground.log.warn('what was left of a sandbox could not be removed', { id: record.id, error: also }));
    throw new RuntimeError('CreatePodSandboxError', messageOf(error), { cause: error });
  }
}

/** There is one way to run containers here: pods that want another (a sandbox of a virtual machine, say) must not get this one. */
function checkHandler({ ociRuntime }: Ground, { runtimeHandler = '' }: SandboxConfig): void {
  if (!['', 'runc', basename(ociRuntime)].includes(runtimeHandler)) throw new RuntimeError('CreatePodSandboxError', `failed to get sandbox runtime: no runtime for ${JSON.stringify(runtimeHandler)} is configured`);
}

async function attachNetwork({ network, layout }: Ground, record: SandboxRecord): Promise<void> {
  const { namespace, name, uid, hostNetwork, portMappings } = record.config;
  if (hostNetwork) return;
  record.ips = (await network.attach(record.id, join(layout.pins, record.id, 'net'), { namespace, name, uid, hostPorts: portMappings })).ips;
}

export async function stopSandbox(ground: Ground, record: SandboxRecord): Promise<void> {
  await Promise.all(containersOf(ground, record).map((container) => stopContainer(ground, container, 0)));
  if (record.state === 'notready') return;
  await stopPause(ground, record);
  if (!record.config.hostNetwork) await ground.network.detach(record.id, join(ground.layout.pins, record.id, 'net'));
  await unpinNamespaces(join(ground.layout.pins, record.id));
  record.state = 'notready';
  if (ground.records.sandboxes.has(record.id)) ground.records.saveSandbox(record);
}

export async function removeSandbox(ground: Ground, record: SandboxRecord): Promise<void> {
  if (!ground.records.sandboxes.has(record.id)) return;
  await stopSandbox(ground, record);
  await Promise.all(containersOf(ground, record).map((container) => removeContainer(ground, container)));
  ground.records.removeSandbox(record.id);
}

export function statusOfSandbox({ id, config, state, ips, createdAt }: SandboxRecord): SandboxStatus {
  return { id, config, state: state === 'ready' ? 'ready' : 'notready', ips, createdAt };
}

function containersOf({ records }: Ground, { id }: SandboxRecord) {
  return [...records.containers.values()].filter(({ sandboxId }) => sandboxId === id);
}
