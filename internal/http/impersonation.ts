// Impersonate-* headers: who may speak for another becomes that other, from authorization on. Who may is asked in modes, the narrow ones first
// (KEP-5284): a node's own agent as that node, as whatever node, as a service account, as another user, each only for the verbs that are granted with
// `impersonate-on:<mode>:<verb>`; at last the old way, the verb `impersonate` alone (upstream: endpoints/filters/impersonation).
import { StatusError } from '../base/errors.ts';
import { subdomainProblems } from '../api/names.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, serviceAccountUser, type UserInfo } from '../api/user.ts';
import { headerValues, prefixedHeaders, type RawHeaders } from '../authn/request-headers.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenError } from '../authz/forbidden.ts';
import type { RequestInfo } from './route.ts';

const EXTRA = 'impersonate-extra-';
const NODE = 'system:node:';
const UNAUTHENTICATED_GROUP = 'system:unauthenticated';
const ASSOCIATED_NODE = 'authentication.kubernetes.io/node-name';
/** From so many values on, one question for all is tried first. */
const MANY = 4;
const REMEMBERED_MAX = 1000;

/** As the headers say, nothing added. */
interface Wanted {
  username: string;
  uid: string;
  groups: string[];
  extra: Record<string, string[]>;
}

interface Mode {
  /** undefined: the old way. */
  name?: string;
  applies(wanted: Wanted, requestor: UserInfo): boolean;
}

export type Impersonator = (headers: RawHeaders, user: UserInfo, info: RequestInfo) => UserInfo;

export function createImpersonator(authorizer: Authorizer): Impersonator {
  // Which mode served a requestor last: it is asked first, so that the usual case costs no more questions than it must.
  const lastModes = new Map<string, Mode>();
  return (headers, user, info) => {
    const wanted = readWanted(headers);
    if (wanted === undefined) return user;
    const last = lastModes.get(user.username);
    const modes = last === undefined ? MODES : [last, ...MODES.filter((mode) => mode !== last)];
    let refusal: unknown;
    for (const mode of modes) {
      if (!mode.applies(wanted, user)) continue;
      try {
        const found = impersonate(authorizer, { mode, wanted, requestor: user, info });
        if (lastModes.size >= REMEMBERED_MAX) lastModes.clear();
        lastModes.set(user.username, mode);
        return found;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal;
  };
}

function readWanted(headers: RawHeaders): Wanted | undefined {
  if (!headers.some((name, index) => index % 2 === 0 && /^impersonate-/i.test(name))) return undefined;
  const first = (name: string): string => headerValues(headers, name)[0] ?? '';
  const wanted: Wanted = { username: first('impersonate-user'), uid: first('impersonate-uid'), groups: headerValues(headers, 'impersonate-group'), extra: prefixedHeaders(headers, EXTRA) };
  if (wanted.username !== '') return wanted;
  if (wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0) return undefined;
  throw new StatusError('BadRequest', `requested ${inGo(wanted)} without impersonating a user name`);
}

/** As Go prints the structure. */
function inGo({ uid, groups, extra }: Wanted): string {
  const list = (values: readonly string[]): string => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
  const entries = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`);
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${groups.length === 0 ? '[]string(nil)' : list(groups)}, Extra:map[string][]string${entries.length === 0 ? '(nil)' : `{${entries.join(', ')}}`}}`;
}

const onlyName = ({ uid, groups, extra }: Wanted): boolean => uid === '' && groups.length === 0 && Object.keys(extra).length === 0;

const MODES: readonly Mode[] = [
  { name: 'associated-node', applies: (wanted, requestor) => onlyName(wanted) && nodeOf(wanted.username) !== undefined && accountOf(requestor.username) !== undefined && requestor.extra?.[ASSOCIATED_NODE]?.join() === nodeOf(wanted.username) },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.username) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && accountOf(wanted.username) !== undefined },
  { name: 'user-info', applies: ({ username }) => nodeOf(username) === undefined && accountOf(username) === undefined },
  { applies: () => true },
];

interface Impersonation {
  mode: Mode;
  wanted: Wanted;
  requestor: UserInfo;
  info: RequestInfo;
}

