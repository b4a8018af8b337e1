// The audit policy file (audit.k8s.io/v1 Policy): the first rule that matches a request says how much of it is written down, and at which of its
// stages (upstream: apiserver pkg/audit/policy). Every problem is told at once.
import { parseYaml } from '../../api/yaml.ts';
import type { UserInfo } from '../../api/user.ts';
import type { RequestInfo } from '../route.ts';

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof LEVELS)[number];
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof STAGES)[number];

interface Rule {
  level: Level;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: { group?: string; resources?: string[]; resourceNames?: string[] }[];
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

export interface AuditPolicy {
  rules: Rule[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

export interface Extent {
  level: Level;
  omitStages: readonly Stage[];
  omitManagedFields: boolean;
}

export function parseAuditPolicy(text: string, file: string): AuditPolicy {
  const given = parseYaml(text) as (Partial<AuditPolicy> & { apiVersion?: string; kind?: string }) | null;
  const problems: string[] = [];
  if (given?.kind !== 'Policy' || given.apiVersion !== 'audit.k8s.io/v1') problems.push('must be a Policy of audit.k8s.io/v1');
  const rules = given?.rules ?? [];
  if (!Array.isArray(rules) || rules.length === 0) problems.push('loaded illegal policy with 0 rules');
  else rules.forEach((rule, index) => problems.push(...ruleProblems(rule, `rules[${String(index)}]`)));
  problems.push(...stageProblems(given?.omitStages, 'omitStages'));
  if (problems.length > 0) throw new Error(`${file}: ${problems.join('; ')}`);
  return { ...given, rules };
}

function ruleProblems({ level, resources = [], namespaces = [], nonResourceURLs = [], omitStages }: Partial<Rule>, path: string): string[] {
  const problems = stageProblems(omitStages, `${path}.omitStages`);
  if (level === undefined || !LEVELS.includes(level)) problems.push(`${path}.level: Unsupported value: ${JSON.stringify(level ?? '')}: supported values: ${LEVELS.map((each) => JSON.stringify(each)).join(', ')}`);
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) problems.push(`${path}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`);
  for (const url of nonResourceURLs) if (url !== '*' && (!url.startsWith('/') || url.slice(0, -1).includes('*'))) problems.push(`${path}.nonResourceURLs: ${JSON.stringify(url)} must start with / and may have one * at its end`);
  resources.forEach(({ resources: names = [], resourceNames = [] }, index) => resourceNames.length > 0 && names.length === 0 && problems.push(`${path}.resources[${String(index)}].resourceNames: using resourceNames requires at least one resource`));
  return problems;
}

function stageProblems(stages: readonly string[] | undefined, path: string): string[] {
  return (stages ?? []).filter((stage) => !(STAGES as readonly string[]).includes(stage)).map((stage) => `${path}: ${JSON.stringify(stage)} is no stage: ${STAGES.join(', ')}`);
}

export function extentOf(policy: AuditPolicy, info: RequestInfo, user: UserInfo | undefined): Extent {
  const rule = policy.rules.find((each) => matches(each, info, user));
  return { level: rule?.level ?? 'None', omitStages: [...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])], omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false };
}

function matches({ users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] }: Rule, info: RequestInfo, user: UserInfo | undefined): boolean {
  if (users.length > 0 && (user === undefined || !users.includes(user.username))) return false;
  if (userGroups.length > 0 && user?.groups.some((group) => userGroups.includes(group)) !== true) return false;
  if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) return info.isResource && (namespaces.length === 0 || namespaces.includes(info.namespace)) && (resources.length === 0 || resources.some((each) => isOf(each, info)));
  return nonResourceURLs.length === 0 || (!info.isResource && nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('*') && info.path.startsWith(url.slice(0, -1)))));
}

function isOf({ group = '', resources = [], resourceNames = [] }: NonNullable<Rule['resources']>[number], info: RequestInfo): boolean {
  if (group !== info.group && group !== '*') return false;
  if (resources.length === 0) return true;
  const { resource, subresource } = info;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const named = resourceNames.length === 0 || resourceNames.includes(info.name);
  return named && resources.some((each) => each === '*' || each === whole || (subresource !== '' && (each === `*/${subresource}` || each === `${resource}/*`)));
}
