// The ConfigMaps, Secrets and other objects that this node's pods name. On a server they are read from the one cache and cost nothing; on
// an agent each is fetched when first asked for, kept for a minute, and asked for again while a pod uses it (the node authorizer
// grants an agent no more than what its pods name).
import type { Clock, Timer } from '../../internal/base/clock.ts';
import { isReason } from '../../internal/base/errors.ts';
import type { KubeObject } from '../../internal/api/meta.ts';
import type { Resource } from '../../internal/api/request.ts';
import type { LastKnown } from './last-known/files.ts';
import type { Client } from '../../internal/client/client.ts';
import type { Views } from '../../internal/informer/view.ts';

export interface ObjectSource {
  /** undefined: there is no such object. Throws when the API cannot be asked and nothing is known. */
  get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T | undefined>;
  /** Called when an object of the resource has changed, or may have. `follows`: one that it names is looked after also while nobody gets it. */
  onChange(resource: Resource, listener: ObjectListener, follows?: (namespace: string, name: string) => boolean): () => void;
  stop(): void;
}

export type ObjectListener = (namespace: string, name: string) => void;

export function createLocalObjects(views: Views): ObjectSource {
  const ends: (() => void)[] = [];
  return {
    async get(resource, namespace, name) {
      const view = views.of(resource);
      await view.synced;
      return view.get(namespace, name);
    },
    onChange(resource, listener) {
      const end = views.of(resource).subscribe(({ object }) => listener(object.metadata.namespace ?? '', object.metadata.name));
      ends.push(end);
      return end;
    },
    stop: () => ends.splice(0).forEach((end) => end()),
  };
}

const KEEP_MS = 60_000;

interface Kept {
  resource: Resource;
  namespace: string;
  name: string;
  object: KubeObject | undefined;
  fetchedAt: number;
  usedAt: number;
}

/** `lastKnown`: where they are kept for a start without the server. */
export function createFetchedObjects(client: Client, clock: Clock, lastKnown?: LastKnown): ObjectSource {
  const kept = new Map<string, Kept>();
  const listeners = new Set<{ resource: Resource; listener: ObjectListener; follows: ((namespace: string, name: string) => boolean) | undefined }>();
  const listenersOf = ({ group, resource }: Resource) => [...listeners].filter(({ resource: wanted }) => wanted.resource === resource && wanted.group === group);
  let timer: Timer | undefined;

  async function fetch(resource: Resource, namespace: string, name: string): Promise<KubeObject | undefined> {
    const key = `${resource.group}/${resource.resource}/${namespace}/${name}`;
    const known = kept.get(key);
    const nameOnDisk = `${namespace} ${key}`;
    const now = clock.monotonicMs();
    const object = await client.get(resource, { namespace, name }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      const away = known?.object ?? lastKnown?.read<KubeObject>(nameOnDisk);
      if (known === undefined && away === undefined) throw error;
      return away; // the API is away: go on with what is known
    });
    if (object !== undefined && known?.object?.metadata.resourceVersion !== object.metadata.resourceVersion && lastKnown?.read<KubeObject>(nameOnDisk)?.metadata.resourceVersion !== object.metadata.resourceVersion) lastKnown?.write(nameOnDisk, object);
    kept.set(key, { resource, namespace, name, object, fetchedAt: now, usedAt: known?.usedAt ?? now });
    if (known !== undefined && known.object?.metadata.resourceVersion !== object?.metadata.resourceVersion) {
      for (const { listener } of listenersOf(resource)) listener(namespace, name);
    }
    return object;
  }

  async function refresh(): Promise<void> {
    timer = undefined;
    const now = clock.monotonicMs();
    for (const [key, { resource, namespace, name, usedAt }] of kept) {
      const followed = listenersOf(resource).some(({ follows }) => follows?.(namespace, name) === true);
      if (!followed && now - usedAt > 10 * KEEP_MS) kept.delete(key);
      else await fetch(resource, namespace, name).catch(() => undefined);
    }
    schedule();
  }

  function schedule(): void {
    if (timer === undefined && kept.size > 0) timer = clock.setTimer(KEEP_MS, () => void refresh());
  }

  return {
    async get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string) {
      const known = kept.get(`${resource.group}/${resource.resource}/${namespace}/${name}`);
      const now = clock.monotonicMs();
      if (known !== undefined) known.usedAt = now;
      // What was not there may have been made since: absence is not kept.
      const object = known?.object !== undefined && now - known.fetchedAt < KEEP_MS ? known.object : await fetch(resource as Resource, namespace, name);
      schedule();
      return object as T | undefined;
    },
    onChange(resource, listener, follows) {
      const entry = { resource, listener, follows };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    stop() {
      timer?.cancel();
      kept.clear();
    },
  };
}
