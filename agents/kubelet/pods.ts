// All pods of this node: a worker for each, woken by what concerns it. Pods that the runtime still has and the API no longer knows are ended.
import { messageOf } from '../../internal/base/errors.ts';
import { formatTime } from '../../internal/api/meta.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS, PODS, SECRETS } from '../../internal/kinds/generated/resources.ts';
import { completePod } from './pod-completion.ts';
import type { NodeContext } from './node-context.ts';
import { CONFIG_MIRROR, isStatic, isTerminalPhase } from './pod-spec.ts';
import { mountsObject } from './pod-volumes.ts';
import { countEnd } from './stats/pod-counts.ts';
import { createStaticPods } from './static-pods.ts';
import type { StaticSource } from './static-sources.ts';
import { createPodIntake } from './pod-intake.ts';
import { createPodWorker, type PodWorker } from './pod-worker.ts';
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
  const uidOfSandbox = new Map<string, string>();
  /** Static pods that wait for another of their name to be gone. */
  const queued = new Map<string, Pod>();
  const intake = createPodIntake({ node, workers, takeOn });
  let complete = false;
  const ends: (() => void)[] = [];
  let stopped = false;

  const statics = staticPods === undefined ? undefined : createStaticPods({
    ...staticPods, node, complete: completePod, appeared: see, stageOf,
    disappeared(uid) {
      queued.delete(uid);
      intake.forget(uid);
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
    intake.forget(pod.metadata.uid);
    workers.get(pod.metadata.uid)?.gone();
  }

  function see(pod: Pod): void {
    if (pod.spec.nodeName !== node.nodeName || stopped) return;
    const known = workers.get(pod.metadata.uid);
    if (known !== undefined) {
      known.update(pod);
      return isTerminalPhase(pod.status?.phase) ? freed() : undefined;
    }
    if (intake.update(pod)) return;
    if (isStatic(pod) && ofName(pod).some((worker) => isStatic(worker.pod))) return void queued.set(pod.metadata.uid, pod);
    const isNew = !isHere(pod) && pod.metadata.deletionTimestamp === undefined;
    if (!isNew) takeOn(pod);
    else if (!isTerminalPhase(pod.status?.phase)) intake.offer(pod);
  }

  function takeOn(pod: Pod): void {
    node.counts.observe('kubelet_containers_per_pod_count', pod.spec.containers.length);
    const worker = createPodWorker(pod, node, {
      fits: intake.fits,
      freed,
      mirror: () => statics?.mirrorOf(pod),
      cleanedUp() {
        workers.delete(pod.metadata.uid);
        for (const [id, uid] of uidOfSandbox) if (uid === pod.metadata.uid) uidOfSandbox.delete(id);
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

  /** There may be room now for critical pods and for those whose resize waits for it. */
  function freed(): void {
    intake.freed();
    for (const { memory, wake } of workers.values()) if (memory.resize.pending !== undefined) wake();
  }

  function isHere({ metadata }: Pod): boolean {
    return node.runtime.listSandboxes().some(({ config }) => config.uid === metadata.uid);
  }

  function followObjects(resource: typeof CONFIGMAPS | typeof SECRETS): void {
    const kind = resource === CONFIGMAPS ? 'configmaps' : 'secrets';
    const users = (namespace: string, name: string): PodWorker[] => [...workers.values()].filter(({ pod }) => pod.metadata.namespace === namespace && mountsObject(pod, kind, name));
    const changed = (namespace: string, name: string): void => users(namespace, name).forEach((worker) => worker.volumesChanged());
    ends.push(node.objects.onChange(resource, changed, (namespace, name) => users(namespace, name).length > 0));
  }

  function workerOfSandbox(id: string): PodWorker | undefined {
    let uid = uidOfSandbox.get(id);
    if (uid === undefined) {
      uid = node.runtime.listSandboxes().find((sandbox) => sandbox.id === id)?.config.uid;
      if (uid !== undefined) uidOfSandbox.set(id, uid);
    }
    return uid === undefined ? undefined : workers.get(uid);
  }

  return {
    refuse: intake.refuse,
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
    active() {
      const running = [...workers].filter(([, { memory }]) => !memory.gone && !memory.dismantled && !isTerminalPhase(memory.status.phase)).map(([uid]) => uid);
      return complete ? new Set([...intake.waiting(), ...running]) : undefined;
    },
    find: (namespace, name) => ofName({ metadata: { namespace, name } })[0],
    stop() {
      stopped = true;
      statics?.stop();
      intake.stop();
      for (const end of ends.splice(0)) end();
      for (const worker of workers.values()) worker.stop();
    },
  };
}
