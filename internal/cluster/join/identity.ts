// Who a node is, kept in one file of <data-dir>/agent: server, name, password, key, certificates and what it must know of the cluster. With it
// the node starts without the token, and without the server. Certificates are renewed in the running process, long before they end.
//
//   kept ─────────────────────────────► used; renewed in time, or when they have ended, or for an address they lack, as soon as the server is there
//   none, or another name or CA ──join──► kept        the server down: asked again until it is there
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { delay, type Clock, type Timer } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { isReason, messageOf } from '../../base/errors.ts';
import { readFileIfThere, writeFileAtomically } from '../../base/files.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TlsCredentials } from '../../client/https-transport.ts';
import { caPin, isFor, renewAt } from '../authority.ts';
import { generateKey } from '../certificate.ts';
import { parseJoinToken } from '../join-token.ts';
import { joinCluster } from './agent.ts';
import type { JoinAnswer, JoinRequest } from './protocol.ts';

export interface Identity extends JoinAnswer {
  server: string;
  nodeName: string;
  nodePassword: string;
  /** PEM; one key for the three certificates, whose usages keep them apart. */
  key: string;
}

export interface IdentityOptions {
  /** <data-dir>/agent */
  directory: string;
  /** Absent: that of an earlier start. */
  server?: string;
  token?: string;
  nodeName: string;
  /** As they are now. */
  nodeIps(): readonly string[];
  clock: Clock;
  random: Random;
  log: Log;
  /** Ends the waiting for a server. */
  signal: AbortSignal;
}

/** Also without a certificate that is due: clocks are set, and timers do not notice. */
const LOOK_MS = 60_000;
const LOOK_MIN_MS = 500;
/** How long a start waits for news. */
const FRESH_MS = 3_000;
const RETRY_MS = 500;
const RETRY_MAX_MS = 10_000;

/** What is kept is used, whether the server is there or not; one that answers soon tells what has changed. Only a node that has nothing waits for it. */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const kept = readIdentity(options.directory);
  const server = options.server ?? kept?.server;
  if (server === undefined) throw new Error('--server: needed at the first start, https://HOST:6443');
  if (kept !== undefined && isMine(kept, server, options)) return refreshed(kept.server === server ? kept : write({ ...kept, server }, options), options);
  if (options.token === undefined) throw new Error(`--token: needed to join ${server} as node "${options.nodeName}"; it is in <data-dir>/server/node-token on the server`);
  return joinWithPatience(stranger(server, options), options);
}

/** A known node is who it is, wherever its server is now; a token that leads to another cluster makes it a stranger. */
function isMine(kept: Identity, server: string, { nodeName, token }: IdentityOptions): boolean {
  if (kept.nodeName !== nodeName) return false;
  const pin = token === undefined ? undefined : parseJoinToken(token).caPin;
  return token === undefined || (pin === undefined ? kept.server === server : pin === caPin(kept.serverCa));
}

/** With the cluster's settings as they are now, if the server is there. */
async function refreshed(kept: Identity, options: IdentityOptions): Promise<Identity> {
  const { clock, log, signal } = options;
  const patience = new AbortController();
  const fresh = joinOnce(kept, options).catch((error: unknown) => {
    if (!isReason(error, 'ServiceUnavailable', 'Timeout')) log.warn('the server does not take this node as it is', { server: kept.server, error: messageOf(error) });
    return kept;
  });
  const first = await Promise.race([fresh, delay(clock, FRESH_MS, AbortSignal.any([signal, patience.signal])).then(() => kept, () => kept)]);
  patience.abort();
  return first;
}

type Stranger = Pick<Identity, 'server' | 'nodeName' | 'nodePassword' | 'key'>;

/** The password of an earlier start is kept: it is what proves that the name is this node's. */
function stranger(server: string, { directory, nodeName, random }: IdentityOptions): Stranger {
  const known = readIdentity(directory);
  const passwordFile = join(directory, 'node-password');
  const nodePassword = known?.nodePassword ?? (readFileIfThere(passwordFile)?.trim() || random.bytes(16).toString('hex'));
  // On disk before a server learns of it: a node cut off in between must still know its own word.
  writeFileAtomically(passwordFile, `${nodePassword}\n`, { mode: 0o600 });
  return { server, nodeName, nodePassword, key: generateKey() };
}

