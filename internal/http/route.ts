// From method and path to what is asked for, by upstream's rules (apiserver pkg/endpoints/request/requestinfo.go): authorization, discovery
// and the pipeline all go by this reading alone.

export interface RequestInfo {
  /** false: a path such as /healthz or /api; only `verb` and `path` count then. */
  isResource: boolean;
  verb: string;
  path: string;
  group: string;
  version: string;
  namespace: string;
  resource: string;
  subresource: string;
  name: string;
  /** What follows the subresource: /proxy/a/b → ['a', 'b']. */
  rest: readonly string[];
  /** Of list and watch, for authorizers that know selectors. */
  fieldSelector: string;
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/** Two slashes in a row are a part that is empty. */
const BELOW_VERSION = /^\/(api\/[^/]+|apis\/[^/]+\/[^/]+)\/./;

export function requestInfo(method: string, path: string, query: URLSearchParams | undefined): RequestInfo {
  const info = nonResource(method, path);
  if (path.includes('//') && !BELOW_VERSION.test(path)) return info; // no path of ours
  let parts = path.replace(/^\/|\/+$/g, '').split('/').map(decode);
  const legacy = parts[0] === 'api';
  if (parts.length < 3 || (!legacy && (parts[0] !== 'apis' || parts.length < 4))) return info;
  info.isResource = true;
  info.group = legacy ? '' : (parts[1] ?? '');
  info.version = parts[legacy ? 1 : 2] ?? '';
  parts = parts.slice(legacy ? 2 : 3);
  info.verb = VERBS[method] ?? '';
  if ((parts[0] === 'watch' || parts[0] === 'proxy') && parts.length > 1) {
    info.verb = parts[0];
    parts = parts.slice(1);
  }
  // No namespace between two slashes is any, of those that only look.
  if (parts[0] === 'namespaces' && parts.length > 1) {
    info.namespace = parts[1] ?? '';
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.includes(parts[2] ?? '')) parts = parts.slice(2);
  }
  info.resource = parts.slice(0, 3).includes('') ? '' : (parts[0] ?? ''); // what is named by nothing is not there
  info.name = parts[1] ?? '';
  info.subresource = parts[2] ?? '';
  info.rest = parts.slice(3);
  return info.name === '' ? collection(info, query) : info;
}

function nonResource(method: string, path: string): RequestInfo {
  return { isResource: false, verb: method.toLowerCase(), path, group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: [], fieldSelector: '' };
}

function collection(info: RequestInfo, query: URLSearchParams | undefined): RequestInfo {
  if (info.verb === 'delete') info.verb = 'deletecollection';
  if (info.verb === 'get') info.verb = isWatch(query) ? 'watch' : 'list';
  info.fieldSelector = query?.get('fieldSelector') ?? '';
  // A selector that names one object is authorized by that name, as upstream.
  const named = /^metadata\.name==?([^,]+)$/.exec(info.fieldSelector);
  if (named !== null && (info.verb === 'list' || info.verb === 'watch')) info.name = named[1] ?? '';
  return info;
}

function isWatch(query: URLSearchParams | undefined): boolean {
  const watch = query?.get('watch');
  return watch !== undefined && watch !== null && !['false', '0'].includes(watch.toLowerCase());
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray %: no such thing will be found
  }
}
