// Whether the programs that containers are made with can be run: looked at with every heartbeat, run only when their file is another one.
import { statSync } from 'node:fs';
import { findProgram, tryCommand } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { wordsOf } from './ground.ts';

export interface Programs {
  /** Why containers cannot be made now; '' when they can, as far as is known: a program that has changed is tried meanwhile. */
  problem(): string;
  /** Tries those that have changed. */
  tried(): Promise<void>;
}

interface Trial {
  /** Of the file that was tried. */
  mark: string;
  problem: string;
}

export function createPrograms(names: readonly string[]): Programs {
  const trials = new Map<string, Trial>();
  let trying: Promise<void> | undefined;

  async function tryChanged(): Promise<void> {
    for (const name of names) {
      const mark = markOf(name);
      if (mark === undefined || trials.get(name)?.mark === mark) continue;
      trials.set(name, { mark, problem: await problemOf(name) });
    }
  }

  const tried = (): Promise<void> => (trying ??= tryChanged().finally(() => { trying = undefined; }));
  return {
    tried,
    problem() {
      const missing = names.filter((name) => markOf(name) === undefined);
      if (missing.length > 0) return missing.map((name) => `container runtime is down: ${name} is missing`).join(', ');
      if (names.some((name) => trials.get(name)?.mark !== markOf(name))) void tried();
      return names.map((name) => trials.get(name)?.problem ?? '').filter((problem) => problem !== '').join(', ');
    },
  };
}

async function problemOf(name: string): Promise<string> {
  const result = await tryCommand(findProgram(name) ?? name, ['--version'], { timeoutMs: 10_000 }).catch((error: unknown) => ({ code: -1, stderr: messageOf(error) }));
  return result.code === 0 ? '' : `container runtime is down: ${name} cannot be run: ${wordsOf(result.stderr) || `exit ${String(result.code)}`}`;
}

/** Tells one file from another without reading it. */
function markOf(name: string): string | undefined {
  const path = findProgram(name);
  const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : [path, stat.ino, stat.size, stat.mtimeMs, stat.mode].join(' ');
}
