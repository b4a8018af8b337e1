// An exec or attach over a client's streams, whatever carries them. How it ended goes to the error stream as a Status: its ExitCode cause is
// what kubectl exits with.
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Runtime } from '../../runtime/runtime.ts';

export interface RemoteCommand {
  kind: 'exec' | 'attach';
  containerId: string;
  command: string[];
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  /** A container with a terminal has nothing to say there; a client that knows of none opens it. */
  stderr: boolean;
  /** The client opens a stream of its terminal's sizes. */
  resizes: boolean;
}

export interface CommandStreams {
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  resize?: AsyncIterable<{ width: number; height: number }>;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
  /** Sends how it ended and closes the connection. */
  finish(status: ExecStatus): Promise<void>;
}

export interface ExecStatus {
  metadata: object;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  code?: number;
  details?: { causes: { reason?: string; message: string }[] };
}

export async function runRemoteCommand(runtime: Runtime, { kind, containerId, command, tty }: RemoteCommand, streams: CommandStreams): Promise<void> {
  const options = {
    tty, signal: streams.signal, ...(streams.stdin !== undefined && { stdin: streams.stdin }), ...(streams.stdout !== undefined && { stdout: streams.stdout }),
    ...(streams.stderr !== undefined && { stderr: streams.stderr }), ...(tty && streams.resize !== undefined && { resize: streams.resize }),
  };
  try {
    const exitCode = kind === 'exec' ? await runtime.exec(containerId, { ...options, command, mustStart: true }) : await runtime.attach(containerId, options).then(() => 0);
    await streams.finish(statusOf(exitCode, command));
  } catch (error) {
    await streams.finish({ metadata: {}, status: 'Failure', message: `Internal error occurred: ${wordsOf(error)}`, reason: 'InternalError', code: 500, details: { causes: [{ message: wordsOf(error) }] } });
  }
}

/** As upstream tells it over containerd: a command that could not be started is no exit code. */
function wordsOf(error: unknown): string {
  return `error executing command in container: failed to exec in container: ${messageOf(error)}`;
}

export function statusOf(exitCode: number, command: readonly string[]): ExecStatus {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {}, status: 'Failure', message: `command terminated with non-zero exit code: error executing command [${command.join(' ')}], exit code ${String(exitCode)}`, reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
