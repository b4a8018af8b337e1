// Runs a command in a container and keeps the first 10 KB of what it says: for probes and hooks.
import { Writable } from 'node:stream';
import type { Runtime } from '../../runtime/runtime.ts';

const OUTPUT_MAX_BYTES = 10 * 1024;

export interface ExecResult {
  exitCode: number;
  output: string;
}

export async function runInContainer(runtime: Runtime, id: string, options: { command: readonly string[]; timeoutMs?: number; signal?: AbortSignal }): Promise<ExecResult> {
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (): Writable => new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (size < OUTPUT_MAX_BYTES) chunks.push(chunk.subarray(0, OUTPUT_MAX_BYTES - size));
      size += chunk.length;
      done();
    },
  });
  const exitCode = await runtime.exec(id, {
    command: [...options.command], tty: false, stdout: collect(), stderr: collect(),
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }), ...(options.signal !== undefined && { signal: options.signal }),
  });
  return { exitCode, output: Buffer.concat(chunks).toString() };
}
