// Whether a user may do a thing. First that allows wins: system:masters, the node authorizer, RBAC. Nothing denies by itself.
import { MASTERS_GROUP, type UserInfo } from '../api/user.ts';
import type { Store } from '../store/store.ts';
import type { Attributes, Decision } from './attributes.ts';
import { createNodeAuthorizer, nodeNameOf } from './node.ts';
import { createRbac, type PolicyRule } from './rbac.ts';

export interface Authorizer {
  authorize(attributes: Attributes): Decision;
  /** Everything RBAC gives the user in the namespace ('' is cluster-wide only); what else may let them do more is said in `problem`. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; problem?: string };
}

const NO: Decision = { allowed: false, reason: '' };
const MASTERS: Decision = { allowed: true, reason: '' };

export function createAuthorizer(store: Store): Authorizer {
  const rbac = createRbac(store);
  const nodes = createNodeAuthorizer(store, rbac);
  return {
    authorize(attributes) {
      if (attributes.user.groups.includes(MASTERS_GROUP)) return MASTERS;
      const node = nodes.authorize(attributes);
      if (node?.allowed === true) return node;
      const role = rbac.authorize(attributes);
      return role.allowed ? role : (node ?? NO);
    },
    rulesFor: (user, namespace) => ({ rules: rbac.rulesFor(user, namespace), ...(nodeNameOf(user) !== undefined && { problem: 'node authorizer does not support user rule resolution' }) }),
  };
}
