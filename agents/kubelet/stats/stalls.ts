// How long work waited for what was short, as the kernel counts it (PSI), in the words of stats/v1alpha1. Of the machine from /proc/pressure, of
// a cgroup from its own files, which cgroups v1 has not.
import { readCgroupFile } from './cgroup-file.ts';

export type Stalled = 'cpu' | 'memory' | 'io';

interface Stall {
  /** Microseconds. */
  total: number;
  avg10: number;
  avg60: number;
  avg300: number;
}

/** Nothing where the kernel does not tell. */
export function stallsOf(what: Stalled, cgroup?: string): { psi?: { full: Stall; some: Stall } } {
  const text = cgroup === undefined ? readCgroupFile('/proc/pressure', what) : readCgroupFile(cgroup, `${what}.pressure`);
  return text === undefined ? {} : { psi: { full: stallIn(text, 'full'), some: stallIn(text, 'some') } };
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=12` */
function stallIn(text: string, who: string): Stall {
  const line = new RegExp(`^${who} (.*)$`, 'm').exec(text)?.[1] ?? '';
  const value = (name: string): number => Number(new RegExp(`${name}=([\\d.]+)`).exec(line)?.[1] ?? '0');
  return { total: value('total'), avg10: value('avg10'), avg60: value('avg60'), avg300: value('avg300') };
}
