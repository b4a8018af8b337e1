// ResourceClaims on this node: prepared by their drivers before the first pod that uses them starts, unprepared after the last has ended. Who uses what is
// written down before a driver is called, so that nothing stays prepared whatever happens in between. (Upstream: pkg/kubelet/cm/dra.)
import { join } from 'node:path';
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { createLimit } from '../../../internal/base/limit.ts';
import { readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { Container, Pod, ResourceClaimResourceV1 } from '../../../internal/kinds/generated/api-types.ts';
import { RESOURCECLAIMS } from '../../../internal/kinds/generated/resources.ts';
import { claimKey, foreignClaim, isReservedFor, podClaims } from '../../../internal/kinds/core/pod-claims.ts';
import type { PluginInfo } from '../plugins/registration.ts';
import { createDriver, type ClaimName, type Driver, type PreparedDevice } from './driver.ts';

const CLAIMS_FILE = 'resource-claims.json';

interface ClaimRecord extends ClaimName {
  /** Uids of those that use it. */
  pods: string[];
  drivers: string[];
  prepared: boolean;
  devices: (PreparedDevice & { driver: string })[];
}

export interface ClaimsOptions {
  /** The kubelet's own folder. */
  directory: string;
  nodeName: string;
  client: Client;
  clock: Clock;
  log: Log;
  /** Uids of pods that have not ended; undefined while not all are known. */
  activePods(): ReadonlySet<string> | undefined;
}

export interface ClaimDesk {
  connect(info: PluginInfo): void;
  disconnect(info: PluginInfo): void;
  prepare(pod: Pod): Promise<void>;
  unprepare(uid: string): Promise<void>;
  /** CDI names of what a container gets by its claims. */
  cdiDevices(pod: Pod, container: Container): string[];
  devices(pod: Pod, container: Container): { claim: ClaimName; devices: (PreparedDevice & { driver: string })[] }[];
  stop(): void;
}

export function createClaimDesk(options: ClaimsOptions): ClaimDesk {
  const { directory, clock, log } = options;
  const path = join(directory, CLAIMS_FILE);
  const records = new Map<string, ClaimRecord>((JSON.parse(readFileIfThere(path) ?? '[]') as ClaimRecord[]).map((record) => [record.uid, record]));
  const drivers = new Map<string, Driver>();
  const oneAtATime = createLimit(1);

  const save = (): void => writeFileAtomically(path, JSON.stringify([...records.values()]), { mode: 0o600 });
  const driverOf = (name: string): Driver => {
    const driver = drivers.get(name);
    if (driver === undefined) throw new Error(`DRA driver ${name} is not registered`);
    return driver;
  };

  /** All is looked at before anything is noted: a pod that cannot have its claims can be deleted without its drivers. */
  async function prepare(pod: Pod): Promise<void> {
    const claims = (await Promise.all(podClaims(pod).map(({ claim: name, ownClaim }) => claimOf(pod, name, ownClaim, options)))).map(recordOf);
    for (const driver of claims.flatMap((claim) => claim.drivers)) driverOf(driver);
    for (const claim of claims) {
      const known = [...records.values()].find(({ namespace, name }) => namespace === claim.namespace && name === claim.name);
      if (known !== undefined && known.uid !== claim.uid) throw new Error(`old ResourceClaim with same name ${claim.name} and different UID ${known.uid} still exists (previous pod force-deleted?!)`);
      const record = known ?? claim;
      if (!record.pods.includes(pod.metadata.uid)) record.pods.push(pod.metadata.uid);
      records.set(record.uid, record);
    }
    save();
    const open = claims.flatMap(({ uid }) => records.get(uid) ?? []).filter(({ prepared }) => !prepared);
    for (const name of new Set(open.flatMap((record) => record.drivers))) {
      const batch = open.filter((record) => record.drivers.includes(name));
      const prepared = await driverOf(name).prepare(batch.map(nameOf));
      for (const record of batch) record.devices = [...record.devices.filter(({ driver }) => driver !== name), ...(prepared.get(record.uid) ?? []).map((device) => ({ ...device, driver: name }))];
    }
    for (const record of open) record.prepared = true;
    if (open.length > 0) save();
  }

  async function unprepare(uid: string): Promise<void> {
    const own = [...records.values()].filter(({ pods }) => pods.includes(uid));
    if (own.length === 0) return;
    const last = own.filter(({ pods }) => pods.length === 1);
    for (const name of new Set(last.flatMap((record) => record.drivers))) await driverOf(name).unprepare(last.filter((record) => record.drivers.includes(name)).map(nameOf));
    for (const record of last) records.delete(record.uid);
    for (const record of own) record.pods = record.pods.filter((one) => one !== uid);
    save();
  }

  /** Of pods that went while nobody looked, or while their driver was away. */
  async function collect(): Promise<void> {
    const active = options.activePods();
    if (active === undefined) return;
    for (const uid of new Set([...records.values()].flatMap(({ pods }) => pods).filter((one) => !active.has(one)))) await unprepare(uid);
  }

  function devicesOf(pod: Pod, container: Container): { claim: ClaimName; devices: ClaimRecord['devices'] }[] {
    return (container.resources?.claims ?? []).flatMap(({ name, request }) => {
      const claim = podClaims(pod).find((one) => one.name === name)?.claim;
      const record = [...records.values()].find((one) => one.namespace === pod.metadata.namespace && one.name === claim && one.pods.includes(pod.metadata.uid));
      if (record === undefined) return [];
      return [{ claim: nameOf(record), devices: record.devices.filter(({ requests }) => request === undefined || request === '' || requests.length === 0 || requests.some((one) => one === request || one.startsWith(`${request}/`))) }];
    });
  }

  return {
    connect(info) {
      drivers.get(info.name)?.close();
      drivers.set(info.name, createDriver(info, clock));
      oneAtATime(collect).catch((error: unknown) => log.warn('claims of ended pods could not be unprepared', { driver: info.name, error: messageOf(error) }));
    },
    disconnect({ name, endpoint }) {
      if (drivers.get(name)?.endpoint !== endpoint) return;
      drivers.get(name)?.close();
      drivers.delete(name);
    },
    prepare: (pod) => oneAtATime(() => prepare(pod)),
    unprepare: (uid) => oneAtATime(() => unprepare(uid)),
    cdiDevices: (pod, container) => [...new Set(devicesOf(pod, container).flatMap(({ devices }) => devices.flatMap(({ cdiIds }) => cdiIds)))],
    devices: devicesOf,
    stop() {
      for (const driver of drivers.values()) driver.close();
    },
  };
}

async function claimOf(pod: Pod, name: string | undefined, ownClaim: boolean, { client }: ClaimsOptions): Promise<ResourceClaimResourceV1> {
  const { namespace = '', name: podName, uid } = pod.metadata;
  if (name === undefined) throw new Error(`pod "${namespace}/${podName}": ResourceClaim not created yet`);
  const claim = await client.get(RESOURCECLAIMS, claimKey(pod, name)).catch((error: unknown) => { throw new Error(`fetch ResourceClaim ${name}: ${messageOf(error)}`, { cause: error }); });
  const foreign = ownClaim ? foreignClaim(claim, pod) : undefined;
  if (foreign !== undefined) throw new Error(foreign);
  if (!isReservedFor(claim, pod)) throw new Error(`pod ${podName} (${uid}) is not allowed to use ResourceClaim ${name} (${claim.metadata.uid})`);
  if (claim.status?.allocation === undefined) throw new Error(`ResourceClaim ${name}: not allocated`);
  return claim;
}

function recordOf({ metadata, status }: ResourceClaimResourceV1): ClaimRecord {
  const drivers = new Set((status?.allocation?.devices?.results ?? []).map(({ driver }) => driver));
  return { namespace: metadata.namespace ?? '', uid: metadata.uid, name: metadata.name, pods: [], drivers: [...drivers], prepared: false, devices: [] };
}

function nameOf({ namespace, uid, name }: ClaimName): ClaimName {
  return { namespace, uid, name };
}
