// Connections to a port inside a pod's network.
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { RuntimeError } from '../runtime.ts';
import type { Ground } from './ground.ts';
import type { SandboxRecord } from './records.ts';

export async function connectTo({ layout }: Ground, { id, state, config }: SandboxRecord, port: number): Promise<Socket> {
  if (state !== 'ready') throw new RuntimeError('ExecError', `sandbox ${id} is not ready`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RuntimeError('ExecError', `${String(port)} is not a port`);
  try {
    if (config.hostNetwork) return await connectHere(port);
    return await (await import('./sockets.ts')).connectInside(join(layout.pins, id, 'net'), port);
  } catch (error) {
    throw new RuntimeError('ExecError', `failed to connect to localhost:${String(port)} inside namespace "${id}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

export function connectHere(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket.off('error', reject)));
  });
}
