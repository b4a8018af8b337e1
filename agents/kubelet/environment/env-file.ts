// fileKeyRef (KEP-3721): one variable out of a file of `KEY='value'` lines in an emptyDir volume, written by an init container.
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { FileKeySelector } from '../../../internal/kinds/generated/api-types.ts';

const MAX_VALUE_BYTES = 32 * 1024;

export function readEnvFile(volumePath: string | undefined, { volumeName, path, key, optional = false }: FileKeySelector): string | undefined {
  if (volumePath === undefined) throw new Error(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  const text = readInside(volumePath, path);
  const value = text === undefined ? undefined : parseEnvFile(text).get(key);
  if (value !== undefined && Buffer.byteLength(value) > MAX_VALUE_BYTES) throw new Error(`value of key "${key}" in ${path} is too long`);
  if (value === undefined && !optional) {
    throw new Error(text === undefined ? `couldn't parse env file: open ${join(volumePath, path)}: no such file or directory` : `environment variable key "${key}" not found in file "${join(volumePath, path)}"`);
  }
  return value;
}

/** A container may have left a symbolic link: what it points to must stay inside the volume. */
function readInside(root: string, path: string): string | undefined {
  try {
    const real = realpathSync(join(root, path));
    if (!real.startsWith(`${realpathSync(root)}/`)) throw new Error(`env file ${path} leaves its volume`);
    return readFileSync(real, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const pattern = /^[ \t]*([^\s=#][^\s=]*)[ \t]*=[ \t]*(?:'([^']*)'|([^\n#]*?))[ \t]*(?:#[^\n]*)?$/gm;
  for (const [, name = '', quoted, plain] of text.matchAll(pattern)) values.set(name, quoted ?? plain ?? '');
  return values;
}
