// Connections to a port inside a pod's network: this program again, in that namespace, with its streams for a wire.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { RuntimeError } from '../runtime.ts';
import type { Ground } from './ground.ts';
import type { SandboxRecord } from './records.ts';

export async function connectTo(ground: Ground, sandbox: SandboxRecord, port: number): Promise<Duplex> {
  const [program = '', ...args] = [...(sandbox.config.hostNetwork ? [] : ['nsenter', `--net=${join(ground.layout.pins, sandbox.id, 'net')}`, '--']), ...ground.self, 'relay', String(port)];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  let words = '';
  stderr.on('data', (chunk: Buffer) => (words += chunk.toString().slice(0, 1000)));
  stdin.on('error', () => {}); // it has gone: the read side tells
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(new RuntimeError('ExecError', `failed to connect to localhost:${String(port)} inside the pod: ${words.trim()}`)));
    stdout.once('readable', () => {
      if (stdout.read(1) !== null) resolve();
    });
  });
  const duplex = Duplex.from({ readable: stdout as NodeJS.ReadableStream, writable: stdin as NodeJS.WritableStream } as unknown as Iterable<unknown>);
  duplex.once('close', () => child.kill());
  child.once('exit', () => stdin.destroy());
  return duplex;
}
