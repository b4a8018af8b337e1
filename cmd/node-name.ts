// The name of this node. Once it has one it keeps it, whatever the machine is called later: another name would be another node, without its pods.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../internal/base/files.ts';
import { systemRandom } from '../internal/base/random.ts';
import type { Settings } from './flags.ts';
import { hostNodeName } from './host.ts';

/** --node-name, else the one kept in `<data-dir>/agent/node-name`, else the host's; --with-node-id adds eight hex digits that are made once. */
export function nodeNameOf(settings: Pick<Settings, 'data-dir' | 'node-name' | 'with-node-id'>): string {
  const read = (file: string): string | undefined => readFileIfThere(pathOf(settings, file))?.trim() || undefined;
  const name = settings['node-name'] ?? read('node-name') ?? hostNodeName();
  if (!settings['with-node-id']) return name;
  const id = read('node-id') ?? systemRandom.bytes(4).toString('hex');
  keep(settings, 'node-id', id);
  return name.endsWith(`-${id}`) ? name : `${name}-${id}`;
}

/** From here on it is the node's, unless another is given. */
export function keepNodeName(settings: Pick<Settings, 'data-dir'>, name: string): void {
  keep(settings, 'node-name', name);
}

function keep(settings: Pick<Settings, 'data-dir'>, file: string, text: string): void {
  const path = pathOf(settings, file);
  if (readFileIfThere(path) !== `${text}\n`) writeFileAtomically(path, `${text}\n`);
}

function pathOf(settings: Pick<Settings, 'data-dir'>, file: string): string {
  return join(settings['data-dir'], 'agent', file);
}
