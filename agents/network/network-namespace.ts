// Standing in another network namespace for a moment, as ip-netns(8) does: what is opened there stays of there.
import { closeSync, openSync } from 'node:fs';
import { dlopen } from 'node:ffi';

const CLONE_NEWNET = 0x40000000;

const { functions: libc } = dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } });

/** Runs it with this thread in another network namespace. Nothing else can run meanwhile: it does not wait. */
export function within<T>(netnsPath: string, run: () => T): T {
  const [home, there] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(netnsPath, 'r')];
  try {
    if (libc.setns(there, CLONE_NEWNET) !== 0) throw new Error(`${netnsPath} cannot be entered`);
    try {
      return run();
    } finally {
      // In the wrong network nothing that follows would be right.
      if (libc.setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
    closeSync(there);
  }
}
