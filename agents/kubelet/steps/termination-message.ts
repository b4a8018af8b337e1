// A container's last words: what it wrote to its termination message path or, where the pod asks for it and it failed saying nothing,
// the end of its log. Limits as upstream: 4096 bytes; 80 lines or 2048 bytes of log.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isErrno } from '../../../internal/base/errors.ts';
import type { ContainerStatus } from '../../runtime/runtime.ts';
import { ANNOTATION } from '../labels.ts';
import { parseLogLine } from '../logs/cri-log.ts';

const MESSAGE_MAX_BYTES = 4096;
const LOG_MAX_BYTES = 2048;
const LOG_MAX_LINES = 80;

export function terminationMessage(container: ContainerStatus, logDirectory: string): string {
  const { annotations, logPath } = container.config;
  const file = annotations[ANNOTATION.terminationMessageFile];
  const written = file === undefined ? '' : readEnd(file, MESSAGE_MAX_BYTES).toString();
  if (written !== '') return written;
  if (annotations[ANNOTATION.terminationMessagePolicy] !== 'FallbackToLogsOnError' || container.exitCode === 0) return container.message ?? '';
  const lines = readEnd(`${logDirectory}/${logPath}`, 64 * 1024).toString().split('\n').filter((line) => line !== '');
  const text = lines.slice(-LOG_MAX_LINES).map((line) => { const entry = parseLogLine(line); return entry === undefined ? '' : `${entry.text}${entry.partial ? '' : '\n'}`; }).join('');
  return Buffer.from(text).subarray(-LOG_MAX_BYTES).toString();
}

/** The last bytes of a file, or none when it is not there. */
function readEnd(path: string, maxBytes: number): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, maxBytes));
      return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, size - buffer.length));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EISDIR')) return Buffer.alloc(0);
    throw error;
  }
}
