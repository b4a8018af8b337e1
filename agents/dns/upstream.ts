// Names that are not the cluster's: asked of the resolvers of a resolv.conf, in their order, over UDP and where that is truncated over TCP.
// Answers are passed on as they came. A small cache (at most 30 s, bounded, no timers: what is stale goes when it is met or when room is
// needed) and one question in flight per name keep a crowd of pods from asking the same thing at once.
import { createSocket } from 'node:dgram';
import { readFileSync, statSync } from 'node:fs';
import { connect, isIP, isIPv6, type Socket } from 'node:net';
import type { Clock } from '../../internal/base/clock.ts';
import type { Random } from '../../internal/base/random.ts';
import { answersQuery, encodeQuery, isTruncated, RCODE, recordsOf, type Query } from './message.ts';
import { createFrames, framed } from './frames.ts';
import { TYPE } from './record.ts';

export interface Upstream {
  /** The answer's bytes, with the query's id and question in them; undefined when no resolver answered. */
  ask(query: Query): Promise<Buffer | undefined>;
  close(): void;
}

export interface UpstreamOptions {
  /** Path of a resolv.conf; read again when it changes. */
  resolvConf: string;
  /** Addresses of our own: never asked, whatever the file says. */
  exclude: readonly string[];
  clock: Clock;
  random: Random;
  /** Default 53. */
  port?: number;
}

interface Cached {
  message: Buffer;
  storedMs: number;
  expiresMs: number;
}

type Exchange = (query: Buffer, questionBytes: number, server: string) => Promise<Buffer>;

const CACHE_ENTRIES_MAX = 512;
const CACHE_MESSAGE_BYTES_MAX = 2048;
const CACHE_SECONDS_MAX = 30;
const IN_FLIGHT_MAX = 512;
const ROUNDS = 2;
const TRY_MS = 2000;
const SERVERS_MAX = 3;

export function createUpstream(options: UpstreamOptions): Upstream {
  const { clock, random } = options;
  const stop = new AbortController();
  const cache = new Map<string, Cached>();
  const inFlight = new Map<string, Promise<Buffer | undefined>>();
  const servers = createServerList(options);
  const exchange: Exchange = async (query, questionBytes, server) => {
    const address = { server, port: options.port ?? 53 };
    const wait = { clock, signal: stop.signal };
    const reply = await exchangeUdp(query, questionBytes, address, wait);
    return isTruncated(reply) ? exchangeTcp(query, questionBytes, address, wait).catch(() => reply) : reply;
  };

  const fetch = async (query: Query, question: Buffer, key: string): Promise<Buffer | undefined> => {
    const message = await askServers(servers(), question, query, { exchange, random, signal: stop.signal });
    if (message !== undefined) keep(cache, key, message, clock.monotonicMs());
    return message;
  };

  return {
    async ask(query) {
      const question = query.question?.bytes;
      if (question === undefined) return undefined;
      const key = `${question.toString('latin1').toLowerCase()}${query.edns === undefined ? '' : 'e'}${query.edns?.dnssecOk === true ? 'd' : ''}${query.checkingDisabled ? 'c' : ''}`;
      const cached = cache.get(key);
      if (cached !== undefined && cached.expiresMs > clock.monotonicMs()) return personal(aged(cached, clock.monotonicMs()), query, question);
      cache.delete(key);
      let pending = inFlight.get(key);
      if (pending === undefined) {
        if (inFlight.size >= IN_FLIGHT_MAX) return undefined;
        inFlight.set(key, (pending = fetch(query, Buffer.from(question), key).finally(() => inFlight.delete(key))));
      }
      const message = await pending;
      return message === undefined ? undefined : personal(Buffer.from(message), query, question);
    },
    close: () => stop.abort(new Error('the cluster DNS stops')),
  };
}

async function askServers(servers: readonly string[], question: Buffer, query: Query, { exchange, random, signal }: { exchange: Exchange; random: Random; signal: AbortSignal }): Promise<Buffer | undefined> {
  let last: Buffer | undefined;
  for (const server of Array.from({ length: ROUNDS }, () => servers).flat()) {
    if (signal.aborted) break;
    const message = encodeQuery(random.bytes(2).readUInt16BE(0), question, { edns: query.edns !== undefined, dnssecOk: query.edns?.dnssecOk === true, checkingDisabled: query.checkingDisabled });
    const reply = await exchange(message, question.length, server).catch(() => undefined);
    if (reply === undefined) continue;
    const code = reply.readUInt16BE(2) & 15;
    if (code === RCODE.NOERROR || code === RCODE.NXDOMAIN) return reply;
    // A resolver that cannot: another may. What the last one said is passed on.
    last = reply;
  }
  return last;
}

