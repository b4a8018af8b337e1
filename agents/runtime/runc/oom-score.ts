// Some machines let nobody lower oom_score_adj (no CAP_SYS_RESOURCE): a container that asks for it then fails. Probed once.
import { readFileSync, writeFileSync } from 'node:fs';

let probed: { floor: number | undefined } | undefined;

/** Undefined: whatever one likes may be set. */
export function lowestOomScore(): number | undefined {
  return (probed ??= { floor: probe() }).floor;
}

function probe(): number | undefined {
  const file = '/proc/self/oom_score_adj';
  const own = readFileSync(file, 'utf8').trim();
  try {
    writeFileSync(file, '-1000');
    writeFileSync(file, own);
    return undefined;
  } catch {
    return Number(own); // what it has, a child may have too
  }
}
