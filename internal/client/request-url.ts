// An ApiRequest as an HTTP request: method, path, query, content type. The inverse of what the server's router does.
import type { ApiRequest, Patch, PatchType, RequestOptions, Verb } from '../api/request.ts';

const METHODS: Record<Verb, string> = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE', connect: 'POST' };
const PATCH_TYPES: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

export interface HttpRequest {
  method: string;
  path: string;
  contentType?: string;
  body?: string;
  /** Beside those that every request has. */
  headers?: Readonly<Record<string, string>>;
}

export function httpRequestOf(request: ApiRequest): HttpRequest {
  const method = METHODS[request.verb];
  const path = pathOf(request) + queryOf(request);
  const body = bodyOf(request);
  return body === undefined ? { method, path } : { method, path, ...body };
}

function pathOf({ resource: { group, version, resource }, namespace, name, subresource }: ApiRequest): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [...(namespace === '' ? [] : ['namespaces', namespace]), resource, name, subresource].filter((part) => part !== '');
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

const PLAIN = ['resourceVersion', 'resourceVersionMatch', 'labelSelector', 'fieldSelector', 'limit', 'continue', 'timeoutSeconds', 'allowWatchBookmarks', 'sendInitialEvents', 'fieldManager', 'fieldValidation', 'force'] as const satisfies (keyof RequestOptions)[];

function queryOf({ verb, options }: ApiRequest): string {
  const query = new URLSearchParams();
  if (verb === 'watch') query.set('watch', 'true');
  for (const key of PLAIN) if (options[key] !== undefined) query.set(key, String(options[key]));
  if (options.dryRun === true) query.set('dryRun', 'All');
  return query.size === 0 ? '' : `?${query.toString()}`;
}

function bodyOf({ verb, body, options }: ApiRequest): { contentType: string; body: string } | undefined {
  if (verb === 'patch') {
    const patch = body as Patch;
    return { contentType: PATCH_TYPES[patch.type], body: JSON.stringify(patch.body) };
  }
  if (verb === 'delete' || verb === 'deletecollection') {
    if (options.delete === undefined) return undefined;
    return { contentType: 'application/json', body: JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options.delete }) };
  }
  return body === undefined ? undefined : { contentType: 'application/json', body: JSON.stringify(body) };
}