async function joinWithPatience(from: Stranger, options: IdentityOptions): Promise<Identity> {
  const { clock, log, signal } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      return await joinOnce(from, options);
    } catch (error) {
      if (!isReason(error, 'ServiceUnavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests', 'InternalError')) throw error;
      if (isRare(attempt)) log.warn('waiting for the server', { server: from.server, error: messageOf(error) });
      await delay(clock, Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(10, attempt)), signal);
    }
  }
}

/** At once, then ever more rarely: 0, 1, 2, 4, 8, … */
function isRare(attempt: number): boolean {
  return (attempt & (attempt - 1)) === 0;
}

async function joinOnce(from: Stranger | Identity, options: IdentityOptions): Promise<Identity> {
  const { server, nodeName, nodePassword, key } = from;
  const { token, nodeIps } = options;
  const known = 'serverCa' in from;
  const node: Pick<JoinRequest, 'nodeName' | 'nodeIps' | 'nodePassword'> = { nodeName, nodeIps: [...nodeIps()], nodePassword };
  // Who is known by its password needs no token; it helps where the server has forgotten the node.
  const answer = await joinCluster({ server, node, key, ...(known && { knownCa: from.serverCa }), ...(token !== undefined && { token }) });
  return write({ server, nodeName, nodePassword, key, ...answer }, options);
}

function write(identity: Identity, { directory }: IdentityOptions): Identity {
  writeFileAtomically(fileOf(directory), `${JSON.stringify(identity, undefined, 2)}\n`, { mode: 0o600 });
  return identity;
}

export interface IdentityKeeper extends Component {
  readonly current: Identity;
  /** For transports: asked at each request. */
  credentials(who: 'node' | 'proxy'): TlsCredentials;
  onRenewed(listener: (identity: Identity) => void): void;
}

/** Looks each minute. A server that cannot be reached is asked again at the next look. */
export function keepIdentity(identity: Identity, options: IdentityOptions): IdentityKeeper {
  const { clock, log } = options;
  const listeners: ((identity: Identity) => void)[] = [];
  let current = identity;
  let timer: Timer | undefined;
  let stopped = false;
  let failures = 0;
  let working: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (serves(current, options)) return;
    try {
      current = await joinOnce(current, options);
      failures = 0;
      log.info('certificates renewed', { until: new Date(lastsUntil(current)).toISOString() });
      for (const listener of listeners) listener(current);
    } catch (error) {
      if (isRare(failures++)) log.warn('certificates could not be renewed, trying again', { until: new Date(lastsUntil(current)).toISOString(), error: messageOf(error) });
    }
  };
  const arm = (): void => {
    if (stopped) return;
    const dueInMs = failures > 0 ? LOOK_MS : dueAt(current) - clock.now();
    timer = clock.setTimer(Math.max(LOOK_MIN_MS, Math.min(LOOK_MS, dueInMs)), () => {
      working = look().finally(arm);
    });
  };
  return {
    name: 'identity',
    get current() {
      return current;
    },
    credentials: (who) => ({ ca: current.serverCa, cert: current.certificates[who], key: current.key }),
    onRenewed: (listener) => void listeners.push(listener),
    start() {
      working = look().finally(arm);
      return Promise.resolve();
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await working;
    },
  };
}

function serves(identity: Identity, { nodeIps, clock }: Pick<IdentityOptions, 'nodeIps' | 'clock'>): boolean {
  return dueAt(identity) > clock.now() && isFor(identity.certificates.kubelet, nodeIps());
}

function dueAt({ certificates: { node, proxy, kubelet }, clientCa, serverCa, lifetimeMs }: Identity): number {
  return Math.min(renewAt(node, clientCa, lifetimeMs), renewAt(proxy, clientCa, lifetimeMs), renewAt(kubelet, serverCa, lifetimeMs));
}

function lastsUntil({ certificates }: Identity): number {
  return Math.min(...Object.values(certificates).map((certificate) => Date.parse(new X509Certificate(certificate).validTo)));
}

function fileOf(directory: string): string {
  return join(directory, 'identity.json');
}

function readIdentity(directory: string): Identity | undefined {
  const text = readFileIfThere(fileOf(directory));
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as Identity;
  } catch {
    return undefined; // cut off by a power failure: the node joins again, with its password
  }
}
