// All pods of this node: a worker for each, woken by what concerns it. Pods that the runtime still has and the API no longer knows are ended.
import { messageOf } from '../../internal/base/errors.ts';
import { formatTime } from '../../internal/api/meta.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS, PODS, SECRETS } from '../../internal/kinds/generated/resources.ts';
import { completePod } from './pod-completion.ts';
import type { NodeContext } from './node-context.ts';
import { CONFIG_MIRROR, isStatic, isTerminalPhase } from './pod-spec.ts';
import { mountsObject } from './pod-volumes.ts';
import { countEnd, toldReason } from './stats/pod-counts.ts';
import { createStaticPods } from './static-pods.ts';
import type { StaticSource } from './static-sources.ts';
import { createPodWorker, type PodWorker } from './pod-worker.ts';
import { rejectedStatus } from './status/pod-status.ts';
import { statusPatch } from './status/status-patch.ts';
import { createPreemption, isPreempted } from './preemption.ts';
import { admit } from './steps/admission.ts';
import { checkResources } from './steps/room.ts';
import { removeOrphans } from './orphans.ts';
import type { Rejection } from './steps/rejection.ts';

export interface Pods {
  start(): void;
  workers(): PodWorker[];
  find(namespace: string, name: string): PodWorker | undefined;
  worker(uid: string): PodWorker | undefined;
  /** Uids of pods that have not ended; undefined until it is known which pods there are. */
  active(): ReadonlySet<string> | undefined;
  /** From now on no pod is taken on. */
  refuse(rejection: Rejection): void;
  stop(): void;
}

/** Where pods come from beside the API. */
export interface StaticPodOptions {
  sources: readonly StaticSource[];
  nodeUid(): string | undefined;
}

