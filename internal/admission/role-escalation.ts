// RBAC escalation: nobody writes a role with more than they hold, or binds one, unless they may `escalate` or `bind`.
import type { KubeObject } from '../api/meta.ts';
import { MASTERS_GROUP } from '../api/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { missingRules } from '../authz/rule-cover.ts';
import { createRbac, type PolicyRule, type RoleRef } from '../authz/rbac.ts';
import { notFound } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const GROUP = 'rbac.authorization.k8s.io';

export function roleEscalation(authorizer: Authorizer, store: Store): AdmissionPlugin {
  const rbac = createRbac(store);
  return {
    name: 'RoleEscalation',
    validate(request) {
      const { kind, user, object, old } = request;
      if (kind.group !== GROUP || object === undefined || user.groups.includes(MASTERS_GROUP)) return;
      if (kind.resource === 'roles' || kind.resource === 'clusterroles') {
        const { rules = [] } = object as KubeObject & { rules?: PolicyRule[] };
        if (old !== undefined && JSON.stringify((old as KubeObject & { rules?: PolicyRule[] }).rules) === JSON.stringify(rules)) return;
        if (!may(authorizer, request, { verb: 'escalate', resource: kind.resource, name: object.metadata.name })) refuse(authorizer, request, rules);
        return;
      }
      const { roleRef } = object as KubeObject & { roleRef: RoleRef };
      const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
      if (may(authorizer, request, { verb: 'bind', resource, name: roleRef.name })) return;
      const rules = rbac.rulesOfRole(roleRef, request.namespace);
      if (rules === undefined) throw notFound({ group: GROUP, resource }, roleRef.name);
      refuse(authorizer, request, rules);
    },
  };
}

function may(authorizer: Authorizer, { user, namespace }: AdmissionRequest, asked: { verb: string; resource: string; name: string }): boolean {
  return authorizer.authorize({ user, isResource: true, path: '', group: GROUP, version: 'v1', subresource: '', namespace, fieldSelector: '', ...asked }).allowed;
}

function refuse(authorizer: Authorizer, { user, namespace, object, kind }: AdmissionRequest, wanted: readonly PolicyRule[]): void {
  const missing = missingRules(authorizer.rulesFor(user, namespace), wanted);
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(user.username)} (groups=${JSON.stringify(user.groups)})`;
  throw forbidden(kind, object?.metadata.name ?? '', `${who} is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`);
}
