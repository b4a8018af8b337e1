// Whether a user may do a thing. First that allows wins: system:masters, the node authorizer, RBAC. Nothing denies by itself.
import { MASTERS_GROUP, type UserInfo } from '../api/user.ts';
import type { Store } from '../store/store.ts';
import { createNodeAuthorizer } from './node.ts';
import { createRbac, type PolicyRule } from './rbac.ts';

export interface Attributes {
  user: UserInfo;
  verb: string;
  isResource: boolean;
  path: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector: string;
}

export interface Decision {
  allowed: boolean;
  reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision;
  /** Everything RBAC gives the user in the namespace ('' is cluster-wide only). */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[];
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
    rulesFor: (user, namespace) => (user.groups.includes(MASTERS_GROUP) ? EVERYTHING : rbac.rulesFor(user, namespace)),
  };
}

const EVERYTHING: PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];
