// What must be there before a server or agent starts. Every problem at once, each with what to do, before anything is touched. `skiff check` looks
// at more.
import { look, thisMachine } from './check.ts';
import type { Wanted } from './checks/check.ts';
import { CHECKS } from './checks/list.ts';

/** Throws an error that names every problem. */
export async function checkBeforeStart(wanted: Wanted): Promise<void> {
  const rows = await look(wanted, thisMachine(), CHECKS.filter(({ atStart }) => atStart === true));
  const problems = rows.filter(({ status }) => status === 'failed').map(({ message, fix }) => `${message}: ${fix ?? ''}`);
  if (problems.length > 0) throw new Error(problems.join('; '));
}
