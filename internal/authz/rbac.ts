// RBAC over the one cache. Bindings are indexed by subject and rebuilt at the next question after any of the four kinds has changed.
import type { KubeObject } from '../api/meta.ts';
import type { UserInfo } from '../api/user.ts';
import type { Store } from '../store/store.ts';
import type { Attributes, Decision } from './attributes.ts';

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}
export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}
type Role = KubeObject & { rules?: PolicyRule[] };
type Binding = KubeObject & { subjects?: { kind: string; name: string; namespace?: string }[]; roleRef: RoleRef };

interface Grant {
  /** Place of its binding among all, as upstream goes through them: cluster-wide ones first, by name. */
  binding: number;
  /** '' for cluster-wide. */
  namespace: string;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"` */
  text: string;
  roleRef: RoleRef;
}

export interface Rbac {
  authorize(attributes: Attributes): Decision;
  rulesFor(user: UserInfo, namespace: string): PolicyRule[];
  /** undefined: the role is not there. */
  rulesOfRole(roleRef: Pick<RoleRef, 'kind' | 'name'>, namespace: string): PolicyRule[] | undefined;
}

const GROUP = 'rbac.authorization.k8s.io';
const resource = (name: string): { group: string; resource: string } => ({ group: GROUP, resource: name });

export function createRbac(store: Store): Rbac {
  let grants: Map<string, Grant[]> | undefined;
  for (const name of ['rolebindings', 'clusterrolebindings']) store.watch(resource(name), store.revision, { onChange: () => (grants = undefined) });

  const rulesOfRole = ({ kind, name }: Pick<RoleRef, 'kind' | 'name'>, namespace: string): PolicyRule[] | undefined => {
    const clusterWide = kind === 'ClusterRole';
    const role = store.get(resource(clusterWide ? 'clusterroles' : 'roles'), { namespace: clusterWide ? '' : namespace, name }) as Role | undefined;
    return role === undefined ? undefined : (role.rules ?? []);
  };
  /** Each binding once, in upstream's order. */
  const grantsOf = (user: UserInfo, namespace: string): Grant[] => {
    grants ??= indexGrants(store);
    const found: Grant[] = [];
    for (const subject of [`User/${user.username}`, ...user.groups.map((group) => `Group/${group}`)]) {
      for (const grant of grants.get(subject) ?? []) if (grant.namespace === '' || grant.namespace === namespace) found.push(grant);
    }
    return found.sort((a, b) => a.binding - b.binding).filter(({ binding }, index) => binding !== found[index - 1]?.binding);
  };
  return {
    rulesOfRole,
    authorize(attributes) {
      const missing: string[] = [];
      for (const { namespace, roleRef, text } of grantsOf(attributes.user, attributes.isResource ? attributes.namespace : '')) {
        const rules = rulesOfRole(roleRef, namespace);
        if (rules === undefined) missing.push(`${roleRef.kind.toLowerCase()}.${GROUP} ${JSON.stringify(roleRef.name)} not found`);
        else if (rules.some((rule) => allows(rule, attributes))) return { allowed: true, reason: `RBAC: allowed by ${text}` };
      }
      return { allowed: false, reason: missing.length === 0 ? '' : `RBAC: ${missing.length === 1 ? (missing[0] ?? '') : `[${missing.join(', ')}]`}` };
    },
    rulesFor: (user, namespace) => grantsOf(user, namespace).flatMap((grant) => rulesOfRole(grant.roleRef, grant.namespace) ?? []),
  };
}

export function allows(rule: PolicyRule, { isResource, verb, path, group, resource: name, subresource, name: objectName }: Attributes): boolean {
  if (!has(rule.verbs, verb)) return false;
  if (!isResource) return (rule.nonResourceURLs ?? []).some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))));
  return has(rule.apiGroups, group) && hasResource(rule.resources, name, subresource) && (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(objectName));
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes('*'));
}

function hasResource(list: readonly string[] | undefined, resourceName: string, subresource: string): boolean {
  if (list === undefined) return false;
  if (list.includes('*')) return true;
  if (subresource === '') return list.includes(resourceName);
  return list.includes(`${resourceName}/${subresource}`) || list.includes(`*/${subresource}`);
}

function indexGrants(store: Store): Map<string, Grant[]> {
  const grants = new Map<string, Grant[]>();
  let bindings = 0;
  for (const name of ['clusterrolebindings', 'rolebindings']) {
    store.list(resource(name), {
      visit(object) {
        bindings++;
        for (const subject of (object as Binding).subjects ?? []) addGrant(grants, bindings, { object: object as Binding, subject });
        return true;
      },
    });
  }
  return grants;
}

function addGrant(grants: Map<string, Grant[]>, binding: number, { object: { kind, metadata, roleRef }, subject }: { object: Binding; subject: { kind: string; name: string; namespace?: string } }): void {
  const own = metadata.namespace ?? '';
  const account = subject.kind === 'ServiceAccount';
  const who = account ? `User/system:serviceaccount:${subject.namespace ?? own}:${subject.name}` : `${subject.kind}/${subject.name}`;
  const named = own === '' ? metadata.name : `${metadata.name}/${own}`;
  const text = `${kind} ${JSON.stringify(named)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(account ? `${subject.name}/${subject.namespace ?? own}` : subject.name)}`;
  const list = grants.get(who);
  if (list === undefined) grants.set(who, [{ binding, namespace: own, text, roleRef }]);
  else list.push({ binding, namespace: own, text, roleRef });
}