/** Throws Forbidden. */
function impersonate(authorizer: Authorizer, { mode: { name: mode }, wanted, requestor, info }: Impersonation): UserInfo {
  const { username, uid, groups, extra } = wanted;
  const narrow = mode !== undefined;
  const group = narrow ? 'authentication.k8s.io' : '';
  // An agent's own node is asked for under the name of all, and by none of what tells one agent from the other.
  const asking = mode === 'associated-node' ? { ...requestor, extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(requestor.extra ?? {}).sort() } } : requestor;
  const allows = (attributes: Attributes): void => {
    const { allowed, reason } = authorizer.authorize(attributes);
    if (!allowed) throw forbiddenError(attributes, reason);
  };
  const about = (resource: string, of: string, place: Partial<Attributes> = {}): Attributes => ({
    user: asking, verb: narrow ? `impersonate:${mode}` : 'impersonate', isResource: true, path: '', group, version: 'v1', resource, subresource: '', namespace: '', name: of, fieldSelector: '', ...place,
  });
  if (narrow) allows({ ...info, user: asking, verb: `impersonate-on:${mode}:${info.verb}` });
  const [account, node] = [accountOf(username), narrow ? nodeOf(username) : undefined];
  if (account !== undefined) allows(about('serviceaccounts', account.name, { namespace: account.namespace }));
  else if (node !== undefined) allows(about('nodes', mode === 'associated-node' ? '*' : node));
  else allows(about('users', username));
  if (uid !== '') allows(about('uids', uid, { group: 'authentication.k8s.io' }));
  askForGroups(groups, { narrow, allows, about });
  askForExtra(extra, { narrow, allows, about });
  const own = groups.length > 0 ? groups : account !== undefined ? serviceAccountUser(account.namespace, account.name).groups : node !== undefined ? ['system:nodes'] : [];
  return { username, groups: withOutermost(username, own), ...(uid !== '' && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

interface Questions {
  narrow: boolean;
  allows(attributes: Attributes): void;
  about(resource: string, of: string, place?: Partial<Attributes>): Attributes;
}

function askForGroups(groups: readonly string[], { narrow, allows, about }: Questions): void {
  if (narrow && groups.includes(MASTERS_GROUP)) throw forbiddenError(about('groups', MASTERS_GROUP), 'impersonating the system:masters group is not allowed');
  if (narrow && groups.length >= MANY && passes(() => allows(about('groups', '*')))) return;
  for (const group of groups) allows(about('groups', group));
}

function askForExtra(extra: Readonly<Record<string, readonly string[]>>, { narrow, allows, about }: Questions): void {
  const place = (subresource: string): Partial<Attributes> => ({ group: 'authentication.k8s.io', subresource });
  const problem = narrow ? extraProblem(extra) : undefined;
  if (problem !== undefined) throw forbiddenError(about('userextras', '', place('')), problem);
  if (narrow && Object.values(extra).flat().length >= MANY && passes(() => allows(about('userextras', '*', place('*'))))) return;
  for (const [key, values] of Object.entries(extra)) for (const value of values) allows(about('userextras', value, place(key)));
}

function passes(ask: () => void): boolean {
  try {
    ask();
    return true;
  } catch {
    return false; // each is asked for by itself then
  }
}

function extraProblem(extra: Readonly<Record<string, readonly string[]>>): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    const [domain = '', ...path] = key.split('/');
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    if (path.length === 0 || path.join('/') === '' || subdomainProblems(domain).length > 0) return `impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ${JSON.stringify(key)}: must be a domain-prefixed path (such as "acme.io/foo")`;
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

function withOutermost(username: string, groups: readonly string[]): string[] {
  const outermost = username === 'system:anonymous' ? UNAUTHENTICATED_GROUP : groups.includes(UNAUTHENTICATED_GROUP) ? undefined : AUTHENTICATED_GROUP;
  return outermost === undefined || groups.includes(outermost) ? [...groups] : [...groups, outermost];
}

function accountOf(username: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function nodeOf(username: string): string | undefined {
  const name = username.startsWith(NODE) ? username.slice(NODE.length) : '';
  return name !== '' && subdomainProblems(name).length === 0 ? name : undefined;
}
