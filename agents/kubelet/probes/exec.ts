// Runs a command in a container and keeps the first 10 KB of what it says: for probes and hooks.
import { Writable } from 'node:stream';
import type { Runtime } from '../../runtime/runtime.ts';

const OUTPUT_MAX_BYTES = 10 * 1024;

export interface ExecResult {
  exitCode: number;
  output: string;
  /** What of it came by stderr. */
  errors: string;
}

export async function runInContainer(runtime: Runtime, id: string, options: { command: readonly string[]; timeoutMs?: number; mustStart?: boolean; signal?: AbortSignal }): Promise<ExecResult> {
  const chunks: { bytes: Buffer; stream: 'stdout' | 'stderr' }[] = [];
  let size = 0;
  const collect = (stream: 'stdout' | 'stderr'): Writable => new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (size < OUTPUT_MAX_BYTES) chunks.push({ bytes: chunk.subarray(0, OUTPUT_MAX_BYTES - size), stream });
      size += chunk.length;
      done();
    },
  });
  const exitCode = await runtime.exec(id, {
    command: [...options.command], tty: false, stdout: collect('stdout'), stderr: collect('stderr'),
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }), ...(options.mustStart === true && { mustStart: true }), ...(options.signal !== undefined && { signal: options.signal }),
  });
  const textOf = (some: typeof chunks): string => Buffer.concat(some.map(({ bytes }) => bytes)).toString();
  return { exitCode, output: textOf(chunks), errors: textOf(chunks.filter(({ stream }) => stream === 'stderr')) };
}
