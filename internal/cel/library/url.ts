// URLs as Go's net/url reads request URIs: absolute, or a path. `url('https://a:80/b?c=d').getHost()`
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { EntryMap, ListValue, OpaqueValue, type Value } from '../value.ts';

const U = 'kubernetes.URL';

interface Parts { scheme: string; host: string; path: string; query: string }

class UrlValue extends OpaqueValue {
  readonly typeName = U;
  readonly text: string;
  readonly parts: Parts;

  constructor(text: string, parts: Parts) {
    super();
    this.text = text;
    this.parts = parts;
  }

  equals(other: Value): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }
}

export function urlLibrary(): Definition[] {
  return [
    ['url', 'string_to_url', `(string) ${U}`, toUrl],
    ['isURL', 'is_url_string', '(string) bool', (text: string) => urlProblem(text) === undefined],
    ['getScheme', 'url_get_scheme', `${U}.() string`, ({ parts }: UrlValue) => parts.scheme],
    ['getHost', 'url_get_host', `${U}.() string`, ({ parts }: UrlValue) => parts.host],
    ['getHostname', 'url_get_hostname', `${U}.() string`, ({ parts }: UrlValue) => splitPort(parts.host).name],
    ['getPort', 'url_get_port', `${U}.() string`, ({ parts }: UrlValue) => splitPort(parts.host).port],
    ['getEscapedPath', 'url_get_escaped_path', `${U}.() string`, ({ parts }: UrlValue) => parts.path.replaceAll(/[^A-Za-z0-9$&+,/:;=@\-_.~!'()*%]|%(?![0-9A-Fa-f]{2})/gu, encodeURIComponent)],
    ['getQuery', 'url_get_query', `${U}.() map(string, list(string))`, ({ parts }: UrlValue) => readQuery(parts.query)],
  ];
}

/** What Go says of text that is no request URI. */
export function urlProblem(text: string): string | undefined {
  const parts = split(text);
  return typeof parts === 'string' ? `parse ${JSON.stringify(text)}: ${parts}` : undefined;
}

function toUrl(text: string): UrlValue {
  const problem = urlProblem(text);
  if (problem !== undefined) throw new EvaluationError(`URL parse error during conversion from string: ${problem}`);
  // A fragment is part of the path of a request URI, but not of the URL that is read after.
  return new UrlValue(text, split(text.replace(/#.*$/s, ''), true) as Parts);
}

// A request URI without a scheme is a path; a URL may begin with its host.
function split(text: string, hostFirst = false): Parts | string {
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL';
  if (text === '') return 'empty url';
  if (text === '*') return { scheme: '', host: '', path: '*', query: '' };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (scheme === null && text.startsWith(':')) return 'missing protocol scheme';
  const [head = '', ...query] = text.slice(scheme?.[0].length ?? 0).split('?');
  if (!head.startsWith('/')) return scheme === null ? 'invalid URI for request' : { scheme: (scheme[1] ?? '').toLowerCase(), host: '', path: '', query: query.join('?') };
  const authority = (scheme !== null || (hostFirst && !head.startsWith('///'))) && head.startsWith('//') ? /^\/\/([^/]*)/.exec(head)?.[1] : undefined;
  const problem = authority === undefined ? undefined : hostProblem(authority);
  if (problem !== undefined) return problem;
  const path = authority === undefined ? head : head.slice(2 + authority.length);
  const escape = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(path);
  if (escape !== null) return `invalid URL escape ${JSON.stringify(escape[0])}`;
  const host = authority?.slice(authority.lastIndexOf('@') + 1) ?? '';
  return { scheme: (scheme?.[1] ?? '').toLowerCase(), host, path, query: query.join('?') };
}

function hostProblem(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (authority.includes('@') && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, authority.lastIndexOf('@')))) return 'net/url: invalid userinfo';
  const bracket = host.lastIndexOf(']');
  if (host.startsWith('[') && bracket < 0) return "missing ']' in host";
  const colon = host.startsWith('[') ? bracket + 1 : host.indexOf(':');
  const port = colon >= 0 ? host.slice(colon) : '';
  if (!/^(?::\d*)?$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`;
  const escape = /%(?![89A-Fa-f][0-9A-Fa-f]|25).{0,2}/s.exec(host);
  if (escape !== null) return `invalid URL escape ${JSON.stringify(escape[0])}`;
  const bad = /[^A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\u{10ffff}]/u.exec(host);
  return bad === null ? undefined : `invalid character ${JSON.stringify(bad[0])} in host name`;
}

function splitPort(host: string): { name: string; port: string } {
  const [, name = host, port = ''] = /^(.*?)(?::(\d*))?$/s.exec(host) ?? [];
  return { name: name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name, port };
}

function readQuery(query: string): EntryMap {
  const values = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';') || /%(?![0-9A-Fa-f]{2})/.test(pair)) continue;
    const [key = '', ...value] = pair.split('=');
    const name = decode(key);
    values.set(name, [...(values.get(name) ?? []), decode(value.join('='))]);
  }
  return EntryMap.of(Array.from(values, ([name, list]) => [name, ListValue.of(list)] as const));
}

function decode(text: string): string {
  return Buffer.from(text.replaceAll('+', ' ').replaceAll(/[^\x00-\x7f]+/g, encodeURIComponent).replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1').toString('utf8');
}
