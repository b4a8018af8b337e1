// Commands and attached streams, at the URL that the runtime's streaming server gives for one use: SPDY/3.1 with v4.channel.k8s.io, which every
// runtime has (its WebSockets before v5 cannot tell that stdin has ended). A command with a time limit goes by ExecSync instead: only there
// does the runtime kill it when the time is over.
import { request as httpRequest } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { messageOf } from '../../../internal/base/errors.ts';
import { createSpdySession, type SpdySession } from '../../spdy/session.ts';
import { RuntimeError, type ExecOptions } from '../runtime.ts';
import type { CriClient } from './client.ts';
import { CODE, GrpcError } from '../../grpc/client.ts';

type Streams = Omit<ExecOptions, 'command' | 'timeoutMs'>;

/** What the error stream says at the end: a Status. */
interface Outcome {
  status?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string }[] };
}

export async function exec(client: CriClient, id: string, options: ExecOptions): Promise<number> {
  const { command, tty, stdin, signal } = options;
  if (command.length === 0) throw new RuntimeError('ExecError', 'no command specified');
  signal?.throwIfAborted();
  if (options.timeoutMs !== undefined && !tty && stdin === undefined) return await execSync(client, id, { ...options, timeoutMs: options.timeoutMs });
  const { url } = await client.call('exec', { id, command, tty, stdin: stdin !== undefined, stdout: true, stderr: !tty });
  return codeOf(await stream(url, options));
}

export async function attach(client: CriClient, id: string, options: Streams): Promise<void> {
  options.signal?.throwIfAborted();
  const { tty, stdin } = options;
  const { url } = await client.call('attach', { id, tty, stdin: stdin !== undefined, stdout: true, stderr: !tty });
  const { status, message = 'the runtime ended the streams' } = await stream(url, options);
  if (status === 'Failure') throw new RuntimeError('ExecError', message);
}

async function execSync(client: CriClient, id: string, { command, stdout, stderr, timeoutMs, signal }: ExecOptions & { timeoutMs: number }): Promise<number> {
  try {
    const result = await client.call('execSync', { id, command, timeout: Math.ceil(timeoutMs / 1000) }, { extraMs: timeoutMs, ...(signal !== undefined && { signal }) });
    stdout?.write(result.stdout);
    stderr?.write(result.stderr);
    return result.exitCode;
  } catch (error) {
    if (error instanceof GrpcError && error.code === CODE.deadlineExceeded) throw new RuntimeError('DeadlineExceeded', `command ${JSON.stringify(command.join(' '))} timed out`, { cause: error });
    if (error instanceof GrpcError && error.code === CODE.unknown) return codeOfFailure(error.message);
    throw error;
  }
}

function codeOf({ status, message = '', details }: Outcome): number {
  if (status === 'Success') return 0;
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  return code === undefined ? codeOfFailure(message) : Number(code);
}

/** As a shell tells: 127 not found, 126 found but not to be run. Anything else is not the command's fault. */
function codeOfFailure(words: string): number {
  if (/executable file not found|no such file or directory/i.test(words)) return 127;
  if (/permission denied|exec format error|is a directory/i.test(words)) return 126;
  throw new RuntimeError('ExecError', words || 'the command could not be started');
}

async function stream(url: string, options: Streams): Promise<Outcome> {
  const { tty, stdin, stdout, stderr, resize, signal } = options;
  const session = await upgrade(new URL(url));
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // heard of below, if it matters
  const onAbort = (): void => aborted.reject(signal?.reason instanceof Error ? signal.reason : new RuntimeError('ExecError', 'the caller has gone'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const open = async (streamType: string): Promise<Duplex> => (await session.open({ streamtype: streamType })).duplex;
  try {
    const said = textOf(await open('error'));
    const input = stdin === undefined ? undefined : await open('stdin');
    const outputs = [copy(await open('stdout'), stdout), ...(tty ? [] : [copy(await open('stderr'), stderr)])];
    if (tty) void follow(await open('resize'), resize);
    if (input !== undefined) stdin?.pipe(input);
    const [text] = await Promise.race([Promise.all([said, ...outputs]), aborted.promise]);
    if (text === '') throw new RuntimeError('ExecError', 'the runtime broke the connection off');
    return JSON.parse(text) as Outcome;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stdin?.unpipe();
    session.close();
  }
}

function upgrade(url: URL): Promise<SpdySession> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' } });
    request.once('upgrade', (_response, socket, head) => resolve(createSpdySession(socket, head)));
    request.once('response', (response) => {
      void textOf(response).then((text) => reject(new RuntimeError('ExecError', `the runtime refused the streams: ${String(response.statusCode)} ${text.trim()}`)), reject);
    });
    request.once('error', (error) => reject(new RuntimeError('ExecError', `the runtime's streaming server: ${messageOf(error)}`, { cause: error })));
    request.end();
  });
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
}

/** To its end, with back-pressure; what nobody wants is read all the same. */
async function copy(from: Readable, to: Writable | undefined): Promise<''> {
  for await (const chunk of from) {
    if (to === undefined || to.destroyed || to.write(chunk)) continue;
    await new Promise<void>((resolve) => to.once('drain', resolve).once('close', resolve));
  }
  return '';
}

async function follow(to: Writable, sizes: ExecOptions['resize']): Promise<void> {
  if (sizes === undefined) return;
  for await (const { width, height } of sizes) if (!to.destroyed) to.write(JSON.stringify({ Width: width, Height: height }));
}
