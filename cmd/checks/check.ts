// A check looks at the machine and changes nothing. `skiff check` runs all of them, a start runs those that it cannot do without.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../flags.ts';

export interface Finding {
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do about it, in one line that can be typed where that is possible. */
  fix?: string;
}

/** What is to run here. */
export interface Wanted {
  verb: 'server' | 'agent';
  settings: Settings;
  /** false: a control plane without a node runs no containers. */
  node: boolean;
}

export interface Machine {
  /** Folder below which /proc, /sys, /etc and the rest are; '' but in tests. */
  root: string;
  uid: number;
  /** Search path for programs. */
  path: string;
  /** Epoch ms. */
  now: number;
  /** IPv4 addresses that others can reach. */
  addresses: readonly string[];
  /** Version of the C library. */
  glibc(): string;
}

export interface Check {
  name: string;
  /** Without it no start is tried. */
  atStart?: true;
  /** Nothing found is nothing to say. */
  look(wanted: Wanted, machine: Machine): Finding[] | Promise<Finding[]>;
}

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const warning = (message: string, fix: string): Finding => ({ status: 'warning', message, fix });
export const failed = (message: string, fix: string): Finding => ({ status: 'failed', message, fix });

/** '' when it cannot be read. */
export function textOf({ root }: Pick<Machine, 'root'>, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}

/** Empty when it cannot be read. */
export function namesIn({ root }: Pick<Machine, 'root'>, path: string): string[] {
  try {
    return readdirSync(join(root, path));
  } catch {
    return [];
  }
}

/** "a, b and c" */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
