// Who is asked again in the second round of mutating admission: those that asked to be, when the object changed after they had seen it. Webhooks
// and policies follow the same rule (upstream: plugin/webhook/mutating/reinvocationcontext.go).
import { sameJson } from '../api/json-equality.ts';
import { copy, type KubeObject } from '../api/meta.ts';
import type { AdmissionRequest, Rounds } from './admission.ts';

export interface Reinvocation {
  /** In the first round everyone's turn, in the second that of those to be asked again. */
  isDue(id: string): boolean;
  /** It has changed the object: those asked before are asked again, and all plugins run once more. */
  changed(): void;
  /** It has been asked, and is willing to be asked again. */
  willing(id: string): void;
  /** At the end of the plugin's round. */
  finish(): void;
}

/** What the first round leaves for the second. */
interface Memory {
  asked: Set<string>;
  again: Set<string>;
  /** The object as it was when the last one had been asked. */
  last?: KubeObject;
}

export function reinvocationOf(plugin: string, request: AdmissionRequest, rounds: Rounds): Reinvocation {
  const memory = rounds.memory<Memory>(plugin, () => ({ asked: new Set(), again: new Set() }));
  const askAgain = (): void => {
    for (const id of memory.asked) memory.again.add(id);
    memory.asked.clear();
  };
  // Other plugins changed what these had seen.
  if (rounds.round > 0 && !sameJson(memory.last, request.object)) askAgain();
  return {
    isDue: (id) => rounds.round === 0 || memory.again.has(id),
    changed() {
      askAgain();
      rounds.again();
    },
    willing: (id) => void memory.asked.add(id),
    finish() {
      if (request.object !== undefined) memory.last = copy(request.object);
    },
  };
}
