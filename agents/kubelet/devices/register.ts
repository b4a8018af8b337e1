// A device plugin asks to be known: what is refused, in upstream's words.
import { join } from 'node:path';
import { labelKeyProblems } from '../../../internal/api/names.ts';
import type { PluginInfo } from '../plugins/registration.ts';
import type { DeviceDesk } from './desk.ts';
import { decode, encode } from './messages.ts';

const VERSION = 'v1beta1';

/** `request`: RegisterRequest; gives Empty. */
export async function register(request: Uint8Array, { directory, desk }: { directory: string; desk: DeviceDesk }): Promise<Uint8Array> {
  const { version, resourceName, endpoint } = decode('RegisterRequest', request);
  if (version !== VERSION) throw new Error(`requested API version ${JSON.stringify(version)} is not supported by kubelet. Supported version is [${JSON.stringify(VERSION)}]`);
  if (!isExtendedName(resourceName)) throw new Error(`the ResourceName ${JSON.stringify(resourceName)} is invalid`);
  await desk.connect(resourceName, join(directory, endpoint));
  return encode('Empty', {});
}

export function validate({ name, versions }: PluginInfo): void {
  if (!versions.includes(VERSION)) throw new Error(`manager version, ${VERSION}, is not among plugin supported versions [${versions.join(' ')}]`);
  if (!isExtendedName(name)) throw new Error(`invalid name of device plugin socket: the ResourceName ${JSON.stringify(name)} is invalid`);
}

function isExtendedName(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.') && labelKeyProblems(`requests.${name}`).length === 0;
}