export function createPods(node: NodeContext, staticPods?: StaticPodOptions): Pods {
  const workers = new Map<string, PodWorker>();
  const bySandbox = new Map<string, string>();
  /** Pods that wait for their devices, or for others to make room, as they were last seen. */
  const admitting = new Map<string, Pod>();
  /** Static pods that wait for another of their name to be gone. */
  const queued = new Map<string, Pod>();
  const preemption = createPreemption(node);
  let complete = false;
  const ends: (() => void)[] = [];
  let stopped = false;
  let refusal: Rejection | undefined;

  const statics = staticPods === undefined ? undefined : createStaticPods({
    ...staticPods, node, complete: completePod, appeared: see, stageOf,
    disappeared(uid) {
      queued.delete(uid);
      admitting.delete(uid);
      const worker = workers.get(uid);
      if (worker !== undefined) worker.update({ ...worker.pod, metadata: { ...worker.pod.metadata, deletionTimestamp: formatTime(node.clock.now()) } });
    },
  });

  function stageOf(uid: string): 'taken' | 'ended' | undefined {
    const worker = workers.get(uid);
    return worker === undefined ? undefined : isTerminalPhase(worker.memory.status.phase) ? 'ended' : 'taken';
  }

  function seeFromApi(pod: Pod, gone: boolean): void {
    if (statics?.seesMirror(pod, gone) === true) return workers.get(pod.metadata.annotations?.[CONFIG_MIRROR] ?? '')?.wake();
    if (!gone) return see(pod);
    admitting.delete(pod.metadata.uid);
    workers.get(pod.metadata.uid)?.gone();
  }

  function see(pod: Pod): void {
    if (pod.spec.nodeName !== node.nodeName || stopped) return;
    const known = workers.get(pod.metadata.uid);
    if (known !== undefined) {
      known.update(pod);
      return isTerminalPhase(pod.status?.phase) ? freed() : undefined;
    }
    if (admitting.has(pod.metadata.uid)) return void admitting.set(pod.metadata.uid, pod);
    if (isStatic(pod) && ofName(pod).some((worker) => isStatic(worker.pod))) return void queued.set(pod.metadata.uid, pod);
    const isNew = !isHere(pod) && pod.metadata.deletionTimestamp === undefined;
    if (isNew && isTerminalPhase(pod.status?.phase)) return;
    if (isNew && refusal === undefined && node.devices.concerns(pod)) return giveDevices(pod);
    settle(pod, isNew ? refusal ?? admit(pod, counted(), node) : undefined);
  }

  function settle(pod: Pod, rejection: Rejection | undefined): void {
    if (rejection === undefined) takeOn(pod);
    else if (rejection.preempts === undefined) reject(pod, rejection);
    else makeRoom(pod, rejection.preempts);
  }

  function makeRoom(pod: Pod, { victims, resource }: NonNullable<Rejection['preempts']>): void {
    const { uid } = pod.metadata;
    admitting.set(uid, pod);
    node.counts.count('kubelet_preemptions', { preemption_signal: resource }, victims.length);
    preemption.begin(pod, victims.flatMap((victim) => workers.get(victim.metadata.uid) ?? []), () => {
      const latest = admitting.get(uid);
      admitting.delete(uid);
      if (latest !== undefined && !stopped) takeOn(latest);
    });
  }

  /** It is taken on with its devices, or not at all. */
  function giveDevices(pod: Pod): void {
    const { uid } = pod.metadata;
    admitting.set(uid, pod);
    node.devices.allocate(pod).then(() => undefined, (error: unknown) => ({ reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${messageOf(error)}, which is unexpected` })).then((refusal) => {
      const latest = admitting.get(uid);
      admitting.delete(uid);
      if (latest === undefined || stopped) return;
      const rejection = latest.metadata.deletionTimestamp !== undefined ? undefined : refusal ?? admit(latest, counted(), node);
      settle(latest, rejection);
    }).catch((error: unknown) => node.log.error('pod could not be taken on', { pod: pod.metadata.name, error: messageOf(error) }));
  }

  function takeOn(pod: Pod): void {
    node.counts.observe('kubelet_containers_per_pod_count', pod.spec.containers.length);
    const worker = createPodWorker(pod, node, {
      fits: (grown) => checkResources(grown, others(grown), node.allocatable()),
      freed,
      mirror: () => statics?.mirrorOf(pod),
      cleanedUp() {
        workers.delete(pod.metadata.uid);
        freed();
        nextOfName(pod);
      },
    });
    workers.set(pod.metadata.uid, worker);
    worker.wake();
    if (isStatic(pod)) statics?.mirror();
  }

  /** Static pods of one name come one after the other, each when nothing of the one before is left. */
  function nextOfName({ metadata: { namespace, name } }: Pod): void {
    const next = [...queued.values()].find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
    if (next === undefined) return;
    queued.delete(next.metadata.uid);
    see(next);
  }

  function ofName({ metadata: { namespace, name } }: { metadata: Pick<Pod['metadata'], 'namespace' | 'name'> }): PodWorker[] {
    return [...workers.values()].filter(({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name);
  }

  /** Pods that the API has: what was deleted without grace counts for nothing, as upstream has it, though it may still be ending. */
  function counted(): Pod[] {
    return [...[...workers.values()].filter((worker) => !worker.memory.gone && !isPreempted(worker)).map(({ pod }) => pod), ...preemption.waiting()];
  }

  function others({ metadata }: Pod): Pod[] {
    return counted().filter((pod) => pod.metadata.uid !== metadata.uid && !isTerminalPhase(pod.status?.phase));
  }

  /** There may be room now for critical pods and for those whose resize waits for it. */
  function freed(): void {
    preemption.freed();
    for (const { memory, wake } of workers.values()) if (memory.resize.pending !== undefined) wake();
  }

  function isHere({ metadata }: Pod): boolean {
    return node.runtime.listSandboxes().some(({ config }) => config.uid === metadata.uid);
  }

  function reject(pod: Pod, rejection: { reason: string; message: string }): void {
    node.counts.count('kubelet_admission_rejections_total', { reason: toldReason(rejection.reason) });
    node.event(pod, 'Warning', rejection.reason, rejection.message);
    if (isStatic(pod)) return;
    const patch = statusPatch(pod, rejectedStatus(pod, node.clock.now(), rejection));
    if (patch === undefined) return;
    node.client.patch(PODS, { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name }, { type: 'strategic', body: patch }, { subresource: 'status' })
      .catch((error: unknown) => node.log.warn('pod could not be rejected', { pod: pod.metadata.name, error: messageOf(error) }));
  }

  function followObjects(resource: typeof CONFIGMAPS | typeof SECRETS): void {
    const kind = resource === CONFIGMAPS ? 'configmaps' : 'secrets';
    const users = (namespace: string, name: string): PodWorker[] => [...workers.values()].filter(({ pod }) => pod.metadata.namespace === namespace && mountsObject(pod, kind, name));
    const changed = (namespace: string, name: string): void => users(namespace, name).forEach((worker) => worker.volumesChanged());
    ends.push(node.objects.onChange(resource, changed, (namespace, name) => users(namespace, name).length > 0));
  }

  function workerOfSandbox(id: string): PodWorker | undefined {
    let uid = bySandbox.get(id);
    if (uid === undefined) {
      uid = node.runtime.listSandboxes().find((sandbox) => sandbox.id === id)?.config.uid;
      if (uid !== undefined) bySandbox.set(id, uid);
    }
    return uid === undefined ? undefined : workers.get(uid);
  }

  return {
    refuse: (rejection) => void (refusal = rejection),
    start() {
      const view = node.views.of(PODS, { fieldSelector: `spec.nodeName=${node.nodeName}` });
      ends.push(node.runtime.subscribe((event) => {
        const worker = workerOfSandbox(event.sandboxId);
        if (event.type === 'exited' && worker !== undefined) countEnd(event, worker.pod, node);
        worker?.wake();
      }));
      ends.push(view.subscribe(({ type, object }) => seeFromApi(object, type === 'DELETED')));
      followObjects(CONFIGMAPS);
      followObjects(SECRETS);
      // Only a complete list tells what is no longer wanted: until it is there, everything goes on.
      void Promise.all([view.synced, statics?.start()]).then(() => {
        complete = true;
        return stopped ? undefined : removeOrphans(new Set([...view.list(), ...statics?.pods() ?? []].map(({ metadata }) => metadata.uid)), node);
      }).catch((error: unknown) => node.log.warn('leftovers of old pods could not be removed', { error: messageOf(error) }));
    },
    workers: () => [...workers.values()],
    worker: (uid) => workers.get(uid),
    active: () => (complete ? new Set([...admitting.keys(), ...[...workers].filter(([, { memory }]) => !memory.gone && !memory.dismantled && !isTerminalPhase(memory.status.phase)).map(([uid]) => uid)]) : undefined),
    find: (namespace, name) => ofName({ metadata: { namespace, name } })[0],
    stop() {
      stopped = true;
      statics?.stop();
      preemption.stop();
      for (const end of ends.splice(0)) end();
      for (const worker of workers.values()) worker.stop();
    },
  };
}
