// Impersonate-* headers: who may speak for another becomes that other, from authorization on.
import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '../base/errors.ts';
import { AUTHENTICATED_GROUP, serviceAccountUser, type UserInfo } from '../api/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenError } from '../authz/forbidden.ts';

const EXTRA = 'impersonate-extra-';

export function impersonated(headers: IncomingHttpHeaders, user: UserInfo, authorizer: Authorizer): UserInfo {
  const username = one(headers['impersonate-user']);
  const groups = listOf(headers['impersonate-group']);
  if (username === undefined) {
    if (groups.length > 0) throw new StatusError('BadRequest', `requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{${groups.map((group) => JSON.stringify(group)).join(', ')}}, Extra:map[string][]string(nil)} without impersonating a user name`);
    return user;
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const may = (resource: string, name: string, place: { group?: string; namespace?: string; subresource?: string } = {}): void => {
    const attributes = { user, verb: 'impersonate', isResource: true, path: '', group: '', version: 'v1', subresource: '', namespace: '', fieldSelector: '', resource, name, ...place };
    const decision = authorizer.authorize(attributes);
    if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
  };
  if (account === null) may('users', username);
  else may('serviceaccounts', account[2] ?? '', { namespace: account[1] ?? '' });
  for (const group of groups) may('groups', group);
  const extra = extraOf(headers);
  for (const [key, values] of Object.entries(extra)) for (const value of values) may('userextras', value, { group: 'authentication.k8s.io', subresource: key });
  const uid = one(headers['impersonate-uid']);
  if (uid !== undefined) may('uids', uid, { group: 'authentication.k8s.io' });
  const base = account === null ? { username, groups: [AUTHENTICATED_GROUP] } : serviceAccountUser(account[1] ?? '', account[2] ?? '');
  const own = username === 'system:anonymous' ? ['system:unauthenticated'] : groups.length === 0 ? base.groups : [...groups, AUTHENTICATED_GROUP];
  return { username, groups: [...new Set(own)], ...(uid !== undefined && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

function extraOf(headers: IncomingHttpHeaders): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (name.startsWith(EXTRA)) extra[decodeURIComponent(name.slice(EXTRA.length))] = listOf(value);
  return extra;
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

// Node joins repeated headers with a comma and a space; group names have none.
function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : value.split(', ');
}
