// systemd's manager of units, as far as cgroups need it: transient units made, changed and stopped over its private socket, which every systemd has
// and only root may use; no message bus is needed. A connection is opened for a piece of work and closed after it: nothing stays open while idle.
import { connect, type Socket } from 'node:net';
import { existsSync } from 'node:fs';
import type { Clock } from '../../internal/base/clock.ts';
import { decodeMessage, encodeCall, type Message } from './dbus-message.ts';
import type { Value, Variant } from './dbus-values.ts';

const SYSTEMD_SOCKET = '/run/systemd/private';
const [PATH, MANAGER, DESTINATION] = ['/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'org.freedesktop.systemd1'];
/** systemd may be busy; it is as long as others wait for it. */
const PATIENCE_MS = 30_000;

export type Property = readonly [name: string, value: Variant];

export interface Systemd {
  /** Resolves when it is active. `SystemdError` UnitExists when there is one of that name. */
  startTransientUnit(name: string, properties: readonly Property[]): Promise<void>;
  /** Until the unit ends or the machine does. */
  setUnitProperties(name: string, properties: readonly Property[]): Promise<void>;
  /** Resolves when it has ended, also when there is none. */
  stopUnit(name: string): Promise<void>;
}

export class SystemdError extends Error {
  override readonly name = 'SystemdError';
  /** `UnitExists`, `NoSuchUnit`. */
  readonly reason: string;
  constructor(errorName: string, message: string) {
    super(message);
    this.reason = errorName.split('.').at(-1) ?? '';
  }
}

/** Whether systemd runs this machine. */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

export async function withSystemd<T>(clock: Clock, work: (systemd: Systemd) => Promise<T>, socketPath = SYSTEMD_SOCKET): Promise<T> {
  const connection = await open(socketPath, clock);
  try {
    return await work(systemdOver(connection));
  } finally {
    connection.close();
  }
}

interface Connection {
  call(member: string, signature: string, values: readonly Value[]): Promise<Value[]>;
  /** How a job ended: `done`, `failed`, … */
  job(path: string): Promise<string>;
  close(): void;
}

function systemdOver({ call, job }: Connection): Systemd {
  const done = async (what: string, answer: Value[], results: readonly string[]): Promise<void> => {
    const result = await job(String(answer[0] as string));
    if (!results.includes(result)) throw new Error(`systemd: ${what}: the job ended as ${JSON.stringify(result)}`);
  };
  return {
    startTransientUnit: async (name, properties) => done(`unit ${name} cannot be started`, await call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'replace', properties, []]), ['done']),
    setUnitProperties: async (name, properties) => void (await call('SetUnitProperties', 'sba(sv)', [name, true, properties])),
    async stopUnit(name) {
      try {
        await done(`unit ${name} cannot be stopped`, await call('StopUnit', 'ss', [name, 'replace']), ['done', 'canceled']);
      } catch (error) {
        if (!(error instanceof SystemdError) || error.reason !== 'NoSuchUnit') throw error;
      }
      await call('ResetFailedUnit', 's', [name]).catch(() => []); // only one that has failed is kept by systemd
    },
  };
}

async function open(socketPath: string, clock: Clock): Promise<Connection> {
  const socket = connect(socketPath);
  const late = new Error(`systemd did not answer within ${String(PATIENCE_MS / 1000)} s`);
  const timer = clock.setTimer(PATIENCE_MS, () => socket.destroy(late));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', (error) => reject(new Error(`systemd cannot be reached at ${socketPath}: ${error.message}`, { cause: error })));
    });
    // Words and messages in one go: the socket takes whoever the kernel says is root.
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')}\r\nBEGIN\r\n`);
    return connectionOver(socket, () => timer.cancel());
  } catch (error) {
    timer.cancel();
    throw error;
  }
}

function connectionOver(socket: Socket, onClose: () => void): Connection {
  const [replies, jobs] = [new Map<number, PromiseWithResolvers<Value[]>>(), new Map<string, PromiseWithResolvers<string>>()];
  const jobAt = (path: string): PromiseWithResolvers<string> => {
    const waiting = jobs.get(path) ?? Promise.withResolvers<string>();
    waiting.promise.catch(() => {}); // nobody may ask for it
    jobs.set(path, waiting);
    return waiting;
  };
  let [serial, failure] = [0, undefined as Error | undefined];
  const fail = (error: Error): void => {
    failure ??= error;
    for (const waiting of [...replies.values(), ...jobs.values()]) waiting.reject(failure);
  };
  socket.on('error', fail).on('close', () => fail(new Error('systemd closed the connection')));
  readMessages(socket, ({ type, member, errorName, replySerial, values }) => {
    if (type === 'signal' && member === 'JobRemoved') {
      const [, job, , result] = values() as [number, string, string, string];
      jobAt(job).resolve(result);
    } else if (type === 'error') replies.get(replySerial)?.reject(new SystemdError(errorName, String(values()[0] as string | undefined ?? errorName)));
    else if (type === 'return') replies.get(replySerial)?.resolve(values());
  }, fail);
  return {
    call(member, signature, values) {
      const reply = Promise.withResolvers<Value[]>();
      replies.set(++serial, reply);
      if (failure !== undefined) reply.reject(failure);
      else socket.write(encodeCall({ serial, path: PATH, interface: MANAGER, member, destination: DESTINATION, signature, values }));
      return reply.promise;
    },
    job(path) {
      const waiting = jobAt(path);
      if (failure !== undefined) waiting.reject(failure);
      return waiting.promise;
    },
    close() {
      onClose();
      socket.destroy();
    },
  };
}

/** After one line, the answer to who we are. */
function readMessages(socket: Socket, onMessage: (message: Message) => void, fail: (error: Error) => void): void {
  let [kept, greeted] = [Buffer.alloc(0), false];
  socket.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    try {
      if (!greeted) {
        const end = kept.indexOf('\r\n');
        if (end < 0) return;
        if (!kept.toString('latin1', 0, end).startsWith('OK')) throw new Error(`systemd refused the connection: ${kept.toString('latin1', 0, end)}`);
        [kept, greeted] = [kept.subarray(end + 2), true];
      }
      for (let next = decodeMessage(kept); next !== undefined; next = decodeMessage(kept)) {
        kept = kept.subarray(next.length);
        onMessage(next.message);
      }
    } catch (error) {
      fail(error as Error);
      socket.destroy();
    }
  });
}
