// What a pod's worker tells the API: the status when it has changed; and once all of the pod has ended here, that the API may let go of it.
// Then everything of it goes from this node. `memory.writing` and `memory.finishing` stand while a word is on its way: there is one at a time.
import { isReason, messageOf } from '../../internal/base/errors.ts';
import { objectKey } from '../../internal/api/meta.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS } from '../../internal/kinds/generated/resources.ts';
import type { NodeContext } from './node-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { isStatic } from './pod-spec.ts';
import type { WorkerTimes } from './stats/worker-times.ts';
import { statusPatch } from './status/status-patch.ts';
import { removeDirectories } from './steps/directories.ts';
import { removeSandboxes } from './steps/sandbox.ts';

export interface PodReporter {
  /** Writes the status where the API shows another. */
  writeStatus(): Promise<void>;
  /** After the containers: the last status is out, the API lets go of the pod, then everything of it goes. */
  finish(): Promise<void>;
}

export interface ReporterOptions {
  memory: PodMemory;
  node: NodeContext;
  times: WorkerTimes;
  /** The API's pod that shows a static one; undefined while there is none. */
  mirror(): Pod | undefined;
  wake(): void;
  /** The API or the runtime has failed: another turn after a while. */
  retry(): void;
  /** Nothing of the pod is left. */
  cleanedUp(): void;
}

export function createPodReporter({ memory, node, times, mirror, wake, retry, cleanedUp }: ReporterOptions): PodReporter {
  async function writeStatus(): Promise<void> {
    const shown = isStatic(memory.pod) ? mirror() : memory.pod;
    const patch = memory.gone || shown === undefined ? undefined : statusPatch(shown, memory.status);
    if (patch === undefined) return;
    memory.writing = true;
    times.statusChanged();
    try {
      const written = await node.client.patch(PODS, objectKey(memory.pod), { type: 'strategic', body: patch }, { subresource: 'status' });
      times.statusWritten();
      if (written.metadata.uid === memory.pod.metadata.uid) memory.see(written);
    } catch (error) {
      memory.writing = false;
      // Not there, or another pod of that name by now: the view will say so, but to a static pod, whose mirror is not itself.
      if (isReason(error, 'NotFound', 'Conflict')) return void finish();
      node.log.debug('pod status could not be written', { pod: memory.pod.metadata.name, error: messageOf(error) });
      return retry();
    }
    memory.writing = false;
    wake();
  }

  async function finish(): Promise<void> {
    if (!memory.dismantled || memory.finishing || memory.writing) return;
    if (memory.gone || (isStatic(memory.pod) && memory.pod.metadata.deletionTimestamp !== undefined)) return cleanUp();
    if (memory.pod.metadata.deletionTimestamp === undefined || statusPatch(memory.pod, memory.status) !== undefined) return;
    memory.finishing = true;
    try {
      await node.client.delete(PODS, objectKey(memory.pod), { gracePeriodSeconds: 0, preconditions: { uid: memory.pod.metadata.uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) retry();
    }
    memory.finishing = false;
    // On a server the view tells of the deletion before its answer is here: what woke us then was turned away.
    if (memory.gone) wake();
  }

  async function cleanUp(): Promise<void> {
    memory.finishing = true;
    try {
      await removeSandboxes(memory.pod, node);
      removeDirectories(memory.pod, node);
      memory.stopped = true;
      cleanedUp();
    } catch (error) {
      node.log.warn('pod could not be cleaned up', { pod: memory.pod.metadata.name, error: messageOf(error) });
      memory.finishing = false;
      retry();
    }
  }

  return { writeStatus, finish };
}
