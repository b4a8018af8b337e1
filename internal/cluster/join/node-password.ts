// A node's name belongs to who came first with it: a hash of the node's password lies in a Secret of kube-system, and whoever comes with the
// name and another password is turned away while the Node is there. Deleting the Node frees the name. (K3s' idea, and its Secret's name but for ours.)
// The password is 128 random bits, so a salted SHA-256 is enough: there is nothing to guess at that a slow hash would protect.
import { hash, timingSafeEqual } from 'node:crypto';
import { isReason, StatusError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { KubeObject, ObjectKey } from '../../api/meta.ts';
import type { Resource } from '../../api/request.ts';
import type { Client } from '../../client/client.ts';
import type { Secret } from '../../kinds/generated/api-types.ts';
import { NODES, SECRETS } from '../../kinds/generated/resources.ts';

export interface NameClaim {
  nodeName: string;
  password: string;
  /** Throws unless the node showed a token, so that it may take a name that nobody has. Asked only if it is not known by its password. */
  mayTake(): Promise<void>;
}

/** Resolves when the name is the node's. StatusError Unauthorized or Forbidden. */
export async function claimNodeName(client: Client, claim: NameClaim, random: Random): Promise<void> {
  const key = { namespace: 'kube-system', name: `${claim.nodeName}.node-password.skiff` };
  const secret = await find(client, SECRETS, key);
  if (secret !== undefined && matches(secret, claim.password)) return;
  await claim.mayTake();
  if ((await find(client, NODES, { namespace: '', name: claim.nodeName })) !== undefined) throw taken(claim.nodeName);
  const salt = random.bytes(16).toString('hex');
  const data = { hash: Buffer.from(`${salt}:${hashOf(salt, claim.password)}`).toString('base64') };
  if (secret !== undefined) await client.update(SECRETS, { ...secret, data });
  else await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: key, type: 'Opaque', data }).catch((error: unknown) => {
    throw isReason(error, 'AlreadyExists') ? taken(claim.nodeName) : error;
  });
}

export function taken(nodeName: string): StatusError {
  return new StatusError('Forbidden', `node name "${nodeName}" is another machine's: choose one with --node-name or --with-node-id; or, when that machine is gone for good, run: skiff kubectl delete node ${nodeName}`);
}

function matches({ data }: Secret, password: string): boolean {
  const [salt = '', hash = ''] = Buffer.from(data?.['hash'] ?? '', 'base64').toString().split(':');
  const [given, kept] = [Buffer.from(hashOf(salt, password)), Buffer.from(hash)];
  return given.length === kept.length && timingSafeEqual(given, kept);
}

function hashOf(salt: string, password: string): string {
  return hash('sha256', `${salt}:${password}`);
}

async function find<T extends KubeObject>(client: Client, resource: Resource<T>, key: ObjectKey): Promise<T | undefined> {
  try {
    return await client.get(resource, key);
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
