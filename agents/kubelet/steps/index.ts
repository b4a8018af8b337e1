// The one ordered list of what a pod stands on. Containers come after it (steps/container.ts), as the plan says.
import type { NodeContext } from '../node-context.ts';
import { CGROUP } from './cgroup.ts';
import { CLAIMS } from './claims.ts';
import { DIRECTORIES } from './directories.ts';
import { SANDBOX } from './sandbox.ts';
import type { Ground, Step } from './step.ts';
import { VOLUMES } from './volumes.ts';

const STEPS: readonly Step[] = [CGROUP, DIRECTORIES, VOLUMES, CLAIMS, SANDBOX];

export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: string;
  constructor(step: string, message: string, cause: unknown) {
    super(message, { cause });
    this.step = step;
  }
}

export async function applySteps(ground: Ground, node: NodeContext): Promise<void> {
  for (const step of STEPS) {
    await step.apply(ground, node).catch((error: unknown) => { throw new StepError(step.name, error instanceof Error ? error.message : String(error), error); });
  }
}

/** Undoes all, in reverse; one that fails does not keep the others from being undone. */
export async function undoSteps(ground: Ground, node: NodeContext): Promise<void> {
  const failures: unknown[] = [];
  for (const step of [...STEPS].reverse()) await step.undo(ground, node).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
