// The client over any transport (contract: client.ts). Only names and types are added here.
import { objectKey, type GroupVersionResource, type KubeObject, type ObjectKey } from '../api/meta.ts';
import type { ApiRequest, ObjectList, RequestOptions, Transport, Verb, WatchEvent } from '../api/request.ts';
import type { Client, ReadOptions, WriteOptions } from './client.ts';

export function createClient(transport: Transport): Client {
  const send = async <R>(request: ApiRequest): Promise<R> => (await transport.send(request)) as R;
  return {
    get: (resource, key) => send(requestFor('get', resource, { key })),
    getSub: (resource, key, subresource) => send({ ...requestFor('get', resource, { key }), subresource }),
    list: (resource, options = {}) => send(reading('list', resource, options)),
    create: (resource, draft, options) => send(writing('create', resource, { key: { namespace: draft.metadata.namespace ?? '', name: '' }, body: draft as unknown as KubeObject, options })),
    createSub: (resource, key, subresource, body) => send({ ...requestFor('create', resource, { key }), subresource, body: body as KubeObject }),
    update: (resource, object, options) => send(writing('update', resource, { key: objectKey(object), body: object, options })),
    updateStatus: (resource, object) => send(writing('update', resource, { key: objectKey(object), body: object, options: { subresource: 'status' } })),
    patch: (resource, key, patch, options) => send(writing('patch', resource, { key, body: patch, options })),
    async delete(resource, key, options) {
      await transport.send(requestFor('delete', resource, { key, ...(options !== undefined && { options: { delete: options } }) }));
    },
    async deleteAll(resource, { delete: deletion, ...options }) {
      const request = reading('deletecollection', resource, options);
      await transport.send(deletion === undefined ? request : { ...request, options: { ...request.options, delete: deletion } });
    },
    watch: <T extends KubeObject>(resource: GroupVersionResource, options: ReadOptions, signal: AbortSignal) => transport.watch(reading('watch', resource, options), signal) as AsyncIterable<WatchEvent<T>>,
  };
}

function requestFor(verb: Verb, { group, version, resource }: GroupVersionResource, { key, options = {} }: { key: ObjectKey; options?: RequestOptions }): ApiRequest {
  return { verb, resource: { group, version, resource }, namespace: key.namespace, name: key.name, subresource: '', options };
}

function reading(verb: Verb, resource: GroupVersionResource, { namespace = '', ...options }: ReadOptions): ApiRequest {
  return requestFor(verb, resource, { key: { namespace, name: '' }, options });
}

type Body = NonNullable<ApiRequest['body']>;

function writing(verb: Verb, resource: GroupVersionResource, { key, body, options: { subresource = '', ...options } = {} }: { key: ObjectKey; body: Body; options?: WriteOptions | undefined }): ApiRequest {
  return { ...requestFor(verb, resource, { key, options }), subresource, body };
}

export type { ObjectList };
