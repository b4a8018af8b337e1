// What the runtime has of Skiff's, as it was last seen: the port answers from here, since it answers at once. The runtime's events, every call of
// ours and a slow round over everything keep it true. Only what carries our annotation is Skiff's.
import { messageOf } from '../../../internal/base/errors.ts';
import type { ContainerConfig, ContainerState, ContainerStatus, RuntimeEvent, SandboxConfig, SandboxStatus } from '../runtime.ts';
import { isNotFound, type CriClient } from './client.ts';
import type { Message } from './messages.ts';
import { CONFIG_ANNOTATION } from './requests.ts';

const STATES: readonly ContainerState[] = ['created', 'running', 'exited', 'unknown'];
const NANOS_PER_MS = 1_000_000;

export interface Mirror {
  readonly sandboxes: ReadonlyMap<string, SandboxStatus>;
  readonly containers: ReadonlyMap<string, ContainerStatus>;
  /** Everything anew. */
  refresh(): Promise<void>;
  /** One container anew. */
  look(id: string): Promise<ContainerStatus | undefined>;
  lookAtSandbox(id: string): Promise<SandboxStatus | undefined>;
  /** A change that was made by us and cannot be read back. */
  replaceConfig(id: string, config: ContainerConfig): void;
  forget(id: string): void;
}

/** `runtimeInfo`: the runtime's name, known by the time anything is looked at. */
export function createMirror(client: CriClient, runtimeInfo: { readonly name: string }, emit: (event: RuntimeEvent) => void): Mirror {
  const sandboxes = new Map<string, SandboxStatus>();
  const containers = new Map<string, ContainerStatus>();

  async function lookAtSandbox(id: string): Promise<SandboxStatus | undefined> {
    const { status } = await orGone(client.call('sandboxStatus', { id }));
    const config = status === undefined ? undefined : configOf<SandboxConfig>(status);
    if (status === undefined || config === undefined) {
      sandboxes.delete(id);
      return undefined;
    }
    const { network } = status;
    const ips = network === undefined ? [] : [network.ip, ...network.more.map(({ ip }) => ip)].filter((ip) => ip !== '');
    const seen: SandboxStatus = { id, config, state: status.state === 0 ? 'ready' : 'notready', ips: ips.length > 0 ? ips : sandboxes.get(id)?.ips ?? [], createdAt: ms(status.createdAt) };
    sandboxes.set(id, seen);
    return seen;
  }

  async function look(id: string, listed?: Message<'Container'>): Promise<ContainerStatus | undefined> {
    const known = containers.get(id);
    const item = listed ?? (known === undefined ? (await client.call('listContainers', { filter: { id } })).containers.find((one) => one.id === id) : undefined);
    const { status, info } = await orGone(client.call('containerStatus', { id, verbose: true }));
    const config = containers.get(id)?.config ?? (item === undefined ? undefined : configOf<ContainerConfig>(item));
    const sandboxId = known?.sandboxId ?? item?.sandboxId;
    if (status === undefined || config === undefined || sandboxId === undefined) {
      containers.delete(id);
      return undefined;
    }
    const before = containers.get(id);
    const seen = statusOf(status, { sandboxId, config, pid: pidOf(info['info']), runtime: runtimeInfo.name });
    if (before?.state === 'exited' && seen.state !== 'exited') return before; // an older answer came later
    containers.set(id, seen);
    tell(before, seen);
    return seen;
  }

  /** What was found ended when Skiff came is told too: nobody remembers what was told before. */
  function tell(before: ContainerStatus | undefined, { id, sandboxId, state, startedAt, exitCode = 255 }: ContainerStatus): void {
    if (before?.state === 'created' && startedAt > 0 && state !== 'created') emit({ type: 'started', sandboxId, containerId: id });
    if (before?.state !== 'exited' && state === 'exited') emit({ type: 'exited', sandboxId, containerId: id, exitCode });
  }

  return {
    sandboxes, containers, lookAtSandbox, look: (id) => look(id),
    async refresh() {
      const [sandboxIds, containerIds] = [[...sandboxes.keys()], [...containers.keys()]]; // what comes in while we ask is not gone
      const [{ items }, { containers: listed }] = await Promise.all([client.call('listSandboxes', {}), client.call('listContainers', {})]);
      const ours = items.filter(({ annotations }) => annotations[CONFIG_ANNOTATION] !== undefined);
      for (const id of sandboxIds) if (!ours.some((item) => item.id === id)) sandboxes.delete(id);
      for (const id of containerIds) if (!listed.some((item) => item.id === id)) containers.delete(id);
      for (const { id, state } of ours) if (sandboxes.get(id)?.state !== (state === 0 ? 'ready' : 'notready')) await lookAtSandbox(id);
      for (const item of listed) if (sandboxes.has(item.sandboxId) && containers.get(item.id)?.state !== STATES[item.state]) await look(item.id, item);
    },
    replaceConfig(id, config) {
      const known = containers.get(id);
      if (known !== undefined) containers.set(id, { ...known, config });
    },
    forget(id) {
      sandboxes.delete(id);
      containers.delete(id);
    },
  };
}

async function orGone<T extends object>(answer: Promise<T>): Promise<Partial<T> & { info: Record<string, string> }> {
  try {
    return { info: {}, ...(await answer) };
  } catch (error) {
    if (isNotFound(error)) return { info: {} } as Partial<T> & { info: Record<string, string> };
    throw error;
  }
}

function statusOf(status: Message<'ContainerStatus'>, { sandboxId, config, pid, runtime }: { sandboxId: string; config: ContainerConfig; pid: number; runtime: string }): ContainerStatus {
  const { id, exitCode, reason, message, user } = status;
  const state = STATES[status.state] ?? 'unknown';
  return {
    id, runtime, sandboxId, config, state, createdAt: ms(status.createdAt), startedAt: ms(status.startedAt), finishedAt: ms(status.finishedAt),
    ...(state === 'running' && pid > 0 && { pid }),
    ...(state === 'exited' && { exitCode, reason: reason === '' ? (exitCode === 0 ? 'Completed' : 'Error') : reason }),
    ...(message !== '' && { message }), ...(user?.linux !== undefined && { user: user.linux }),
  };
}

/** Undefined for what is not ours, or cannot be read. */
function configOf<T extends SandboxConfig | ContainerConfig>({ labels, annotations }: { labels: Record<string, string>; annotations: Record<string, string> }): T | undefined {
  const { [CONFIG_ANNOTATION]: text, ...others } = annotations;
  if (text === undefined) return undefined;
  try {
    return { ...(JSON.parse(text) as T), labels, annotations: others };
  } catch (error) {
    throw new Error(`${CONFIG_ANNOTATION} ${text}: ${messageOf(error)}`, { cause: error });
  }
}

/** Containerd and CRI-O both tell it in JSON, when asked for more. */
export function pidOf(info: string | undefined): number {
  try {
    return (JSON.parse(info ?? '{}') as { pid?: number }).pid ?? 0;
  } catch {
    return 0;
  }
}

function ms(nanos: number): number {
  return Math.max(0, Math.floor(nanos / NANOS_PER_MS));
}
