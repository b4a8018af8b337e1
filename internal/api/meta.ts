// What every Kubernetes object has, whatever its kind: type, metadata, and the names by which it is found.
// Shapes as in the API reference (meta/v1). Objects that come out of a store or a view are deeply frozen: copy before changing.

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: JsonObject;
  subresource?: string;
}

/** Metadata of an object as stored. Times are RFC 3339 in whole seconds, `resourceVersion` a decimal integer. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
  selfLink?: string;
}

export interface ListMeta {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
  selfLink?: string;
}

/** Any object, built in or custom. Generated kinds (kinds/generated/api-types.ts) are assignable to it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object of any kind whose own fields are read by name (schema-driven code, patches, custom resources). */
export type Unstructured = KubeObject & { [key: string]: unknown };

/** An object on its way in: the server fills in what a client leaves out of the metadata. */
export type Draft<T extends KubeObject> = Omit<T, 'metadata'> & { metadata: Partial<T['metadata']> };

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** A resource as RBAC and storage name it: `{group: 'apps', resource: 'deployments'}`. The core group is ''. */
export interface GroupResource {
  group: string;
  resource: string;
}

/** A resource at a version, as a URL names it. */
export interface GroupVersionResource extends GroupResource {
  version: string;
}

/** Where an object lives within its resource. `namespace` is '' for cluster-scoped objects. */
export interface ObjectKey {
  namespace: string;
  name: string;
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `deployments.apps`, `pods`: how messages and discovery write a resource. */
export function formatGroupResource({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** `namespace/name`, or `name` when cluster-scoped: the key that queues and indexes use. */
export function formatKey({ namespace, name }: ObjectKey): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function objectKey({ metadata: { namespace = '', name } }: { metadata: { namespace?: string; name: string } }): ObjectKey {
  return { namespace, name };
}

export function keyOf(object: { metadata: { namespace?: string; name: string } }): string {
  return formatKey(objectKey(object));
}

/** The owner that manages the object (`controller: true`), if any. */
export function controllerOf(object: { metadata: { ownerReferences?: OwnerReference[] } }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 in microseconds, as metav1.MicroTime is written. */
export function formatMicroTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}

/** Freezes a JSON tree in place and returns it. Stops at what is frozen already, so sharing subtrees is cheap. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) freeze(child);
  return Object.freeze(value);
}

/** A deep, mutable copy of a JSON tree; `undefined` members are dropped, as JSON would. */
export function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copy(item as unknown)) as T;
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    if (key === '__proto__') Object.defineProperty(result, key, { value: copy(child), writable: true, enumerable: true, configurable: true }); // a member like any other
    else result[key] = copy(child);
  }
  return result as T;
}
