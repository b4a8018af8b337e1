// Connections to a port inside a pod's network: by the network namespace of the sandbox's own process, as containerd and CRI-O make them
// themselves. Their PortForward stream would tell of a refusal only after it was taken for a connection.
import type { Socket } from 'node:net';
import { RuntimeError, type SandboxStatus } from '../runtime.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { connectHere } from '../runc/connect.ts';
import type { CriClient } from './client.ts';
import { pidOf } from './mirror.ts';

export async function connectTo(client: CriClient, { id, state, config }: SandboxStatus, port: number): Promise<Socket> {
  if (state !== 'ready') throw new RuntimeError('ExecError', `sandbox ${id} is not ready`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RuntimeError('ExecError', `${String(port)} is not a port`);
  try {
    if (config.hostNetwork) return await connectHere(port);
    const { info } = await client.call('sandboxStatus', { id, verbose: true });
    const pid = pidOf(info['info']);
    if (pid === 0) throw new Error('the runtime does not tell its process');
    return await (await import('../runc/sockets.ts')).connectInside(`/proc/${String(pid)}/ns/net`, port);
  } catch (error) {
    throw new RuntimeError('ExecError', `failed to connect to localhost:${String(port)} inside namespace "${id}": ${messageOf(error)}`, { cause: error });
  }
}
