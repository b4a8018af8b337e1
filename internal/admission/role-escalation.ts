// RBAC escalation: nobody writes a role with more than they hold, or binds one, unless they may `escalate` or `bind` (upstream:
// registry/rbac/*/policybased). A role that gathers others could come to hold anything: only who holds everything writes one.
import { sameWhenWritten } from '../api/json-equality.ts';
import type { KubeObject } from '../api/meta.ts';
import { MASTERS_GROUP } from '../api/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { missingRules, quotedList } from '../authz/rule-cover.ts';
import { createRbac, type PolicyRule, type Rbac, type RoleRef } from '../authz/rbac.ts';
import { notFound } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly PolicyRule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, { nonResourceURLs: ['*'], verbs: ['*'] }];

type Role = KubeObject & { rules?: PolicyRule[]; aggregationRule?: { clusterRoleSelectors?: unknown[] } };

export function roleEscalation(authorizer: Authorizer, store: Store): AdmissionPlugin {
  const rbac = createRbac(store);
  return {
    name: 'RoleEscalation',
    validate(request) {
      const { kind, user, object, old } = request;
      if (kind.group !== GROUP || object === undefined || user.groups.includes(MASTERS_GROUP) || onlyForCollection(object, old)) return;
      if (kind.resource === 'roles' || kind.resource === 'clusterroles') checkRole(authorizer, request);
      else checkBinding(authorizer, rbac, request);
    },
  };
}

/** What the garbage collector must be able to change, whatever the object grants. */
function onlyForCollection(object: KubeObject, old: KubeObject | undefined): boolean {
  if (old === undefined) return false;
  const bare = ({ metadata: { ownerReferences: _owners, finalizers: _finalizers, managedFields: _fields, ...metadata }, ...rest }: KubeObject): object => ({ ...rest, metadata });
  return sameWhenWritten(bare(object), bare(old));
}

function checkRole(authorizer: Authorizer, request: AdmissionRequest): void {
  const { kind, object, old, name } = request;
  if (may(authorizer, request, { verb: 'escalate', resource: kind.resource, name })) return;
  const [role, before] = [object as Role, old as Role | undefined];
  refuseMore(authorizer, request, role.rules ?? []);
  const gathers = [role, before].some((each) => (each?.aggregationRule?.clusterRoleSelectors ?? []).length > 0);
  if (gathers && missingRules(authorizer.rulesFor(request.user, '').rules, EVERYTHING).length > 0) throw forbidden(kind, role.metadata.name, 'must have cluster-admin privileges to use the aggregationRule');
}

function checkBinding(authorizer: Authorizer, rbac: Rbac, request: AdmissionRequest): void {
  const { roleRef } = request.object as KubeObject & { roleRef: RoleRef };
  if (may(authorizer, request, { verb: 'bind', resource: roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles', name: roleRef.name })) return;
  const rules = rbac.rulesOfRole(roleRef, request.namespace);
  if (rules === undefined) throw notFound(request.kind, roleRef.name); // upstream names the resource that is written
  refuseMore(authorizer, request, rules);
}

function may(authorizer: Authorizer, { user, namespace }: AdmissionRequest, asked: Pick<Attributes, 'verb' | 'resource' | 'name'>): boolean {
  return authorizer.authorize({ user, isResource: true, path: '', group: GROUP, version: '*', subresource: '', namespace, fieldSelector: '', ...asked }).allowed;
}

function refuseMore(authorizer: Authorizer, { user, namespace, object, kind }: AdmissionRequest, wanted: readonly PolicyRule[]): void {
  const missing = missingRules(authorizer.rulesFor(user, namespace).rules, wanted);
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(user.username)} (groups=${quotedList(user.groups)})`;
  throw forbidden(kind, object?.metadata.name ?? '', `${who} is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`);
}
