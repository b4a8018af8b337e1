// What a running container's conmon is told through its pipe. A conmon that was killed leaves the pipe behind: nobody reads it, and who opened it
// as a usual file is opened would wait for ever, and the whole node with it.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const REOPEN_LOG = '2 0 0\n';

/** `bundle` is the container's folder. Throws when its conmon has gone. */
export function reopenLog(bundle: string): void {
  tell(bundle, REOPEN_LOG);
}

/** Of its terminal. */
export function resize(bundle: string, { width, height }: { width: number; height: number }): void {
  tell(bundle, `1 ${String(height)} ${String(width)}\n`);
}

function tell(bundle: string, line: string): void {
  const pipe = openSync(join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(pipe, line);
  } finally {
    closeSync(pipe);
  }
}
