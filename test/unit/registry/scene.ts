// A registry over a memory store with every built-in kind, a clock that stands still and chance that repeats.
import type { Test } from 'tap';
import { isReason, type StatusError, type StatusReason } from '../../../internal/base/errors.ts';
import type { Random } from '../../../internal/base/random.ts';
import type { KubeObject, Unstructured } from '../../../internal/api/meta.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { Kind } from '../../../internal/kinds/kind.ts';
import { createServiceAllocator } from '../../../internal/registry/allocators/service-allocator.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import type { Registry, WriteContext } from '../../../internal/registry/registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import type { Store } from '../../../internal/store/store.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const schemas = loadSchemas();
const kinds = loadKinds(schemas);

export interface Scene {
  registry: Registry;
  store: Store;
  clock: FakeClock;
  random: Random;
}

export function createScene({ serviceCidr = '10.43.0.0/16', nodePorts = { first: 30000, last: 32767 }, random = seededRandom(1) } = {}): Scene {
  const clock = createFakeClock();
  const store = createMemoryStore({ clock });
  return { clock, store, random, registry: openRegistry(store, { clock, random, serviceCidr, nodePorts }) };
}

/** A registry over a store that may hold something already, as after a restart. */
export function openRegistry(store: Store, { clock, random, serviceCidr, nodePorts }: { clock: FakeClock; random: Random; serviceCidr: string; nodePorts: { first: number; last: number } }): Registry {
  return createRegistry({ store, schemas, clock, random, hooks: { '/services': createServiceAllocator({ store, random, serviceCidr, nodePorts }) } });
}

export function kindOf(resource: string, group = '', version = 'v1'): Kind {
  const kind = kinds.byResource(group, version, resource);
  if (kind === undefined) throw new Error(`no kind for ${resource}`);
  return kind;
}

export function write(more: Partial<WriteContext> = {}): WriteContext {
  return { user: { username: 'me', groups: [] }, dryRun: false, subresource: '', ...more };
}

export function configMap(name: string, more: { data?: Record<string, string>; labels?: Record<string, string>; finalizers?: string[]; namespace?: string; generateName?: string } = {}): KubeObject {
  const { data, namespace = 'default', ...metadata } = more;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...(name !== '' && { name }), namespace, ...metadata }, ...(data !== undefined && { data }) } as unknown as KubeObject;
}

export function pod(name: string, more: { nodeName?: string; grace?: number; labels?: Record<string, string> } = {}): KubeObject {
  const { nodeName, grace, labels } = more;
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...(labels !== undefined && { labels }) },
    spec: { containers: [{ name: 'c', image: 'busybox' }], ...(nodeName !== undefined && { nodeName }), ...(grace !== undefined && { terminationGracePeriodSeconds: grace }) },
  } as unknown as KubeObject;
}

export function change(fields: object): (current: KubeObject | undefined) => KubeObject {
  return (current) => ({ ...(current as Unstructured), ...fields, metadata: { ...(current as KubeObject).metadata, ...(fields as { metadata?: object }).metadata } }) as unknown as KubeObject;
}

/** What is thrown; the test fails when nothing is, or when the reason is another. */
export async function refused(t: Test, reason: StatusReason, run: () => unknown): Promise<StatusError> {
  try {
    await run();
  } catch (error) {
    t.ok(isReason(error, reason), `is refused with ${reason}: ${String(error)}`);
    return error as StatusError;
  }
  t.fail(`must be refused with ${reason}`);
  throw new Error('was not refused');
}

export function seededRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  let uuids = 0;
  return { fraction: next, uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`, bytes: (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(next() * 256))) };
}
