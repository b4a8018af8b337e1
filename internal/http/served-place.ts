// Whether something is served at a path, and takes the method: looked at before the body is read.
import { StatusError } from '../base/errors.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import { notAllowed, nothingThere } from './call.ts';
import type { RequestInfo } from './route.ts';

/** No part of the API: answered as plain text. */
export class PageNotFound extends Error {}

/** Something is served there, and its path has a namespace where it should. An unknown group has no server that could say so in a Status. */
export function checkPlace(kind: Kind | undefined, { group, resource, namespace, name, verb }: RequestInfo, kinds: Kinds): void {
  if (kind === undefined && !kinds.all().some((served) => served.group === group && served.custom === undefined)) throw new PageNotFound();
  const misplaced = kind !== undefined && resource !== 'namespaces' && (kind.namespaced ? namespace === '' && name !== '' && verb !== 'list' && verb !== 'watch' : namespace !== '');
  // Of what is only asked, nothing has a name.
  const unnamed = kind?.verbs.length === 1 && kind.verbs[0] === 'create' && name !== '';
  if (kind === undefined || misplaced || unnamed) throw nothingThere();
  // Collections of all namespaces are only looked at.
  if (kind.namespaced && namespace === '' && (verb === 'create' || verb === 'deletecollection')) throw notAllowed();
}

/** Before the body is looked at: a collection takes no PUT, an object no POST. */
export function checkMethod({ verbs, group, resource }: Kind, { verb, name, subresource }: RequestInfo): void {
  if (verb === 'watch' && !verbs.includes(verb) && verbs.includes('list')) throw new StatusError('MethodNotAllowed', `watch is not supported on resources of kind ${JSON.stringify(group === '' ? resource : `${resource}.${group}`)}`, { details: { ...(group !== '' && { group }), kind: resource } });
  if (subresource === '' && (!verbs.includes(verb) || (verb === 'create') !== (name === '') && ['create', 'update', 'patch'].includes(verb))) throw notAllowed();
}

/** Methods that no verb is of are refused wherever something is; a proxy passes on two of them. */
export function checkSubresource({ subresources, custom }: Kind, { subresource, verb }: RequestInfo, method: string): void {
  if (subresource === '' || custom !== undefined) return;
  const served = subresources.find(({ name }) => name === subresource);
  if (served === undefined ? verb !== '' : served.verbs.includes(verb) || (subresource === 'proxy' && method === 'OPTIONS')) return;
  throw served === undefined ? nothingThere() : notAllowed();
}

/** Kinds that upstream warns of at every use. */
const DEPRECATED: Readonly<Record<string, string>> = {
  '/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  '/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
};

/** What its user is warned of. */
export function deprecationOf({ group, resource, custom }: Kind): string | undefined {
  return DEPRECATED[`${group}/${resource}`] ?? custom?.deprecation;
}