function createServerList({ resolvConf, exclude }: UpstreamOptions): () => string[] {
  let readMs = -1;
  let servers: string[] = [];
  return () => {
    const changedMs = statSync(resolvConf, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changedMs === readMs) return servers;
    readMs = changedMs;
    return (servers = changedMs === 0 ? [] : nameServers(readFileSync(resolvConf, 'utf8')).filter((server) => !exclude.includes(server)).slice(0, SERVERS_MAX));
  };
}

function nameServers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = '']) => server).filter((server) => isIP(server) !== 0);
}

function keep(cache: Map<string, Cached>, key: string, message: Buffer, nowMs: number): void {
  const seconds = Math.min(secondsToKeep(message), CACHE_SECONDS_MAX);
  if (seconds <= 0) return;
  const oldest = cache.size >= CACHE_ENTRIES_MAX ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
  // A copy: the message may be a slice of a larger buffer.
  cache.set(key, { message: Buffer.from(message), storedMs: nowMs, expiresMs: nowMs + seconds * 1000 });
}

/** The least of the answer's TTLs; without an answer, what the SOA says (RFC 2308). 0: not at all. */
function secondsToKeep(message: Buffer): number {
  const code = message.readUInt16BE(2) & 15;
  if ((code !== RCODE.NOERROR && code !== RCODE.NXDOMAIN) || isTruncated(message) || message.length > CACHE_MESSAGE_BYTES_MAX) return 0;
  try {
    const records = recordsOf(message).filter(({ type }) => type !== TYPE.OPT);
    const soa = records.find(({ type, section }) => type === TYPE.SOA && section === 'authority');
    const answered = code === RCODE.NOERROR && records.some(({ section }) => section === 'answer');
    if (!answered) return soa === undefined ? 0 : Math.min(soa.ttl, message.readUInt32BE(soa.dataOffset + soa.dataBytes - 4));
    return Math.min(...records.map(({ ttl }) => ttl));
  } catch {
    return 0; // broken: passed on, not kept
  }
}

function aged({ message, storedMs }: Cached, nowMs: number): Buffer {
  const copy = Buffer.from(message);
  const seconds = Math.floor((nowMs - storedMs) / 1000);
  for (const { type, ttl, ttlOffset } of recordsOf(copy)) if (type !== TYPE.OPT) copy.writeUInt32BE(Math.max(0, ttl - seconds), ttlOffset);
  return copy;
}

/** With the id and the spelling of this client. */
function personal(message: Buffer, query: Query, question: Buffer): Buffer {
  message.writeUInt16BE(query.id, 0);
  message.set(question, 12);
  return message;
}

interface Wait {
  clock: Clock;
  signal: AbortSignal;
}

/** From a port of its own for each question, so that answers are hard to forge. */
function exchangeUdp(query: Buffer, questionBytes: number, { server, port }: { server: string; port: number }, { clock, signal }: Wait): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
    const end = (settle: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners().on('error', () => {}); // what comes after the answer is no one's
      socket.close();
      settle();
    };
    const fail = (error: unknown): void => end(() => reject(error as Error));
    const onAbort = (): void => fail(signal.reason);
    const timer = clock.setTimer(TRY_MS, () => fail(new Error(`${server} did not answer`)));
    signal.addEventListener('abort', onAbort);
    socket.on('error', fail);
    socket.on('message', (message) => {
      if (answersQuery(message, query, questionBytes)) end(() => resolve(message));
    });
    // Connected: the kernel lets only the server's packets in, and tells when nobody listens there.
    socket.connect(port, server, () => socket.send(query));
  });
}

function exchangeTcp(query: Buffer, questionBytes: number, { server, port }: { server: string; port: number }, { clock, signal }: Wait): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: server, port });
    const end = (settle: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      settle();
    };
    const fail = (error: unknown): void => end(() => reject(error as Error));
    const onAbort = (): void => fail(signal.reason);
    const timer = clock.setTimer(TRY_MS, () => fail(new Error(`${server} did not answer over TCP`)));
    const frames = createFrames((message) => {
      if (answersQuery(message, query, questionBytes)) end(() => resolve(message));
    });
    signal.addEventListener('abort', onAbort);
    socket.on('error', fail).on('close', () => fail(new Error(`${server} closed the connection`))).on('data', frames);
    socket.write(framed(query));
  });
}
