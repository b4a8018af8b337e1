// Which FlowSchema a request falls under, and within it which flow it is of (upstream: apiserver/pkg/util/flowcontrol, rule.go).
import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule } from '../../kinds/generated/api-types.ts';
import type { Attributes } from '../../authz/attributes.ts';

export interface Classified {
  schema: FlowSchema;
  /** Requests of one flow are served in turn with those of others of the level. */
  flow: string;
}

const ALL = '*';
const SERVICE_ACCOUNT = 'system:serviceaccount:';

/** By precedence, the lower the sooner; names decide between equals. */
export function inOrder(schemas: readonly FlowSchema[]): FlowSchema[] {
  const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 1000;
  return [...schemas].sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

export function classify(schemas: readonly FlowSchema[], asked: Attributes): Classified | undefined {
  const schema = schemas.find(({ spec }) => (spec?.rules ?? []).some((rule) => holds(rule, asked)));
  return schema === undefined ? undefined : { schema, flow: `${schema.metadata.name}/${distinguisher(schema, asked)}` };
}

function distinguisher({ spec }: FlowSchema, { user, namespace }: Attributes): string {
  const method = spec?.distinguisherMethod?.type;
  return method === 'ByUser' ? user.username : method === 'ByNamespace' ? namespace : '';
}

function holds({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, asked: Attributes): boolean {
  const ruled = asked.isResource ? resourceRules.some((rule) => ofResource(rule, asked)) : nonResourceRules.some((rule) => ofPath(rule, asked));
  return ruled && subjects.some((subject) => isSubject(subject, asked.user));
}

function isSubject({ kind, user, group, serviceAccount }: PolicyRulesWithSubjects['subjects'][number], { username, groups }: Attributes['user']): boolean {
  if (kind === 'User') return user?.name === ALL || user?.name === username;
  if (kind === 'Group') return group?.name === ALL || groups.includes(group?.name ?? '');
  const of = `${SERVICE_ACCOUNT}${serviceAccount?.namespace ?? ''}:`;
  return serviceAccount?.name === ALL ? username.startsWith(of) : username === `${of}${serviceAccount?.name ?? ''}`;
}

function ofResource({ verbs, apiGroups, resources, clusterScope = false, namespaces = [] }: ResourcePolicyRule, { verb, group, resource, subresource, namespace }: Attributes): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes(ALL) || list.includes(value);
  return has(verbs, verb) && has(apiGroups, group) && has(resources, subresource === '' ? resource : `${resource}/${subresource}`)
    && (namespace === '' ? clusterScope : has(namespaces, namespace));
}

function ofPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: Attributes): boolean {
  const matches = (wanted: string): boolean => wanted === ALL || wanted === path || (wanted.endsWith('/*') && path.startsWith(wanted.slice(0, -1)));
  return (verbs.includes(ALL) || verbs.includes(verb)) && nonResourceURLs.some(matches);
}
