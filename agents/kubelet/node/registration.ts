// Keeps the Node in the API: registers it, renews its Lease every 10 s, posts its status every 5 min or when it has changed, and registers
// it again when it was deleted. The Lease alone says that the node lives; the status is written rarely on purpose.
import { delay, type Clock, type Timer } from '../../../internal/base/clock.ts';
import { isReason, messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import { sameJson } from '../../../internal/api/json-equality.ts';
import { formatMicroTime } from '../../../internal/api/meta.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { Views } from '../../../internal/informer/view.ts';
import type { Lease, Node } from '../../../internal/kinds/generated/api-types.ts';
import { LEASES, NODES } from '../../../internal/kinds/generated/resources.ts';
import { nodeDraft, nodeLabels, nodeStatus, withoutExtended, withoutHeartbeats, type NodeFacts } from './node-status.ts';

const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const HEARTBEAT_MS = 300_000;
const RETRY_MS = 1_000;
const PATIENCE_MS = 5_000;
const LEASES_NAMESPACE = 'kube-node-lease';

export interface RegistrationOptions {
  client: Client;
  views: Views;
  clock: Clock;
  log: Log;
  nodeName: string;
  facts(): NodeFacts;
  /** Nothing of an earlier kubelet is on this machine. */
  isNew?(): boolean;
  /** Called with each renewal of the lease: what is to be looked at now and then is looked at here, so that no timer of its own wakes the process. */
  beat?(): void;
}

export interface Registration {
  /** Resolves when the Node is there with its status. */
  start(): Promise<void>;
  /** Posts the status soon, as something about the node has changed. */
  changed(): void;
  node(): Node | undefined;
  stop(): void;
}

export function createRegistration({ client, views, clock, log, nodeName, facts, isNew, beat }: RegistrationOptions): Registration {
  const key = { namespace: '', name: nodeName };
  let current: Node | undefined;
  let lease: Lease | undefined;
  let postedAt = 0;
  let stopped = false;
  const timers: Partial<Record<'lease' | 'status', Timer>> = {};
  let unsubscribe = (): void => {};

  async function register(): Promise<void> {
    const draft = nodeDraft(facts());
    try {
      current = await client.create(NODES, draft);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      current = await client.get(NODES, key);
      const labels = nodeLabels(facts());
      if (Object.entries(labels).some(([name, value]) => current?.metadata.labels?.[name] !== value)) current = await client.patch(NODES, key, { type: 'merge', body: { metadata: { labels } } });
      const zeros = isNew?.() === true ? withoutExtended(current.status ?? {}) : undefined;
      if (zeros !== undefined) current = await client.patch(NODES, key, { type: 'merge', body: { status: zeros } }, { subresource: 'status' });
    }
    await postStatus(true);
  }

  /** A node that was there before goes on while the server is away; a new one cannot. */
  async function goOnWithout(error: unknown): Promise<false> {
    const view = views.of(NODES, { fieldSelector: `metadata.name=${nodeName}` });
    await Promise.race([view.synced, delay(clock, PATIENCE_MS)]);
    current = view.get('', nodeName);
    if (current === undefined) throw error;
    log.warn('the node cannot be registered now, and goes on with what was known last', { error: messageOf(error) });
    return false;
  }

  async function postStatus(heartbeat: boolean): Promise<void> {
    const old = current?.status;
    const next = nodeStatus(facts(), old);
    if (!heartbeat && sameJson(withoutHeartbeats(old), withoutHeartbeats(next))) return;
    const changes = Object.fromEntries(Object.entries(next).filter(([name, value]) => !sameJson((old as Record<string, unknown> | undefined)?.[name], value)));
    for (const name of ['capacity', 'allocatable'] as const) if (changes[name] !== undefined) changes[name] = { ...gone(old?.[name], next[name]), ...next[name] };
    if (changes['addresses'] !== undefined) changes['addresses'] = [{ $patch: 'replace' }, ...(next.addresses ?? [])];
    if (Object.keys(changes).length > 0) current = await client.patch(NODES, key, { type: 'strategic', body: { status: changes } }, { subresource: 'status' });
    postedAt = clock.monotonicMs();
  }

  async function renew(): Promise<void> {
    beat?.();
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime(clock.now()) };
    const leaseKey = { namespace: LEASES_NAMESPACE, name: nodeName };
    const owner = current === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: current.metadata.uid }];
    try {
      lease ??= await client.get(LEASES, leaseKey);
      lease = await client.update(LEASES, { ...lease, metadata: { ...lease.metadata, ownerReferences: owner }, spec: { ...lease.spec, ...spec } });
    } catch (error) {
      lease = undefined;
      if (!isReason(error, 'NotFound')) throw error;
      lease = await client.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...leaseKey, ownerReferences: owner }, spec });
    }
  }

  function schedule(name: 'lease' | 'status', inMs: number, work: () => Promise<void>, everyMs: number): void {
    if (stopped) return;
    timers[name]?.cancel();
    timers[name] = clock.setTimer(inMs, () => {
      work().then(() => schedule(name, everyMs, work, everyMs), (error: unknown) => {
        log.debug('node could not be kept up', { what: name, error: messageOf(error) });
        schedule(name, RETRY_MS, work, everyMs);
      });
    });
  }

  async function keepStatus(): Promise<void> {
    const seen = views.of(NODES, { fieldSelector: `metadata.name=${nodeName}` }).get('', nodeName);
    if (seen === undefined) return register();
    current = seen;
    await postStatus(clock.monotonicMs() - postedAt >= HEARTBEAT_MS - RENEW_MS);
  }

  return {
    async start() {
      const registered = await register().then(() => true, goOnWithout);
      schedule('lease', registered ? 0 : RETRY_MS, renew, RENEW_MS);
      schedule('status', registered ? HEARTBEAT_MS : RETRY_MS, registered ? keepStatus : register, HEARTBEAT_MS);
      const view = views.of(NODES, { fieldSelector: `metadata.name=${nodeName}` });
      unsubscribe = view.subscribe(({ type, object }) => {
        if (object.metadata.name !== nodeName) return;
        if (type === 'DELETED') return schedule('status', 0, register, HEARTBEAT_MS);
        current = object;
        // Somebody gave the node resources, or took some of ours.
        const { capacity, allocatable } = nodeStatus(facts(), object.status);
        if (!sameJson([object.status?.capacity, object.status?.allocatable], [capacity, allocatable])) schedule('status', 100, () => postStatus(false), HEARTBEAT_MS);
        // Given up while we were cut off: the next heartbeat would come too late.
        if (object.status?.conditions?.some(({ type: condition, status }) => condition === 'Ready' && status === 'Unknown') === true) schedule('status', 0, () => postStatus(false), HEARTBEAT_MS);
      });
    },
    changed: () => schedule('status', 100, () => postStatus(false), HEARTBEAT_MS),
    node: () => current,
    stop() {
      stopped = true;
      unsubscribe();
      timers.lease?.cancel();
      timers.status?.cancel();
    },
  };
}

/** Names that are there no more, as a patch says it. */
function gone(old: Readonly<Record<string, string>> | undefined, next: Readonly<Record<string, string>> | undefined): Record<string, null> {
  return Object.fromEntries(Object.keys(old ?? {}).filter((name) => next?.[name] === undefined).map((name) => [name, null]));
}
