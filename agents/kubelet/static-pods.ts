// Static pods: manifests in a folder or at a URL, run without the API. Each is shown there by a mirror pod that the kubelet makes, keeps like its
// source, and makes again when somebody deletes it. A manifest that changes is another pod (its uid is a hash of it): the old one ends, the new begins.
// Of a name there is one at a time; what the node does not take on has no mirror.
//
//   sources (static-sources.ts) ─► complete ─► pods (as if the API had them)       mirror pods: created, status written there by the worker
import { isReason, messageOf } from '../../internal/base/errors.ts';
import { copy, keyOf, objectKey, type Draft } from '../../internal/api/meta.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS } from '../../internal/kinds/generated/resources.ts';
import type { NodeContext } from './node-context.ts';
import { CONFIG_MIRROR, CONFIG_SOURCE } from './pod-spec.ts';
import type { StaticSource } from './static-sources.ts';

export interface StaticPodsOptions {
  node: Pick<NodeContext, 'client' | 'clock' | 'event' | 'log' | 'nodeName'>;
  sources: readonly StaticSource[];
  /** What the API server would have filled in. */
  complete(pod: Pod): Promise<Pod>;
  appeared(pod: Pod): void;
  disappeared(uid: string): void;
  /** Whether the node has taken it on, and whether it has ended since. */
  stageOf(uid: string): 'taken' | 'ended' | undefined;
  /** Uid of the Node in the API, once it is there: mirror pods belong to it. */
  nodeUid(): string | undefined;
}

export interface StaticPods {
  /** Resolves when all sources have been read once: before, nothing is to be ended as unknown. */
  start(): Promise<void>;
  stop(): void;
  pods(): Pod[];
  /** The API's pod that shows this one. */
  mirrorOf(pod: Pod): Pod | undefined;
  /** The API's pods of this node: mirrors are told from others here. True: it is a mirror, and nothing to run. */
  seesMirror(pod: Pod, gone: boolean): boolean;
  /** Makes mirrors that are missing. */
  mirror(): void;
}

const RETRY_MS = 5_000;

