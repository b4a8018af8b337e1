// The user that a front proxy speaks for, as it says in headers (upstream: request/headerrequest).
import type { UserInfo } from '../api/user.ts';
import { headerValues, prefixedHeaders, type RawHeaders } from './request-headers.ts';

const HEADERS = { username: 'x-remote-user', uid: 'x-remote-uid', group: 'x-remote-group', extraPrefix: 'x-remote-extra-' } as const;

/** undefined: it names nobody. */
export function proxiedUser(headers: RawHeaders): UserInfo | undefined {
  const [username] = headerValues(headers, HEADERS.username);
  if (username === undefined) return undefined;
  const [uid] = headerValues(headers, HEADERS.uid);
  const extra = prefixedHeaders(headers, HEADERS.extraPrefix);
  return { username, groups: headerValues(headers, HEADERS.group), ...(uid !== undefined && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}
