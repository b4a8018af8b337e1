// Short forms for rows of the table.
import type { Row } from './exchange.ts';

type More = Omit<Row, 'name' | 'method' | 'path'>;

export const NS = '/api/v1/namespaces/{ns}';
export const APPS = '/apis/apps/v1/namespaces/{ns}';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
export const METADATA = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json';
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';

export function get(name: string, path: string, more: More = {}): Row {
  return { name, method: 'GET', path, ...more };
}

export function post(name: string, path: string, body: unknown, more: More = {}): Row {
  return { name, method: 'POST', path, body, ...more };
}

export function put(name: string, path: string, body: unknown, more: More = {}): Row {
  return { name, method: 'PUT', path, body, ...more };
}

export function patch(name: string, path: string, body: unknown, type: 'merge' | 'strategic' | 'json' | 'apply', more: More = {}): Row {
  return { name, method: 'PATCH', path, body, contentType: type === 'apply' ? 'application/apply-patch+yaml' : `application/${type === 'strategic' ? 'strategic-merge-patch' : `${type}-patch`}+json`, ...more };
}

export function remove(name: string, path: string, body?: unknown, more: More = {}): Row {
  return { name, method: 'DELETE', path, ...(body !== undefined && { body }), ...more };
}

export function configMap(name: string, data: Record<string, string> = { a: '1' }, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { parity: '{ns}' }, ...metadata }, data };
}

/** A pod that no scheduler looks at. */
export function pod(name: string, spec: object = {}, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { parity: '{ns}', app: 'web' }, ...metadata }, spec: { schedulerName: 'nobody', containers: [{ name: 'web', image: 'example.test/web:1' }], ...spec } };
}

export function deployment(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels: { parity: '{ns}' }, ...metadata },
    spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'example.test/web:1' }] } }, ...spec },
  };
}
