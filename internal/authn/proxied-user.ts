// The user that a front proxy speaks for, as it says in headers (upstream: request/headerrequest).
import type { UserInfo } from '../api/user.ts';
import { headerValues, prefixedHeaders, type RawHeaders } from './request-headers.ts';

export const PROXY_HEADERS = { username: 'X-Remote-User', uid: 'X-Remote-Uid', group: 'X-Remote-Group', extraPrefix: 'X-Remote-Extra-' } as const;

/** undefined: it names nobody. */
export function proxiedUser(headers: RawHeaders): UserInfo | undefined {
  const [username] = headerValues(headers, PROXY_HEADERS.username.toLowerCase());
  if (username === undefined) return undefined;
  const [uid] = headerValues(headers, PROXY_HEADERS.uid.toLowerCase());
  const extra = prefixedHeaders(headers, PROXY_HEADERS.extraPrefix.toLowerCase());
  return { username, groups: headerValues(headers, PROXY_HEADERS.group.toLowerCase()), ...(uid !== undefined && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

/** The same headers for a user, for the server as a proxy towards other API servers. */
export function proxyHeaders({ username, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { [PROXY_HEADERS.username]: username };
  if (uid !== undefined && uid !== '') headers[PROXY_HEADERS.uid] = uid;
  if (groups.length > 0) headers[PROXY_HEADERS.group] = [...groups];
  for (const [key, values] of Object.entries(extra)) headers[`${PROXY_HEADERS.extraPrefix}${encodeURIComponent(key)}`] = [...values];
  return headers;
}
