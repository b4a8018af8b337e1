// fileKeyRef (KEP-3721): one variable out of a file of `KEY='value'` lines in an emptyDir volume, written by an init container. What that left
// is not trusted: links are followed within the volume only, a pipe is not waited for, and nothing large is read. The format is upstream's, strict:
// every value in single quotes (over several lines too), no space before `=`; a space after it makes the value empty.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { FileKeySelector } from '../../../internal/kinds/generated/api-types.ts';
import { resolveInRoot } from '../../runtime/runc/rooted-path.ts';
import { openBelow } from '../volumes/sub-path.ts';

const FILE_MAX_BYTES = 1 << 20;
const VALUE_MAX_BYTES = 32 * 1024;

/** undefined: it is not there, and need not be. */
export function readEnvFile(volumePath: string | undefined, { volumeName, path, key, optional = false }: FileKeySelector): string | undefined {
  if (volumePath === undefined) throw new Error(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  const value = valueIn(volumePath, path, key);
  if (Buffer.byteLength(value) > VALUE_MAX_BYTES) throw new Error(`value of key "${key}" in ${path} is too long`);
  if (value !== '') return value;
  if (optional) return undefined;
  throw new Error(`environment variable key "${key}" not found in file "${join(volumePath, path)}"`);
}

/** Why a file is none is for its author to find out: the words would go into an event, and the file is another container's. */
function valueIn(volumePath: string, path: string, key: string): string {
  try {
    return envFileValue(readInside(volumePath, path), key);
  } catch (error) {
    throw new Error("couldn't parse env file", { cause: error });
  }
}

function readInside(root: string, path: string): string {
  const place = openBelow(root, relative(root, resolveInRoot(root, path)));
  try {
    const status = fstatSync(place);
    if (!status.isFile()) throw new Error(`${path} is not a file`);
    if (status.size > FILE_MAX_BYTES) throw new Error(`${path} has more than ${String(FILE_MAX_BYTES)} bytes`);
    const file = openSync(`/proc/self/fd/${String(place)}`, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(place);
  }
}

/** '' when no line names it. What comes after the line that does is not looked at. */
export function envFileValue(text: string, key: string): string {
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').replace(/^[ \t]+/, '').replace(/\r$/, '');
    if (line === '' || line.startsWith('#')) continue;
    const where = `invalid environment variable format at line ${String(at + 1)}`;
    const equals = line.indexOf('=');
    if (equals < 0) throw new Error(`${where}: missing '='`);
    const name = line.slice(0, equals);
    if (name.trim() === '') throw new Error(`${where}: empty variable name`);
    if (/[ \t]$/.test(name)) throw new Error(`${where}: whitespace before '=' is not allowed`);
    const rest = line.slice(equals + 1);
    if (/^[ \t]/.test(rest)) {
      if (name === key) return '';
      continue;
    }
    if (!rest.startsWith("'")) throw new Error(`${where}: value must be enclosed in single quotes`);
    const { value, last } = quoted(lines, { at, rest: rest.slice(1), where });
    if (name === key) return value;
    at = last;
  }
  return '';
}

function quoted(lines: readonly string[], { at, rest, where }: { at: number; rest: string; where: string }): { value: string; last: number } {
  const parts: string[] = [];
  for (let last = at, part = rest; ; part = (lines[last] ?? '').replace(/\r$/, '')) {
    const end = part.indexOf("'");
    if (end >= 0) {
      if (!/^[ \t]*(#|$)/.test(part.slice(end + 1))) throw new Error(`${where}: unexpected content after closing quote`);
      return { value: [...parts, part.slice(0, end)].join('\n'), last };
    }
    parts.push(part);
    if (++last >= lines.length) throw new Error(`${where}: unclosed single quote`);
  }
}
