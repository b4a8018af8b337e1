// A server's inside without sockets: memory store, pipeline, and the loops that make custom resources of their definitions. Conversion webhooks
// are answered by a function.
import { createAdmission } from '../../../internal/admission/index.ts';
import type { Callout } from '../../../internal/api/callout.ts';
import type { KubeObject, Unstructured } from '../../../internal/api/meta.ts';
import { loadSchemas, type Schemas } from '../../../internal/api/schema.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../../../internal/api/user.ts';
import type { Resource, Transport } from '../../../internal/api/request.ts';
import { createAuthorizer } from '../../../internal/authz/authorizer.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { crdCleanupLoop } from '../../../internal/controllers/extensions/crd-cleanup.ts';
import { crdConditionsLoop } from '../../../internal/controllers/extensions/crd-conditions.ts';
import { createPipeline, type Pipeline } from '../../../internal/http/pipeline.ts';
import { createEventRecorder } from '../../../internal/informer/event-recorder.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import type { Loop } from '../../../internal/informer/loop.ts';
import { runLoop } from '../../../internal/informer/run-loop.ts';
import type { ServedResources } from '../../../internal/informer/served-resources.ts';
import { hasCondition } from '../../../internal/kinds/custom/crd-conditions.ts';
import { webhookConverter } from '../../../internal/kinds/custom/conversion-webhook.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../../internal/kinds/generated/api-types.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../../../internal/kinds/generated/resources.ts';
import { loadKinds, type Kinds } from '../../../internal/kinds/index.ts';
import { keepCustomKinds } from '../../../internal/registry/custom-kinds.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import type { Store } from '../../../internal/store/store.ts';

export interface Scene {
  client: Client;
  transport: Transport;
  pipeline: Pipeline;
  kinds: Kinds;
  schemas: Schemas;
  store: Store;
  /** Creates a definition and waits until it is served. */
  define(crd: CustomResourceDefinition): Promise<void>;
  /** Resolves with the definition once this holds; undefined stands for gone. */
  until(name: string, holds: (crd: CustomResourceDefinition | undefined) => boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function createScene(callout: Callout = { post: () => Promise.reject(new Error('nobody there')) }): Promise<Scene> {
  const [clock, random] = [systemClock, systemRandom];
  const store = createMemoryStore({ clock });
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const registry = createRegistry({ store, schemas, clock, random });
  const authorizer = createAuthorizer(store);
  const admission = createAdmission({ store, kinds, schemas, authorizer, clock, random, callout });
  const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission, clock });
  const transport = pipeline.as({ username: 'admin', groups: [MASTERS_GROUP, AUTHENTICATED_GROUP] });
  const client = createClient(transport);
  await client.create({ group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace', namespaced: false }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  const views = createLocalViews(store);
  const resources: ServedResources = Object.assign((): Resource[] => kinds.all().filter((kind) => kind.custom !== undefined && kinds.preferred(kind.group, kind.resource) === kind), { onChange: kinds.onChange });
  const recorder = createEventRecorder({ client, clock, random, log: silentLog, component: 'test' });
  const components = [
    keepCustomKinds({ store, kinds, schemas, converterOf: (crd) => webhookConverter(crd, { callout, uuid: random.uuid }) }),
    ...[crdConditionsLoop(), crdCleanupLoop(resources)].map((loop) => runLoop(loop as Loop, { views, client, clock, random, log: silentLog, recorder })),
  ];
  for (const component of components) await component.start();
  const until: Scene['until'] = (name, holds) => new Promise((resolve) => {
    const check = (): boolean => holds(store.get(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name }) as CustomResourceDefinition | undefined);
    const subscription = store.watch(CUSTOMRESOURCEDEFINITIONS, store.revision, { onChange: () => settle() });
    const settle = (): void => {
      if (!check()) return;
      subscription.close();
      resolve();
    };
    settle();
  });
  return {
    client, transport, pipeline, kinds, schemas, store, until,
    async define(crd) {
      await client.create(CUSTOMRESOURCEDEFINITIONS, crd);
      await until(crd.metadata.name, (stored) => stored !== undefined && hasCondition(stored, 'Established'));
    },
    async stop() {
      for (const component of components.reverse()) await component.stop();
      await store.close();
    },
  };
}

/** A definition of `foos.example.com` with these versions; the first is stored unless one says otherwise. */
export function crd(versions: Partial<CustomResourceDefinitionVersion>[], more: { names?: object; spec?: object; annotations?: Record<string, string> } = {}): CustomResourceDefinition {
  const stored = versions.findIndex(({ storage }) => storage === true);
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'foos.example.com', ...(more.annotations !== undefined && { annotations: more.annotations }) },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo', ...more.names },
      versions: versions.map((version, index) => ({ name: 'v1', served: true, ...version, storage: index === Math.max(stored, 0) })), ...more.spec,
    },
  } as unknown as CustomResourceDefinition;
}

export function schemaOf(openAPIV3Schema: object): { schema: { openAPIV3Schema: never } } {
  return { schema: { openAPIV3Schema: openAPIV3Schema as never } };
}

export const foos = (version = 'v1'): Resource<Unstructured> => ({ group: 'example.com', version, resource: 'foos', kind: 'Foo', namespaced: true });

export function foo(name: string, fields: object = {}, version = 'v1'): Unstructured {
  return { apiVersion: `example.com/${version}`, kind: 'Foo', metadata: { name, namespace: 'default' }, ...fields } as unknown as Unstructured;
}

export function key(name: string): { namespace: string; name: string } {
  return { namespace: 'default', name };
}

export type { KubeObject };