export function createStaticPods(options: StaticPodsOptions): StaticPods {
  const { node, sources } = options;
  const known = new Map<string, Pod>();
  const mirrors = new Map<string, Pod>();
  const making = new Set<string>();
  /** Uids of those that have had a mirror: one that has ended is shown once. */
  const wereShown = new Set<string>();
  const ready = Promise.withResolvers<void>();
  let [reading, complete] = [Promise.resolve(), false];
  let stopped = false;

  /** One after the other: an older reading must not win. */
  function readAgain(): Promise<void> {
    return (reading = reading.then(read).catch((error: unknown) => node.log.warn('static pods could not be read', { error: messageOf(error) })));
  }

  async function read(): Promise<void> {
    const now = await readSources(options);
    const found = new Map(now.pods.map((pod) => [pod.metadata.uid, pod]));
    if (stopped) return;
    for (const uid of [...known.keys()].filter((uid) => !found.has(uid))) {
      const pod = known.get(uid);
      known.delete(uid);
      wereShown.delete(uid);
      options.disappeared(uid);
      const shown = pod === undefined ? undefined : mirrors.get(keyOf(pod));
      if (shown?.metadata.annotations?.[CONFIG_MIRROR] === uid) remove(shown);
    }
    for (const [uid, pod] of found) {
      if (known.has(uid)) continue;
      known.set(uid, pod);
      options.appeared(pod);
    }
    if (now.complete && !complete) becomeComplete();
    mirror();
  }

  /** Only now is it known what has no source any more: nobody else would ever remove its mirror. */
  function becomeComplete(): void {
    complete = true;
    for (const pod of mirrors.values()) if (!known.has(pod.metadata.annotations?.[CONFIG_MIRROR] ?? '')) remove(pod);
    ready.resolve();
  }

  function mirror(): void {
    for (const pod of known.values()) {
      const shown = mirrors.get(keyOf(pod));
      const stage = options.stageOf(pod.metadata.uid);
      if (stopped || making.has(keyOf(pod)) || options.nodeUid() === undefined || stage === undefined) continue;
      if (shown === undefined && stage === 'ended' && wereShown.has(pod.metadata.uid)) continue;
      if (shown === undefined) make(pod);
      else if (shown.metadata.annotations?.[CONFIG_MIRROR] !== pod.metadata.uid) remove(shown);
    }
  }

  function make(pod: Pod): void {
    const name = keyOf(pod);
    making.add(name);
    const draft = mirrorDraft(pod, node.nodeName, options.nodeUid() ?? '');
    node.client.create(PODS, draft).catch((error: unknown) => {
      if (isReason(error, 'AlreadyExists')) return;
      node.log.warn('mirror pod could not be made', { pod: name, error: messageOf(error) });
      node.clock.setTimer(RETRY_MS, mirror);
    }).finally(() => making.delete(name));
  }

  function remove(pod: Pod): void {
    node.client.delete(PODS, objectKey(pod), { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } })
      .catch((error: unknown) => { if (!isReason(error, 'NotFound', 'Conflict')) node.log.warn('mirror pod could not be removed', { pod: pod.metadata.name, error: messageOf(error) }); });
  }

  return {
    start() {
      for (const source of sources) source.start(() => void readAgain());
      void readAgain();
      return ready.promise;
    },
    stop() {
      stopped = true;
      for (const source of sources) source.stop();
    },
    pods: () => [...known.values()],
    mirrorOf(pod) {
      const shown = mirrors.get(keyOf(pod));
      return shown?.metadata.annotations?.[CONFIG_MIRROR] === pod.metadata.uid ? shown : undefined; // a changed file's new pod has the same name
    },
    seesMirror(pod, gone) {
      const source = pod.metadata.annotations?.[CONFIG_MIRROR];
      if (source === undefined) return false;
      if (gone) mirrors.delete(keyOf(pod));
      else {
        mirrors.set(keyOf(pod), pod);
        wereShown.add(source);
      }
      if (!gone && complete && !known.has(source)) remove(pod);
      else if (!gone && pod.metadata.deletionTimestamp !== undefined) remove(pod);
      mirror();
      return true;
    },
    mirror,
  };
}

async function readSources({ node, sources, complete }: StaticPodsOptions): Promise<{ pods: Pod[]; complete: boolean }> {
  const pods: Pod[] = [];
  const read = await Promise.all(sources.map((source) => source.read()));
  for (const pod of read.flatMap((found) => withoutDoubles(found ?? [], node))) {
    try {
      pods.push(await complete(pod));
    } catch (error) {
      node.log.warn('static pod cannot be run', { pod: keyOf(pod), error: messageOf(error) });
    }
  }
  return { pods, complete: !read.includes(undefined) };
}

/** Of files of one name the last counts, of what a URL lists the first. */
function withoutDoubles(pods: readonly Pod[], node: Pick<NodeContext, 'event'>): Pod[] {
  const byName = new Map<string, Pod>();
  for (const pod of pods) {
    const { name, namespace = '', uid, annotations = {} } = pod.metadata;
    if (byName.has(keyOf(pod)) && annotations[CONFIG_SOURCE] === 'http') node.event(pod, 'Warning', 'FailedValidation', `Error validating pod ${name}_${namespace}(${uid}) from http due to duplicate pod name ${JSON.stringify(name)}, ignoring`);
    else byName.set(keyOf(pod), pod);
  }
  return [...byName.values()];
}

function mirrorDraft(pod: Pod, nodeName: string, nodeUid: string): Draft<Pod> {
  const draft = copy(pod);
  const { uid: _uid, resourceVersion: _version, generation: _generation, ...metadata } = draft.metadata;
  return {
    ...draft, apiVersion: 'v1', kind: 'Pod', status: {},
    metadata: { ...metadata, annotations: { ...metadata.annotations, [CONFIG_MIRROR]: pod.metadata.uid }, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid, controller: true }] },
  };
}
