// Who a node is, kept in one file of <data-dir>/agent: server, name, password, key, certificates and what it must know of the cluster. With it
// the node starts without the token, and without the server. Certificates are renewed in the running process, long before they end.
//
//   kept and serving ──────────────────────────────────► used; renewed in time
//   none, or another server, name, address, CA ──join──► kept      the server down: asked again until it is there
import { X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { delay, type Clock, type Timer } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { isReason, messageOf } from '../../base/errors.ts';
import { readFileIfThere, writeFileAtomically } from '../../base/files.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TlsCredentials } from '../../client/https-transport.ts';
import { caPin } from '../authority.ts';
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
  nodeIps: readonly string[];
  clock: Clock;
  random: Random;
  log: Log;
  /** Ends the waiting for a server. */
  signal: AbortSignal;
}

const DAY_MS = 86_400_000;
const RENEW_BEFORE_MS = 90 * DAY_MS;
const LOOK_MS = 6 * 3_600_000;
const RETRY_MS = 500;
const RETRY_MAX_MS = 10_000;

export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const kept = readIdentity(options.directory);
  const server = options.server ?? kept?.server;
  if (server === undefined) throw new Error('--server: needed at the first start, https://HOST:6443');
  const mine = kept !== undefined && isMine(kept, server, options) ? kept : undefined;
  if (mine !== undefined && serves(mine, options)) return mine;
  if (mine === undefined && options.token === undefined) throw new Error(`--token: needed to join ${server} as node "${options.nodeName}"; it is in <data-dir>/server/node-token on the server`);
  return joinWithPatience(mine ?? stranger(server, options), options, mine !== undefined && lastsUntil(mine) > options.clock.now());
}

/** Without the token a known node is who it is; with one, only where the token leads. */
function isMine(kept: Identity, server: string, { nodeName, token }: IdentityOptions): boolean {
  if (kept.nodeName !== nodeName) return false;
  if (token === undefined) return true;
  const { caPin: pin } = parseJoinToken(token);
  return kept.server === server && (pin === undefined || pin === caPin(kept.serverCa));
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

async function joinWithPatience(from: Stranger | Identity, options: IdentityOptions, usable: boolean): Promise<Identity> {
  const { clock, log, signal } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      return await joinOnce(from, options);
    } catch (error) {
      if (!isReason(error, 'ServiceUnavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests', 'InternalError')) throw error;
      if (usable) return from as Identity;
      // At once, then ever more rarely.
      if ((attempt & (attempt - 1)) === 0) log.warn('waiting for the server', { server: from.server, error: messageOf(error) });
      await delay(clock, Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(10, attempt)), signal);
    }
  }
}

async function joinOnce(from: Stranger | Identity, { directory, token, nodeIps }: IdentityOptions): Promise<Identity> {
  const { server, nodeName, nodePassword, key } = from;
  const known = 'serverCa' in from;
  const node: Pick<JoinRequest, 'nodeName' | 'nodeIps' | 'nodePassword'> = { nodeName, nodeIps: [...nodeIps], nodePassword };
  const answer = await joinCluster({ server, node, key, ...(known && { knownCa: from.serverCa }), ...(token !== undefined && { token }) });
  const identity: Identity = { server, nodeName, nodePassword, key, ...answer };
  writeFileAtomically(fileOf(directory), `${JSON.stringify(identity, undefined, 2)}\n`, { mode: 0o600 });
  return identity;
}

export interface IdentityKeeper extends Component {
  readonly current: Identity;
  /** For transports: asked at each request. */
  credentials(who: 'node' | 'proxy'): TlsCredentials;
}

/** Renews in time; `onRenewed` hears of it. A server that cannot be reached is asked again at the next look. */
export function keepIdentity(identity: Identity, options: IdentityOptions, onRenewed: (identity: Identity) => void = () => {}): IdentityKeeper {
  const { clock, log } = options;
  let current = identity;
  let timer: Timer | undefined;
  let stopped = false;
  let working: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (serves(current, options)) return;
    try {
      current = await joinOnce(current, options);
      log.info('certificates renewed', { until: new Date(lastsUntil(current)).toISOString() });
      onRenewed(current);
    } catch (error) {
      log.warn('certificates could not be renewed, trying again later', { until: new Date(lastsUntil(current)).toISOString(), error: messageOf(error) });
    }
  };
  const arm = (): void => {
    if (stopped) return;
    timer = clock.setTimer(LOOK_MS, () => {
      working = look().finally(arm);
    });
  };
  return {
    name: 'identity',
    get current() {
      return current;
    },
    credentials: (who) => ({ ca: current.serverCa, cert: current.certificates[who], key: current.key }),
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
  const names = new X509Certificate(identity.certificates.kubelet).subjectAltName?.split(', ') ?? [];
  return lastsUntil(identity) - RENEW_BEFORE_MS > clock.now() && nodeIps.filter(isIPv4).every((address) => names.includes(`IP Address:${address}`));
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
